"""Pages of a picture: each thing is on one, what matters on the first."""

from __future__ import annotations

import pytest
from nntest.errors import UserError
from nntest.pictures.plots.paging import page_of


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


@pytest.mark.parametrize(("count", "pages"), [(3, "1 page"), (9, "3 pages")])
def test_a_page_that_there_is_not(count: int, pages: str) -> None:
    with pytest.raises(UserError, match="there is no page 4") as caught:
        page_of(4, [("tensors", list(range(count)), 3)], "plots.violin.page")
    assert caught.value.hint == f"the picture has {pages}"
