"""Pages of a picture: each thing is on one, what matters on the first."""

from __future__ import annotations

import pytest
from nntest.pictures.plots.paging import page_of, rows_of


def test_all_on_one_page_has_no_word_of_pages() -> None:
    (parts,), said = page_of(1, [("tensors", ["a", "b"], 2)], "plots.violin.page")
    assert (parts.shown, said) == (("a", "b"), "")


def test_every_combination_is_on_one_page() -> None:
    kinds = [("panels", ["x", "y", "z"], 2), ("tensors", list(range(5)), 2)]
    seen = []
    for page in range(1, 7):
        (panels, tensors), said = page_of(page, kinds, "plots.violin.page")
        assert said.startswith(f"page {page} of 6: ")
        seen += [(panel, tensor) for panel in panels.shown for tensor in tensors.shown]
    assert sorted(seen) == [(panel, tensor) for panel in "xyz" for tensor in range(5)]
    assert seen[:2] == [("x", 0), ("x", 1)]


def test_how_many_of_how_many_is_said_where_it_is_not_all() -> None:
    kinds = [("panels", ["x"], 2), ("tensors", list(range(1000)), 40)]
    _, said = page_of(2, kinds, "plots.violin.page")
    assert said == "page 2 of 25: 40 of 1,000 tensors (plots.violin.page chooses another)"


@pytest.mark.parametrize(
    ("count", "said"), [(3, "page 1 of 1"), (8, "page 3 of 3: 2 of 8 tensors")]
)
def test_behind_the_last_page_that_one_is_shown(count: int, said: str) -> None:
    """Pictures that share an option have different numbers of pages."""
    things = list(range(count))
    (part,), words = page_of(7, [("tensors", things, 3)], "plots.violin.page")
    assert part.shown == tuple(things[(count - 1) // 3 * 3 :])
    assert words == f"{said} (there is no page 7, which plots.violin.page asks for)"


def test_high_rows_are_fewer_on_a_page() -> None:
    assert [rows_of(bars, 40) for bars in (1, 4, 24, 1000)] == [40, 40, 6, 1]
