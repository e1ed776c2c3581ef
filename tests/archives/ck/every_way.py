"""Everything that reads a CK archive, used on one that may be damaged."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from nntest.archives.ck import check, merge, overview, read_rows
from nntest.archives.ck.safety import unsafe_name
from nntest.archives.ck.tables import read_table
from nntest.archives.measurements import to_frame
from nntest.domain.tables.measurements import COUNTERS, KERNELS, LAUNCHES
from nntest.errors import UserError


def quiet(_: str) -> None:
    return None


def read_in_every_way(path: Path, folder: Path) -> list[float]:
    """Use everything that reads; only a word to the user may come of it.  The good times [µs]."""
    try:
        frame = to_frame(read_rows(path, (), quiet, synthetic=True))
        good_times = frame.loc[frame["status"] == "ok", "time_us"]
        assert (good_times > 0).all()
        assert frame.loc[frame["status"] != "ok", "time_us"].isna().all()
        to_frame(read_table(KERNELS, path, (), quiet), KERNELS)
        json.dumps(list(read_table(LAUNCHES, path, (), quiet)), allow_nan=False)
        json.dumps(list(read_table(COUNTERS, path, (), quiet)), allow_nan=False)
        list(overview(path, (), quiet))
        for complaint in check(path):
            str(complaint).encode()
        merge([path], folder / "merged.zip", keep_both=True, warn=quiet)
        with zipfile.ZipFile(folder / "merged.zip") as merged:
            assert all(unsafe_name(name) is None for name in merged.namelist())
    except UserError as error:
        str(error).encode()
        return []
    return [float(time_us) for time_us in good_times]
