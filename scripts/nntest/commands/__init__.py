"""The `nntest` command: what a user does outside the workflow.

A command is a module here that has `add_to`, which describes it to the parser.
"""
