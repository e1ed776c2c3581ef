"""What the rules of the workflow ask about a study: which jobs there are, what each depends on.

A `*_spec` function gives the part of the config that a rule uses, as plain data.  The rules keep
it as a param, so that a job runs again when, and only when, something that it uses has changed:
what is left out of a spec on purpose (a board's address, a description) re-runs nothing.

A script imports from here no more than `job`, or an edit of one rule's names and captions would
run the others' jobs again; `report.py` alone shows all of them.
"""
