"""The report: one self-contained page, and the headline that a run ends with."""
