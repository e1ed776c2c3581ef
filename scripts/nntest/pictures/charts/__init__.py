"""Interactive charts: Altair specifications, and pages that open from disk without a network."""
