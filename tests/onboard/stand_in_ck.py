"""Answers as Collective Knowledge does to what a sweep asks it; `scenario.json` says what fails.

For the ways in which a run can end, which real CK does not do on demand: a program that aborts, a
wrong output, CK dying or hanging at a point.  The records have real CK's shape.
"""

import hashlib
import json
import os
import sys
import time
import zipfile
from pathlib import Path

REPOS = Path(os.environ["CK_REPOS"])
LOCAL = REPOS / "local"
EXPERIMENT = "bc0409fb61f0aa82"


def options(words):
    named = dict(word[2:].partition("=")[::2] for word in words if word.startswith("--"))
    for word in words:
        if word.startswith("@"):
            named["handed"] = json.loads(Path(word[1:]).read_text())
    return named


def entry_of(name):
    return LOCAL / name.split(":")[-2] / name.split(":")[-1]


def meta_of(folder):
    return json.loads((folder / ".cm" / "meta.json").read_text())


def datasets():
    return [
        {"data_uoa": folder.name, "path": str(folder), "meta": meta_of(folder)}
        for folder in sorted((LOCAL / "dataset").glob("tensor-*"))
    ]


def save(name, content):
    folder = entry_of(name)
    (folder / ".cm").mkdir(parents=True, exist_ok=True)
    (folder / ".cm" / "meta.json").write_text(json.dumps(content))
    return {"return": 0, "path": str(folder)}


def run(program, named):
    with (REPOS / "runs.jsonl").open("a") as log:
        print(json.dumps([program, named]), file=log)
    scenario = json.loads((REPOS / "scenario.json").read_text())
    if scenario.get("before"):
        print("CK error: [nntest]", scenario["before"])
        sys.exit(1)
    print("Run experiments ...", flush=True)
    dataset = LOCAL / "dataset" / named["dataset_uoa"]
    alias = f"nntest-{program}-library-1.0-{named['timestamp']}"
    for file in meta_of(dataset)["dataset_files"]:
        if file not in named["dataset_file"].split(","):
            continue
        doing = scenario.get(file, "ok")
        if doing == "die":
            print("Traceback (most recent call last):\nValueError: the profiler's parser")
            sys.exit(1)
        if doing == "hang":
            time.sleep(600)
        time.sleep(scenario.get("seconds", 0))
        env = {**json.loads((dataset / f"{file}.json").read_text()), "CK_IN_SHAPE_N": 1}
        env.update(named["handed"]["env"])
        record(alias, program, file, env, doing, int(named["repetitions"]))


def record(alias, program, file, env, doing, repetitions):
    folder = LOCAL / "experiment" / alias
    save(f"local:experiment:{alias}", {"tags": ["nntest", program, "library-1.0"], "meta": {}})
    good = {"execution_time_kernel_1": 0.001, "run_success": "yes"}
    runs = [good] * repetitions
    if doing == "abort":
        runs = [{}]
    elif doing == "wrong":
        runs = [{**good, "run_success": "no", "output_check_failed": "yes"}]
    uid = hashlib.sha256(f"{alias} {file}".encode()).hexdigest()[:16]
    content = {
        "choices": {"env": env, "data_uoa": program, "dataset_file": file},
        "characteristics_list": [{"run": run} for run in runs],
    }
    reason = "execution failed - problem opening json file=tmp-ck-timer.json"
    flat = {"##pipeline_state#fail_reason#min": reason if doing == "abort" else ""}
    (folder / f"ckp-{uid}.flat.json").write_text(json.dumps(flat))
    (folder / f"ckp-{uid}.0001.json").write_text(json.dumps(content))


def pack(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(".cm/alias-a-experiment", EXPERIMENT + "\n")
        archive.writestr(f".cm/alias-u-{EXPERIMENT}", "experiment\n")
        for folder in (LOCAL / "experiment").glob("nntest-*"):
            uid = hashlib.sha256(folder.name.encode()).hexdigest()[:16]
            archive.writestr(f"experiment/.cm/alias-a-{folder.name}", uid + "\n")
            archive.writestr(f"experiment/.cm/alias-u-{uid}", folder.name + "\n")
            for file in sorted(folder.rglob("*.json")):
                archive.write(file, f"experiment/{folder.name}/{file.relative_to(folder)}")


def answer(words, named):
    action, what = words[0], words[1]
    if words[:2] == ["find", "repo:local"]:
        return {"return": 0, "path": str(LOCAL)}
    if action == "search":
        return {"return": 0, "lst": datasets()}
    if action in ("add", "update"):
        return save(what, named["handed"]["dict"])
    if action == "zip":
        pack(named["archive_name"])
        return {"return": 0}
    if action == "load" and entry_of(what).is_dir():
        return {"return": 0, "dict": meta_of(entry_of(what))}
    return {"return": 16, "error": f"{what} was not found"}


if __name__ == "__main__":
    arguments = sys.argv[1:]
    given = options(arguments)
    if arguments[0] == "run":
        run(arguments[1].removeprefix("nntest:"), given)
        sys.exit(0)
    Path(given["out_file"]).write_text(json.dumps(answer(arguments, given)))
