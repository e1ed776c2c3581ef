"""What energy runs hold: power of the board and energy of a run, as each meter said."""

from __future__ import annotations

from collections.abc import Iterator

from onboard import outcomes

from nntest.archives.ck.points import ArchivedPoint
from nntest.archives.ck.read import Row, columns_of, repetition_rows
from nntest.archives.ck.values import dig, mapping, real, text, whole
from nntest.domain.tables.energy import ENERGY_RUNS


def energy_rows(point: ArchivedPoint, first_repetition: int) -> Iterator[Row]:
    """A recording's rows of `ENERGY_RUNS`: one for each repetition of an energy run and each meter.

    A repetition that failed is one row without a meter; its status and reason say why.
    """
    if point.profile != "energy":
        return
    for index, (row, run, outcome) in enumerate(repetition_rows(point, first_repetition)):
        kept = columns_of(row, ENERGY_RUNS)
        if outcome.status != outcomes.OK:
            yield kept
            continue
        loop = mapping(run, "run_time_state", "loop")
        said = dig(point.repetitions[index], "nntest_flow", "energy")
        for number, (meter, found) in enumerate((said if isinstance(said, dict) else {}).items()):
            powers = {name: real(dig(found, name)) for name in ("idle_w", "base_w", "full_w")}
            joules = real(dig(found, "joules"))
            place = whole(dig(found, "number"))  # archives have objects' names in their own order
            yield {
                **kept,
                **powers,
                "meter": text(meter),
                "meter_number": number if place is None else place,
                "runs": whole(loop.get("runs")),
                "loop_s": real(loop.get("seconds")),
                "energy_mj": None if joules is None else joules * 1e3,
            }
