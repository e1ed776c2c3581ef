"""Reading CK repositories: this project's reader beside CK's own Python API.

    python benchmarks/ck_reader.py --genuine ../shared/data/ck/genuine_nntest/*tuner-none.zip

Copies of a genuine entry make repositories of 100, 1,000 and 5,000 points (or what `--points`
asks for).  Each is read three ways, each time in a new process: with CK from PyPI and the
2018 study's way of reading, ported to Python 3; with `read_rows` into a data frame; and with
`read_rows` alone, a row at a time.  The first two must give the same rows and times.  Then the
growth of our own reader is followed to 50,000 points.

CK is installed into a temporary folder (`pip install --target`), unless `--ck FOLDER` has it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parents[1]
MODULE_UID = "bc0409fb61f0aa82"
BAR_RATIO = 30.0
BAR_GROWTH = 1.5
"""Most that a point may cost at the largest size, over what it costs at the smallest."""


# -- the repositories ----------------------------------------------------------------------


def make_repository(folder: Path, genuine: Path, points: int, every_file: bool) -> int:
    """Fill `folder` with copies of a genuine entry until it has `points` points.

    Files are hard links to one copy of the genuine ones; without `every_file` only what our
    reader opens is there.  Returns how many entries were made.
    """
    from nntest.archives.ck.entries import find_entries
    from nntest.archives.ck.trees import open_tree

    master = folder / "master"
    experiment = folder / "local" / "experiment"
    for path, text in (
        (folder / "local" / ".cm" / "alias-a-experiment", MODULE_UID),
        (folder / "local" / ".cm" / f"alias-u-{MODULE_UID}", "experiment"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    with open_tree(genuine, print) as tree:
        entry = next(iter(find_entries(tree, print)))
        wanted = ["*.json"] if every_file else ["ckp-*.0001.json"]
        (master / ".cm").mkdir(parents=True)
        for name in (".cm/meta.json", ".cm/info.json"):
            (master / name).write_bytes(tree.read(entry.path(name)))
        for name in tree.files(entry.folder):
            if any(Path(name).match(pattern) for pattern in wanted):
                (master / name).write_bytes(tree.read(entry.path(name)))
        names = sorted({subpoint.point for subpoint in entry.subpoints()})
    aliases = experiment / ".cm"
    aliases.mkdir(parents=True)
    made = count = 0
    while made < points:
        uid, alias = f"{count:016x}", f"nntest-benchmark-{count:05d}"
        taken = set(names[: points - made])
        copy = experiment / alias
        (copy / ".cm").mkdir(parents=True)
        for source in [*master.glob("*.json"), *master.glob(".cm/*.json")]:
            point = source.name[4:20]
            if not source.name.startswith("ckp-") or point in taken:
                os.link(source, copy / source.relative_to(master))
        (aliases / f"alias-a-{alias}").write_text(uid + "\n")
        (aliases / f"alias-u-{uid}").write_text(alias + "\n")
        made += len(taken)
        count += 1
    return count


# -- the readers ---------------------------------------------------------------------------


def read_as_the_study_did(repo_uoa: str = "local", tags: str = "nntest") -> Any:
    """The study's way with CK's API: search, list the points, a data frame for each point."""
    import ck.kernel as ck
    import numpy as np
    import pandas as pd

    def ask(**request: str) -> dict[str, Any]:
        answer: dict[str, Any] = ck.access({**request, "module_uoa": "experiment"})
        if answer["return"] > 0:
            sys.exit(f"CK: {answer['error']}")
        return answer

    operations = {
        "conv": lambda c, h, w, k, out, stride, pad: c * out * (w / stride) * (h / stride) * k * k,
        "fullyconnected": lambda c, h, w, oc, oh, ow: (c * h * w) * (oc * oh * ow),
    }
    index = ["platform", "library", "operator", "tensor", "batch_size", "tuner", "repetition_id"]
    frames = []
    for found in ask(action="search", repo_uoa=repo_uoa, tags=tags)["lst"]:
        listed = ask(action="list_points", repo_uoa=repo_uoa, data_uoa=found["data_uoa"])
        prefix = "arm-compute-library-"
        libraries = [tag[len(prefix) :] for tag in listed["dict"]["tags"] if tag.startswith(prefix)]
        species = [
            tag
            for tag in listed["dict"]["tags"]
            if tag in ("conv", "fullyconnected", "avgpool", "softmax")
        ]
        if len(libraries) != 1 or len(species) != 1:
            continue
        for point in listed["points"]:
            with Path(listed["path"], f"ckp-{point}.0001.json").open() as file:
                raw = json.load(file)
            choices, env = raw["choices"], raw["choices"]["env"]
            if "synthetic" in choices["dataset_uoa"] or choices["dvdt_prof"] == "yes":
                continue
            shape = {key: np.int64(env.get(f"CK_IN_SHAPE_{key}", -1)) for key in "NCHW"}
            frame = pd.DataFrame(
                [
                    {
                        # The study looked the model up in a table of boards, by its exact text.
                        "platform": raw["features"]["platform"]["platform"]["model"],
                        "library": libraries[0],
                        "species": species[0],
                        "operator": choices["data_uoa"][: -len("-armcl-opencl")],
                        "tensor": choices["dataset_file"][len("shape-") :],
                        "batch_size": shape["N"],
                        **{f"in_shape_{key.lower()}": size for key, size in shape.items()},
                        "tuner": env.get("CK_LWS_TUNER_TYPE", "NONE"),
                        "repetition_id": repetition,
                        "time_us": 1e6 * item["run"].get("execution_time_kernel_1", 0.0),
                        "success?": item["run"].get("run_success", "n/a"),
                    }
                    for repetition, item in enumerate(raw["characteristics_list"])
                ]
            )
            count = operations.get(species[0])
            flops: Any = 0
            if count is not None:
                sizes = frame["tensor"].apply(lambda tensor: np.float64(tensor.split("-")))
                flops = 2 * sizes.apply(lambda size, count=count: count(*size)).values
            with np.errstate(divide="ignore"):
                frame["GFLOPS"] = 1e-9 * flops / (1e-6 * frame["time_us"])
            frames.append(frame.set_index(index))
    return pd.concat(frames).sort_index(level=index)


def read_with_ck(folder: Path) -> dict[str, Any]:
    """Read with CK; the folder's environment was set by the caller."""
    import ck.kernel  # noqa: F401  (imports are not what is measured)
    import pandas  # noqa: F401

    start = time.perf_counter()
    frame = read_as_the_study_did()
    return _measured(start, len(frame), float(frame["time_us"].sum()))


def read_into_frame(folder: Path) -> dict[str, Any]:
    """Read with this project's reader, into the measurement table."""
    from nntest.archives.ck import read_rows
    from nntest.archives.measurements import to_frame

    start = time.perf_counter()
    frame = to_frame(read_rows(folder / "local", (), lambda _: None))
    return _measured(start, len(frame), float(frame["time_us"].sum()))


def read_row_by_row(folder: Path) -> dict[str, Any]:
    """Read with this project's reader and keep nothing."""
    from nntest.archives.ck import read_rows

    start, rows, total = time.perf_counter(), 0, 0.0
    for row in read_rows(folder / "local", (), lambda _: None):
        rows += 1
        total += row["time_us"] or 0.0
    return _measured(start, rows, total)


def _measured(start: float, rows: int, total_us: float) -> dict[str, Any]:
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"s": seconds, "MiB": peak, "rows": rows, "total_us": total_us}


READERS = {"ck": read_with_ck, "frame": read_into_frame, "rows": read_row_by_row}


def in_a_process(reader: str, folder: Path, ck: Path | None) -> dict[str, Any]:
    """Run one of `READERS` in a new process; its time (imports aside) and peak memory."""
    paths = [str(HOME / "scripts"), *([str(ck)] if ck else [])]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "CK_REPOS": str(folder),
        "HOME": str(folder),
    }
    environment.pop("CK_LOCAL_REPO", None)
    command = [sys.executable, __file__, "--reader", reader, str(folder)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def fastest(reader: str, folder: Path, ck: Path | None, repeat: int) -> dict[str, Any]:
    """The fastest of several runs: what else the machine did in the others is not the reader's."""
    runs = [in_a_process(reader, folder, ck) for _ in range(repeat)]
    return min(runs, key=lambda run: float(run["s"]))


# -- the benchmark -------------------------------------------------------------------------


def compare(genuine: Path, sizes: list[int], ck: Path, scratch: Path, repeat: int) -> bool:
    """Print the table of both readers; whether the largest size meets the bar."""
    print(
        f"{'points':>7} {'entries':>7}  {'CK s':>8} {'ours s':>8} {'ratio':>7}"
        f"  {'CK MiB':>7} {'ours MiB':>8} {'row by row: s':>14} {'MiB':>6}"
    )
    ratio = 0.0
    for size in sizes:
        folder = scratch / f"compare-{size}"
        entries = make_repository(folder, genuine, size, every_file=True)
        theirs, frame, rows = (fastest(reader, folder, ck, repeat) for reader in READERS)
        ratio = theirs["s"] / frame["s"]
        print(
            f"{size:>7,} {entries:>7,}  {theirs['s']:>8.2f} {frame['s']:>8.2f} {ratio:>6.1f}x"
            f"  {theirs['MiB']:>7.0f} {frame['MiB']:>8.0f} {rows['s']:>14.2f} {rows['MiB']:>6.0f}",
            flush=True,
        )
        if theirs["rows"] != frame["rows"] or abs(theirs["total_us"] - frame["total_us"]) > 1:
            sys.exit(f"the readers disagree: {theirs} and {frame}")
    verdict = "met" if ratio >= BAR_RATIO else "NOT MET"
    print(f"bar of {BAR_RATIO:.0f}x at {sizes[-1]:,} points: {verdict}")
    return ratio >= BAR_RATIO


def growth(genuine: Path, sizes: list[int], scratch: Path, repeat: int) -> bool:
    """Print how our reader's time and memory grow; whether time is linear."""
    print(f"\n{'points':>7} {'row by row: s':>14} {'µs a point':>11} {'MiB':>6}")
    costs = []
    for size in sizes:
        folder = scratch / f"growth-{size}"
        make_repository(folder, genuine, size, every_file=False)
        measured = fastest("rows", folder, None, repeat)
        costs.append(1e6 * measured["s"] / size)
        print(
            f"{size:>7,} {measured['s']:>14.2f} {costs[-1]:>11.0f} {measured['MiB']:>6.0f}",
            flush=True,
        )
    linear = costs[-1] <= BAR_GROWTH * costs[0]
    print(
        f"a point at {sizes[-1]:,} costs {costs[-1] / costs[0]:.2f} of one at {sizes[0]:,}: "
        f"{'linear' if linear else 'NOT LINEAR'}"
    )
    return linear


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--genuine", type=Path, help="an archive of real CK, to copy from")
    parser.add_argument("--ck", type=Path, help="folder that CK is installed in")
    parser.add_argument("--points", type=int, nargs="+", default=[100, 1000, 5000])
    parser.add_argument("--growth", type=int, nargs="*", default=[5000, 10000, 20000, 50000])
    parser.add_argument("--repeat", type=int, default=2, help="runs of each; the fastest counts")
    arguments = parser.parse_args()
    if arguments.reader:
        print(json.dumps(READERS[arguments.reader](arguments.folder)))
        return 0
    genuine = arguments.genuine
    if genuine is None:
        parser.error("--genuine is needed: an archive that `ck zip` wrote")
    with tempfile.TemporaryDirectory(prefix="ck-reader-") as name:
        scratch = Path(name)
        ck = arguments.ck
        if ck is None:
            ck = scratch / "ck"
            install = [sys.executable, "-m", "pip", "install", "-q", "--target", str(ck), "ck"]
            subprocess.run(install, check=True)
        fast = compare(genuine, arguments.points, ck, scratch, arguments.repeat)
        linear = not arguments.growth or growth(
            genuine, arguments.growth, scratch, arguments.repeat
        )
    return 0 if fast and linear else 1


if __name__ == "__main__":
    sys.exit(main())
