"""The pages of a study by the stem of their files, apart from what makes them."""

from __future__ import annotations

PAGES = {
    "layers": "Layers of each network",
    "rooflines": "Rooflines and predictions",
    "trade-offs": "Trade-offs and Pareto fronts",
}
"""With their titles.  The workflow asks for these before any job runs."""
