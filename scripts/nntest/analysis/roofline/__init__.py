"""Rooflines: what a platform could reach, what a network asks of it, and what was measured."""
