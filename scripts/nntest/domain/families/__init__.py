"""Families of networks with branches, generated as the MobileNets-v1 are.

Each is built from its paper's table; which layer repeats is counted, never typed.
"""
