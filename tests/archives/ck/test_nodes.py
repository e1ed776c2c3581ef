"""Times of the nodes that inference libraries run."""

from __future__ import annotations

from archives.ck.ck_samples import good, header, make_plan, make_point, write
from nntest.archives.ck.tables import read_table
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.measurements import NODES

RAN = {
    "evidence": "reported",
    "timed_by": "profile",
    "nodes": [
        {"node": "in", "kernel": "Reorder", "layers": [], "seconds": 2e-6},
        {"node": "a", "kernel": "Conv", "layers": ["first", "second"], "seconds": 0.001},
        {"node": "?", "kernel": "Mul", "layers": None, "seconds": "soon"},
    ],
}


def rows(tmp_path, *implementations):
    point = make_point()
    lines = [
        good(point, number, process=number // 2, run_time_state={"implementation": ran})
        for number, ran in enumerate(implementations)
    ]
    path = write(tmp_path / "a.zip", make_plan([point]), [header(), *lines])
    return frame_of(read_table(NODES, path, warn=lambda _: None), NODES)


def test_each_process_says_its_nodes_once(tmp_path):
    frame = rows(tmp_path, RAN, RAN, RAN)
    assert frame["process_id"].tolist() == [0, 0, 0, 1, 1, 1]
    assert frame["sequence"].tolist() == [0, 1, 2] * 2
    one = frame.iloc[:3]
    assert one["node"].tolist() == ["in", "a", "?"]
    assert one["kernel"].tolist() == ["Reorder", "Conv", "Mul"]
    assert one["time_us"].iloc[:2].tolist() == [2.0, 1000.0]
    assert set(one["timed_by"]) == {"profile"}
    # Nothing, several, and what nobody knows are three different things.
    assert one["layer"].iloc[:2].tolist() == ["", "first"]
    assert one["layer"].isna().tolist() == [False, False, True]
    assert one["fused_layers"].tolist() == ["", "second", ""]
    assert one["time_us"].isna().tolist() == [False, False, True]


def test_nodes_that_were_not_timed_have_no_row(tmp_path):
    assert rows(tmp_path, {"nodes": [{"node": "a", "kernel": "Conv"}]}, None, 7).empty
