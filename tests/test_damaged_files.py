"""Whatever is in a file of others: a word to the user, or what stands in it.

`python benchmarks/fuzz.py --minutes 60` does the same for an hour.
"""

from __future__ import annotations

import pytest
from damaged_files import READERS, read_damaged
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("kind", READERS)
@given(data=st.data())
def test_a_damaged_file_is_no_fault_of_ours_and_gives_no_time_that_is_not_in_it(
    kind: str, data: st.DataObject
) -> None:
    reader = READERS[kind]
    read_damaged(reader, *data.draw(reader.damaged()))
