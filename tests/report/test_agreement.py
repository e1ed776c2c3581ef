from __future__ import annotations

from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.networks import END_TO_END, SUM_ERROR
from nntest.report.agreement import agreement_lines, agreement_sentences


def row(network, error, library="a-1", **changes):
    """A network that takes 10 ms, and its sum."""
    one = {
        **dict.fromkeys(END_TO_END.names),
        "network": network, "platform": "Board", "library": library, "batch_size": 1,
        "data_type": "fp32", "choice": "best", "total_us": 1e4 * (1 + error),
        "measured_us": 1e4, "error": error, "error_ci_low": error - 0.01,
        "error_ci_high": error + 0.01,
    }  # fmt: skip
    return {**one, **changes}


def calibrated(error):
    time = 1e4 * (1 + error)
    return {
        "calibrated_us": time, "calibrated_ci_low_us": 0.95 * time,
        "calibrated_ci_high_us": 1.05 * time, "calibrated_error": error,
    }  # fmt: skip


def table(*rows):
    return frame_of(rows, END_TO_END)


def test_a_single_network_has_its_error_and_no_term():
    assert agreement_sentences(table(row("n", 0.2, threads=2))) == [
        "a-1 on Board, batch 1, 2 threads (best): 1 network, +20.0 % off "
        "(95 % interval +19.0 % to +21.0 %)",
        "not calibrated: a library's term is fitted on 3 or more other networks that it ran as a "
        "whole in the same study",
    ]


def test_each_library_has_a_sentence_of_its_networks_with_and_without_the_term():
    found = agreement_sentences(table(
        row("n", 0.2, **calibrated(0.01)),
        row("m", -0.02, **calibrated(-0.07)),
        row("n", 0.5, "b-1", data_type="int8"),
        row("m", 0.3, "b-1", data_type="int8"),
    ))  # fmt: skip
    assert found == [
        "a-1 on Board, batch 1 (best): 2 networks, mean error 11.0 %, largest 20.0 %, 1 within "
        "±10%; calibrated on the others: 2 networks, mean error 4.0 %, largest 7.0 %, 2 within "
        "±10%, 1 within the 95 % interval",
        "b-1 on Board, batch 1, int8 (best): 2 networks, mean error 40.0 %, largest 50.0 %, 0 "
        "within ±10%",
    ]


def test_a_fixed_choice_that_is_the_best_schedule_is_not_said_again():
    fixed = row("n", 0.2, choice="conv NONE")
    assert len(agreement_sentences(table(row("n", 0.2), fixed))) == 2
    fixed = row("n", 0.3, choice="conv NONE")
    assert len(agreement_sentences(table(row("n", 0.2), fixed))) == 3


def test_the_console_has_them_under_one_heading_and_the_own_times_below():
    own = {**dict.fromkeys(SUM_ERROR.names), "own_error": 0.03, "timed_by": "profile"}
    lines = agreement_lines(table(row("n", 0.2)), frame_of([own], SUM_ERROR))
    assert lines[0] == "estimated against measured:"
    assert lines[1].startswith("  a-1 on Board")
    assert lines[3:] == [
        "by the layers' own times: 1 network, mean error 3.0 %, largest 3.0 %, 1 within ±10%"
    ]


def test_nothing_measured_as_a_whole_is_no_line():
    assert agreement_lines(None, None) == []
    assert agreement_lines(table(), frame_of([], SUM_ERROR)) == []
