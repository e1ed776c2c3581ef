"""nntest: measure a neural network's operators on a board and say what to do about it.

One idea a module; `docs/architecture.md` draws how they hang together.  Everything here can
be called without Snakemake; the scripts one folder up are the thin layer between the two.
"""

__version__ = "0.1.0"
