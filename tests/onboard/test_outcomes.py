"""One vocabulary: a status means the same from the program that ends so to the tables."""

from __future__ import annotations

import json
import re
import runpy
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from ck_records import read_entry
from device_state import DeviceState
from fork_client import ForkServers
from hypothesis import given
from hypothesis import strategies as st
from journal import Journal
from measure import Measurement
from nntest.analysis.tables import failed
from nntest.archives.ck.outcome import outcome_of
from nntest.archives.ck.read import read_rows
from nntest.archives.measurements import to_frame
from onboard import outcomes
from runner import pack

PROJECT = Path(__file__).resolve().parents[2]
LINE = {"execution_time_kernel_0": 0.5, "execution_time_kernel_1": 0.001, "started_at": "now"}

WRITES = """
import json, os, sys
first, count = int(os.environ["NNTEST_FIRST_REPETITION"]), int(os.environ["NNTEST_REPETITIONS"])
def repetition(number=0, **changes):
    line = {"repetition": first + number, **LINE, **changes}
    with open("tmp-nntest-repetitions.jsonl", "a") as stream:
        stream.write(json.dumps(line) + "\\n")
def says(status, reason="because"):
    json.dump({"status": status, "reason": reason}, open("tmp-nntest-status.json", "w"))
def timer(**content):
    json.dump(content, open("tmp-ck-timer.json", "w"))
""".replace("LINE", repr(LINE))

ENDS = {
    "ok": "repetition(0); repetition(1)",
    **{
        status: f"says({status!r}); sys.exit({code})"
        for code, status in outcomes.EXIT_STATUSES.items()
    },
    **{status: f"says({status!r}); sys.exit(9)" for status in ("throttled", "lost-link", "failed")},
    "crashed(exit 9)": "sys.exit(9)",
    "crashed(exit 1)": "says('ok'); sys.exit(1)",
    "crashed(SIGSEGV)": "os.kill(os.getpid(), 11)",
    "crashed(signal 40)": "os.kill(os.getpid(), 40)",
    "crashed(no timer)": "",
    "crashed(early end)": "repetition(0)",
    "crashed(bad record)": "repetition(0); repetition(1, execution_time_kernel_1='fast')",
    "crashed(start)": None,
    "timeout": "import time; time.sleep(60)",
    "skipped": "repetition(0); repetition(1)",
}
"""A program for each status."""


class Board:
    """A folder in which points are measured, one process each, and packed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.points: list[dict[str, Any]] = []
        self.journal = Journal(str(folder / "journal.jsonl"))

    def measure(
        self, name: str, program: str | None, repetitions: int = 2, reader: str | None = None
    ) -> list[dict[str, Any]]:
        """Journal lines of a program that ends so; `reader` is a program that counts beside it."""
        path = self.folder / f"{len(self.points)}.py"
        path.write_text(f"{WRITES}\n{program}\n", encoding="utf-8")
        point = {
            "id": f"{len(self.points):016x}", "operator": "conv", "species": "conv",
            "program": "conv-test", "tensor": f"{len(self.points) + 1}-4-4-1-1-1-0",
            "batch_size": 1, "tuner": "NONE", "env": {"CK_DATASET_FILENAME": name},
            "argv": [sys.executable, str(path)] if program is not None else ["/nowhere/program"],
            "repetitions": repetitions, "timeout_s": 0.5 if name == "timeout" else 60,
            "protocol": "in-process", "warmup": "always", "checksum": "c",
        }  # fmt: skip
        if name == "skipped":
            point["counter_reader"] = ["/nowhere/reader"]
        if reader is not None:
            point["counter_reader"] = [sys.executable, "-c", reader]
        self.points.append(point)
        measured = Measurement(
            point, list(range(repetitions)), 0, str(self.folder / "run"), DeviceState({}),
            lambda: False, ForkServers(),
        ).run()  # fmt: skip
        lines = list(measured)
        for line in lines:
            self.journal.append(line)
        return lines

    def frame(self) -> Any:
        """The measurement table of all that was measured, by way of an archive."""
        about = dict.fromkeys(("name", "model", "vendor", "version", "checksum"), "")
        plan = {
            "sweep": "s", "study": "t", "seed": 1, "points": self.points,
            "ck": {
                "label": "l", "timestamp": "2026-01-01T00:00:00Z", "board": "b", "emulated": False,
                "library_tag": "test-1", "library": about, "platform": about, "cpu": {}, "os": {},
            },
        }  # fmt: skip
        (self.folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        packed = pack(str(self.folder), str(self.folder / "a.zip"))
        assert packed["state"] == "packed", packed
        return to_frame(read_rows(self.folder / "a.zip"))


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


def test_every_status_goes_round_from_program_to_table(board: Board) -> None:
    assert {end.partition("(")[0] for end in ENDS} == set(outcomes.STATUSES)
    for status, program in ENDS.items():
        lines = board.measure(status, program)
        assert lines[-1]["status"] == status, lines
        assert outcomes.parse(status) == status
    frame = board.frame()
    tensors = [point["tensor"] for point in board.points]
    found = {
        status: set(frame[frame["tensor"] == t]["status"])
        for status, t in zip(ENDS, tensors, strict=True)
    }
    partly = {"crashed(early end)", "crashed(bad record)"}
    assert found == {status: {status, "ok"} if status in partly else {status} for status in ENDS}
    table = failed(frame)
    assert set(table["status"]) == set(ENDS) - {"ok"}
    assert (table["reason"] != "").all()
    progress = outcomes.Progress(outcomes.read_lines(board.journal.path))
    ends = [status for status, p in zip(ENDS, board.points, strict=True) if not progress.missing(p)]
    assert set(ends) == {"ok", *outcomes.FINAL}


ODD = ("'fast'", "None", "[]", "float('nan')", "float('inf')", "10**400", "'9'*400", "0", "-1")


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_time_costs_its_own_repetition_alone(board: Board, odd: str) -> None:
    program = f"repetition(0); repetition(1, execution_time_kernel_1={odd}); repetition(2)"
    lines = board.measure("odd", program, repetitions=3)
    assert [(line["repetition"], line["status"]) for line in lines] == [
        (0, "ok"), (2, "ok"), (1, "crashed(bad record)"),
    ]  # fmt: skip
    assert "line 2 of tmp-nntest-repetitions.jsonl: execution_time_kernel_1" in lines[-1]["reason"]
    board.measure("healthy", ENDS["ok"])
    assert board.frame()["status"].value_counts()["ok"] == 4
    # A further start measures the one that is missing.
    progress = outcomes.Progress(outcomes.read_lines(board.journal.path))
    assert [progress.missing(point) for point in board.points] == [[1], []]


@pytest.mark.parametrize(
    "line",
    [
        *("", "[]", "null", '"text"', "{", "[" * 10**5, "9" * 5000, "\\xff", "{}", "NaN"),
        *('{"repetition": 1}', '{"repetition": "1"}', '{"repetition": true}'),
        *('{"repetition": -1}', '{"repetition": 7}', '{"repetition": 1e999}'),
    ],
    ids=lambda line: line[:20] or "empty",
)
def test_an_odd_line_costs_no_healthy_one(board: Board, line: str) -> None:
    odd = line.encode("latin-1").decode("unicode_escape").encode("latin-1") + b"\n"
    program = (
        "repetition(0)\n"
        f"open('tmp-nntest-repetitions.jsonl', 'ab').write({odd!r})\n"
        "repetition(1); repetition(2)"
    )
    lines = board.measure("odd", program, repetitions=4)
    assert [line["status"] for line in lines] == ["ok"] * 3 + ["crashed(bad record)"]
    assert lines[-1]["repetition"] == 3
    assert board.frame()["status"].tolist().count("ok") == 3


ODD_KEYS = {
    **dict.fromkeys(("output_check", "run_time_state"), ODD),
    **dict.fromkeys(("execution_time_kernel_0", "tuning_s"), ODD),
    "kernels": ("'x'", "[1]", "[{'name': 'k'}]", "[{'name': [], 'phase': 'run'}]"),
}


@pytest.mark.parametrize(("key", "odd"), [(k, odd) for k, all_ in ODD_KEYS.items() for odd in all_])
def test_nothing_odd_beside_a_time_ends_the_packing(board: Board, key: str, odd: str) -> None:
    lines = board.measure("odd", f"repetition(0); repetition(1, **{{{key!r}: {odd}}})")
    assert [line["status"] for line in lines] == [
        "ok", "crashed(bad record)" if key == "kernels" else "ok",
    ]  # fmt: skip
    json.dumps(lines, allow_nan=False)
    assert len(board.frame()) == 2


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_timer_file_is_a_failure_of_its_point(board: Board, odd: str) -> None:
    (line,) = board.measure("odd", f"timer(execution_time_kernel_1={odd})", repetitions=1)
    assert line["status"] == "crashed(bad record)"
    program = (
        f"timer(execution_time_kernel_1=1, run_time_state={odd}, execution_time_kernel_0={odd})"
    )
    (line,) = board.measure("odd", program, repetitions=1)
    assert line["status"] == "ok"
    assert board.frame()["status"].tolist() == ["crashed(bad record)", "ok"]


ODD_LINES = {
    "not JSON": "{",
    "not an object": "[1]",
    "long number": '{"point": "P", "repetition": %s, "status": "ok", "time_s": 1}' % ("9" * 400),
    "longer number": '{"point": "P", "repetition": %s, "status": "ok", "time_s": 1}' % ("9" * 5000),
    "infinite": '{"point": "P", "repetition": 1e999, "status": "ok", "time_s": 1}',
    "text": '{"point": "P", "repetition": "1", "status": "ok", "time_s": 1}',
    "flag": '{"point": "P", "repetition": true, "status": "ok", "time_s": 1}',
    "negative": '{"point": "P", "repetition": -1, "status": "ok", "time_s": 1}',
    "no repetition": '{"point": "P", "status": "ok", "time_s": 1}',
    "foreign repetition": '{"point": "P", "repetition": 77, "status": "ok", "time_s": 1}',
    "infinite time": '{"point": "P", "repetition": 1, "status": "ok", "time_s": 1e999}',
    "long time": '{"point": "P", "repetition": 1, "status": "ok", "time_s": %s}' % ("9" * 400),
    "list of points": '{"point": ["P"], "repetition": 1, "status": "ok", "time_s": 1}',
    "no time": '{"point": "P", "repetition": 1, "status": "ok"}',
    "no status": '{"point": "P", "repetition": 1, "time_s": 1}',
    "process": '{"point": "P", "repetition": 1, "process": 1e999, "status": "ok", "time_s": 1}',
    "status of another version": '{"point": "P", "repetition": 1, "status": "frozen"}',
    "status that is none": '{"point": "P", "repetition": 1, "status": {"word": "ok"}}',
    "header": '{"journal": ["another"]}',
    "deep": "[" * 10**5,
}


@pytest.mark.parametrize("line", ODD_LINES.values(), ids=ODD_LINES)
def test_an_odd_line_of_a_journal_costs_its_repetition_alone(board: Board, line: str) -> None:
    """Repetition 1 of a point is odd, or not there: it is measured again, all else counts."""
    board.measure("odd", "repetition(0); repetition(1)")
    board.measure("healthy", ENDS["ok"])
    journal = Path(board.journal.path)
    content = journal.read_text().splitlines(keepends=True)
    odd = line.replace('"P"', f'"{board.points[0]["id"]}"')
    (measured,) = (
        row for row in content if f'"{board.points[0]["id"]}"' in row and '"repetition": 1' in row
    )
    content[content.index(measured)] = f"{odd}\n"
    journal.write_text("".join(content))
    progress = outcomes.Progress(outcomes.read_lines(board.journal.path))
    assert [progress.missing(point) for point in board.points] == [[1], []]
    frame = board.frame()
    assert frame[frame["repetition_id"] < 2]["status"].tolist() == ["ok"] * 3


@pytest.mark.parametrize("odd", ["true", "7", "[1]", '{"a": 1}'])
def test_an_odd_reason_of_a_failure_is_shown_as_it_is(board: Board, odd: str) -> None:
    board.measure("odd", "repetition(0)", repetitions=1)
    line = f'{{"point": "{board.points[0]["id"]}", "repetition": 0, "status": "timeout"'
    Path(board.journal.path).write_text(f'{{"journal": "j"}}\n{line}, "reason": {odd}}}\n')
    assert board.frame()["status"].tolist() == ["timeout"]


@pytest.mark.parametrize(
    "odd",
    [
        *(
            '"setup_s": "long"',
            '"setup_s": %s' % ("9" * 400),
            '"kernels": 7',
            '"output_check": [1]',
        ),
        *('"run_time_state": "x"', '"kernels": [{"name": "k"}]', '"log_tail": 5'),
    ],
    ids=lambda odd: odd[:30],
)
def test_what_is_odd_beside_a_time_in_a_journal_costs_its_repetition_alone(
    board: Board, odd: str
) -> None:
    board.measure("odd", "repetition(0)", repetitions=2)
    board.measure("healthy", ENDS["ok"])
    journal = Path(board.journal.path)
    point = board.points[0]["id"]
    line = f'{{"point": "{point}", "repetition": 1, "status": "ok", "time_s": 1, {odd}}}\n'
    journal.write_text(journal.read_text() + line)
    frame = board.frame()
    assert frame["status"].tolist().count("ok") >= 3
    of_odd = frame[(frame["tensor"] == board.points[0]["tensor"]) & (frame["repetition_id"] == 1)]
    assert of_odd["status"].tolist() in (["ok"], ["failed"])


READER = """
import signal, sys, time
def end(*_):
    print(COUNTED)
    sys.exit()
signal.signal(signal.SIGTERM, end)
print('ready', flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("counted", "counters"),
    [
        ("'a nan\\nb inf\\nc 7'", {"a": None, "b": None, "c": 7}),
        ("'{\"a\": 1e999, \"b\": [NaN, 7]}'", {"a": None, "b": [None, 7]}),
        ("'{\"a\": ' + '9' * 400 + '}'", {"a": None}),
        ("'{\"a\": ' + '[' * 10**5 + ']' * 10**5 + '}'", None),
        ("'{\"a\": ' + '[' * 50 + ']' * 50 + '}'", None),
    ],
)  # fmt: skip
def test_odd_counters_end_no_sweep(board: Board, counted: str, counters: Any) -> None:
    reader = READER.replace("COUNTED", counted)
    (line,) = board.measure("odd", "repetition(0)", repetitions=1, reader=reader)
    assert line["status"] == ("skipped" if counters is None else "ok")
    assert line.get("counters") == counters
    assert len(board.frame()) == 1


@given(st.text() | st.none() | st.integers() | st.lists(st.text()))
def test_any_text_is_a_status_or_none(text: Any) -> None:
    assert outcomes.parse(text) in ("", text)


def test_what_older_journals_and_archives_hold_is_read() -> None:
    old = ["crashed(SIGSEGV)", "crashed(exit 139)", "crashed(signal 50)", "crashed(early end)"]
    for status in (*old, *outcomes.STATUSES):
        assert outcomes.parse(status) == status
        flow = {"status": status, "reason": "r"}
        wanted = "failed" if status == "ok" else status  # without a time
        assert outcome_of({}, flow, "").status == wanted
    for text in ("bogus", "crashed()", "OK", "crashed(a", f"crashed({'x' * 99})", 1, None, []):
        assert outcome_of({}, {"status": text}, "").status == "failed"


def test_a_program_that_says_another_word_has_failed_for_its_reason(board: Board) -> None:
    (line,) = board.measure("odd", "says('bogus', 'the cause'); sys.exit(2)")
    assert (line["status"], line["reason"]) == ("failed", "bogus: the cause")


# -- the programs' own words ---------------------------------------------------------------


def test_both_kinds_of_operator_programs_say_the_words_of_the_vocabulary() -> None:
    failures = runpy.run_path(str(next((PROJECT / "scripts/onboard").glob("*/failures.py"))))
    python = {
        kind.exit_status: kind.status
        for kind in failures.values()
        if isinstance(kind, type)
        and issubclass(kind, failures["Failure"])
        and kind is not failures["Failure"]
    }
    header = (PROJECT / "scripts/onboard/armcl/nntest/failure.h").read_text("utf-8")
    cpp = {int(code): word for word, code in re.findall(r'Failure\("([a-z-]+)", (\d)', header)}
    page = (PROJECT / "docs/programs.md").read_text("utf-8")
    docs = {int(code): word for code, word in re.findall(r"\| (\d) \| `([a-z-]+)` \|", page)}
    assert python == cpp == docs == outcomes.EXIT_STATUSES


# -- Collective Knowledge's words ----------------------------------------------------------

REASONS = {
    "output is not matching with the reference one: {...}": "wrong-output",
    "Outputs differ": "wrong-output",
    "execution failed - CL_OUT_OF_RESOURCES": "out-of-memory",
    "execution failed - out of memory": "out-of-memory",
    "execution failed - process timed out and had been terminated": "timeout",
    "compilation failed - return code 2": "build-failed",
    "pre-processing script via CK failed (direct-conv currently supports only kernels 1, 3 and 5)":
        "not-supported",
    "pre-processing script via CK failed (problem loading python code: x)": "failed",
    "execution failed - return code 139 !=0 ": "crashed(SIGSEGV)",
    "execution failed - return code 9 !=0 ": "failed",
    "": "failed",
}  # fmt: skip


@pytest.mark.parametrize(("reason", "status"), REASONS.items())
@pytest.mark.parametrize("aborted", [True, False])
def test_a_reason_of_ck_means_the_same_on_the_board_and_in_an_archive(
    tmp_path: Path, reason: str, status: str, aborted: bool
) -> None:
    run = {} if aborted else {"run_success": "no", "fail_reason": reason}
    content = {"characteristics_list": [{"run": run}], "choices": {}}
    (tmp_path / f"ckp-{'a' * 16}.0001.json").write_text(json.dumps(content), encoding="utf-8")
    flat = {"##pipeline_state#fail_reason#min": reason}
    (tmp_path / f"ckp-{'a' * 16}.flat.json").write_text(json.dumps(flat), encoding="utf-8")
    (record,) = read_entry(str(tmp_path))
    found = outcome_of(run, {}, reason)
    assert (record.status, record.reason) == (
        found.status,
        found.reason,
    ) or reason != reason.strip()
    assert record.status == found.status == status


ODD_RUNS = ({"execution_time_kernel_1": odd} for odd in ("x", None, [], 10**400, 1e999, 0, -1))


@pytest.mark.parametrize("run", [*ODD_RUNS, [], None, 1, "x"])
def test_a_run_without_a_time_is_good_neither_here_nor_there(tmp_path: Path, run: Any) -> None:
    good = {"run": {"execution_time_kernel_1 ": 0.5, "run_success": "yes"}}
    content = {"characteristics_list": [good, {"run": run}], "choices": {"env": []}}
    (tmp_path / f"ckp-{'a' * 16}.0001.json").write_text(json.dumps(content), encoding="utf-8")
    (record,) = read_entry(str(tmp_path))
    assert (record.good, record.status) == (1, "failed")
    assert not record.is_of({"variables": [], "batch_size": 1, "tuner": "NONE"})
    assert outcome_of(run if isinstance(run, dict) else {}, {}, "").status == "failed"


@pytest.mark.parametrize("odd", ["inf", "nan", 10**400, "9" * 400, [], None])
def test_a_record_with_an_odd_variable_is_of_no_point(tmp_path: Path, odd: Any) -> None:
    content = {"characteristics_list": [], "choices": {"env": {"K": odd, "CK_IN_SHAPE_N": 1}}}
    (tmp_path / f"ckp-{'a' * 16}.0001.json").write_text(json.dumps(content), encoding="utf-8")
    (record,) = read_entry(str(tmp_path))
    assert not record.is_of({"variables": [["K", 1]], "batch_size": 1, "tuner": "NONE"})


def test_a_long_journal_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    line = {"point": "p", "repetition": 0, "status": "ok", "time_s": 0.001, "more": "x" * 1000}
    path.write_text(f"{json.dumps(line)}\n" * 2000)
    tracemalloc.start()
    try:
        assert sum(1 for _ in outcomes.read_lines(str(path))) == 2000
        assert tracemalloc.get_traced_memory()[1] < path.stat().st_size / 4
    finally:
        tracemalloc.stop()


def test_a_torn_end_and_a_journal_that_is_not_there_are_no_lines(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    assert list(outcomes.read_lines(str(path))) == []
    line = json.dumps({"point": "p", "repetition": 0, "status": "ok", "time_s": 0.001})
    path.write_text(f"{line}\n{line}")
    assert len(list(outcomes.read_lines(str(path)))) == 1
