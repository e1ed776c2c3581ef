"""The error of the sum over layers by made-up nodes."""

from __future__ import annotations

import pandas as pd
import pytest
from analysis.made_up_study import TENSORS, network_rows, row, study_rows
from nntest.analysis.sum_error import EMPTY_KERNEL, network_layers, sum_error
from nntest.archives.measurements import to_frame
from nntest.domain.networks import Layer, Network
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.measurements import NODES

A, B = TENSORS[1], TENSORS[4]
NETWORK = Network("two", (Layer("first", A, 1), Layer("second", B, 1), Layer("third", B, 1)))
EXACT = {"between": 0.0, "within": 0.0}
LIBRARY = {"library": "lib-1"}
TIMES = {A.name: 100.0, B.name: 50.0}
"""Of the layers alone: 200 µs in all."""
WHOLE = 125.0


def measurements(tuner="DEFAULT", whole="DEFAULT", **changes):
    rows = study_rows(tensors=(A, B), choices=[("conv", tuner)], **EXACT, **LIBRARY, **changes)
    rows = [{**one, "time_us": TIMES[one["tensor"]]} for one in rows]
    return to_frame([*rows, *network_rows(NETWORK, whole, WHOLE / 1.002, **LIBRARY)])


def nodes_of(tensor, *nodes, operator="conv", process=0, timed_by="profile"):
    """Rows of one process: (layer, µs) or (layer, µs, other layers)."""
    base = row(A, operator, "DEFAULT", process_id=process, **LIBRARY)
    named = {**dict.fromkeys(NODES.names), **{name: base.get(name) for name in NODES.names}}
    named |= {"tensor": tensor, "species": operator, "timed_by": timed_by}
    return [
        {
            **named, "sequence": number, "node": f"n{number}", "layer": layer, "time_us": time,
            "fused_layers": ", ".join(fused), "kernel": "Move" if layer == "" else "Conv",
        }
        for number, (layer, time, *fused) in enumerate(nodes)
    ]  # fmt: skip


ALONE = [
    *nodes_of(A.name, ("", 20.0), ("conv", 60.0), ("", 10.0)),
    *nodes_of(B.name, ("conv", 30.0), ("", 5.0)),
]
INSIDE = nodes_of(
    "two", ("", 4.0), ("first", 50.0), ("second", 28.0), ("third", 32.0), operator="network"
)


def taken_apart(nodes, frame=None):
    frame = measurements() if frame is None else frame
    return sum_error(frame, frame_of(nodes, NODES), [NETWORK], "study", 42).to_dict("records")


def by_layer(nodes, frame=None):
    frame = measurements() if frame is None else frame
    made = network_layers(frame, frame_of(nodes, NODES), [NETWORK], "study", 42)
    return made.to_dict("records")


def test_the_parts_are_known_and_add_up():
    [one] = taken_apart(ALONE + INSIDE)
    assert (one["choice"], one["layers"], one["timed_by"]) == ("best", 3, "profile")
    assert one["total_us"] == 200.0
    assert (one["own_us"], one["reorders_alone_us"], one["outside_alone_us"]) == (120, 40, 40)
    assert (one["inside_us"], one["reorders_inside_us"]) == (110, 4)
    assert one["measured_us"] == pytest.approx(WHOLE)
    assert one["outside_inside_us"] == pytest.approx(WHOLE - 114)
    assert one["difference_us"] == 10
    assert one["error"] == pytest.approx(200 / WHOLE - 1)
    parts = [one[f"{part}_error"] for part in ("outside", "reorders", "nodes")]
    assert parts == pytest.approx([(40 - 11) / WHOLE, 36 / WHOLE, 10 / WHOLE])
    assert sum(parts) == pytest.approx(one["error"], abs=1e-12)
    assert one["own_error"] == pytest.approx(120 / WHOLE - 1)


def test_medians_over_processes():
    slow = nodes_of(A.name, ("", 90.0), ("conv", 70.0), process=1)
    slower = nodes_of(A.name, ("conv", 80.0), process=2)
    [one] = taken_apart(ALONE + INSIDE + slow + slower)
    assert one["own_us"] == 70 + 60
    assert one["reorders_alone_us"] == pytest.approx(60 + 10)


def test_reorders_within_the_nodes():
    def timed(nodes):
        return [{**node, "timed_by": "outputs"} for node in nodes if node["layer"] != ""]

    [one] = taken_apart(timed(ALONE + INSIDE))
    assert pd.isna(one["reorders_error"]) and pd.isna(one["reorders_alone_us"])
    assert (one["own_us"], one["outside_alone_us"]) == (120, 80)
    assert one["outside_error"] + one["nodes_error"] == pytest.approx(one["error"])


@pytest.mark.parametrize(
    "nodes",
    [
        [],
        INSIDE + ALONE[:3],
        INSIDE + ALONE[:3] + nodes_of(B.name, ("conv", 30.0), (None, 5.0)),
        INSIDE + ALONE[:3] + nodes_of(B.name, ("conv", None)),
    ],
)
def test_what_is_not_known_of_a_layer_is_null(nodes):
    [one] = taken_apart(nodes)
    unknown = ("own_us", "reorders_alone_us", "outside_alone_us", "difference_us", "own_error")
    assert all(pd.isna(one[name]) for name in unknown)
    assert one["total_us"] == 200.0
    assert pd.isna(one["inside_us"]) == (not nodes)


def test_an_empty_kernels_wait_stands_for_what_is_outside():
    frame = measurements(waiting_us=4.0)
    [one] = taken_apart([], frame)
    assert (one["own_us"], one["outside_alone_us"]) == (200 - 12, 12)
    assert one["timed_by"] == EMPTY_KERNEL
    assert pd.isna(one["inside_us"]) and pd.isna(one["outside_error"])
    assert one["own_error"] == pytest.approx(188 / WHOLE - 1)


def test_networks_that_were_not_measured_have_no_row():
    frame = measurements()
    frame = frame[frame["species"] != "network"]
    assert taken_apart(ALONE, frame) == [] and by_layer(ALONE, frame) == []


def test_layers_alone_and_inside():
    first, second, third = by_layer(ALONE + INSIDE)
    assert [one["layer"] for one in (first, second, third)] == ["first", "second", "third"]
    assert (first["time_us"], first["own_us"], first["reorders_us"]) == (100, 60, 30)
    assert first["outside_us"] == 10
    assert (first["inside_us"], first["own_over_inside"]) == (50, pytest.approx(1.2))
    assert (first["kernel_alone"], first["kernel_inside"]) == ("Conv", "Conv")
    assert (second["own_us"], third["own_us"]) == (30, 30)
    assert (second["inside_us"], third["inside_us"]) == (28, 32)
    assert all(pd.isna(one["fused_with"]) for one in (first, second, third))


def test_fused_layers_have_their_time_once():
    fused = nodes_of("two", ("first", 70.0, "second"), ("third", 32.0), operator="network")
    first, second, third = by_layer(ALONE + fused)
    assert (first["inside_us"], third["inside_us"]) == (70, 32)
    assert pd.isna(second["inside_us"]) and second["fused_with"] == "first"
    [one] = taken_apart(ALONE + fused)
    assert one["inside_us"] == 102


def test_layers_of_one_name_have_no_time_inside():
    twice = Network("two", tuple(Layer("same", tensor, 1) for tensor in (A, B, B)))
    inside = nodes_of("two", ("same", 50.0), ("same", 60.0), operator="network")
    tables = measurements(), frame_of(ALONE + inside, NODES)
    made = network_layers(*tables, [twice], "study", 42)
    assert made["inside_us"].isna().all()
    assert sum_error(*tables, [twice], "study", 42)["inside_us"].tolist() == [110.0]


def test_a_library_that_times_no_nodes():
    first, *_ = by_layer([])
    assert first["time_us"] == 100.0
    assert all(pd.isna(first[name]) for name in ("own_us", "inside_us", "kernel_inside"))
