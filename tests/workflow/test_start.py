"""What a run needs before its first job: the package of its own check-out, and little else."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from workflow.study import HOME, POINTS, Checkout, own_study

HEAVY = {
    "altair", "matplotlib", "numpy", "onnx", "pandas", "paramiko", "pyarrow", "scipy", "seaborn",
    "vl_convert",
}  # fmt: skip
"""What the libraries of some jobs are imported as."""


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with every package that the tests have, except this project's own."""
    return make_python(tmp_path_factory.mktemp("bare"))


def make_python(folder: Path) -> Path:
    """The same in a folder."""
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    # A folder named in a .pth file is searched, but its own .pth files, such as the one of an
    # editable install, are not read.
    (packages / "packages.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return folder / "bin" / "python"


def run(python: Path, checkout: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess:
    """Snakemake of a Python, with no PYTHONPATH but what is given."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        [python, "-m", "snakemake", "--cores", "1", *arguments],
        cwd=checkout, env=environment | more, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def test_reading_the_workflow_imports_no_library_of_a_job() -> None:
    """It is read anew in the process of every job: what only some jobs need would cost all.

    Without Snakemake, which has a few of these for purposes of its own.
    """
    rules = [path.read_text("utf-8") for path in sorted(HOME.glob("workflow/rules/*.smk"))]
    imports = [line for text in rules for line in text.splitlines() if "from nntest" in line]
    assert len(imports) > 5
    program = "\n".join(
        [
            "import pathlib, sys, yaml",
            *imports,
            "config = yaml.safe_load(pathlib.Path('config/config.yaml').read_text('utf-8'))",
            "study = load_study(config, pathlib.Path.cwd())",
            "print([boards.sweep_spec(study, sweep) for sweep in study.sweeps()])",
            "print(tables.tables_spec(study))",
            f"print('imported:', *{HEAVY} & set(sys.modules))",
        ]
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=HOME, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(HOME / "scripts")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split() == ["imported:"]


def test_a_check_out_without_the_package_says_how_to_get_it(
    fresh: Checkout, bare_python: Path
) -> None:
    done = run(bare_python, fresh.folder, "-n")
    assert done.returncode != 0
    assert "it finds none" in done.stdout
    assert "make env" in done.stdout
    assert f"set PYTHONPATH={fresh.folder / 'scripts'}" in done.stdout
    assert "Traceback" not in done.stdout


def test_another_check_outs_environment_is_refused(fresh: Checkout, bare_python: Path) -> None:
    done = run(bare_python, fresh.folder, "-n", PYTHONPATH=str(HOME / "scripts"))
    assert done.returncode != 0
    assert f"is not the one that Python finds: {HOME / 'scripts' / 'nntest'}" in done.stdout
    assert f"set PYTHONPATH={fresh.folder / 'scripts'}" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_script_finds_the_package_where_none_is_installed(
    tmp_path: Path, bare_python: Path
) -> None:
    """As under conda, or on a machine of a cluster: Snakemake puts its folder on the path."""
    checkout = Checkout.make(tmp_path / "checkout")
    (checkout.folder / "scripts" / "say.py").write_text(
        "from nntest.graph import job\nopen(snakemake.output[0], 'w').write(job.__file__)\n"
    )
    (checkout.folder / "workflow" / "Snakefile").write_text(
        "rule say:\n    output: 'said'\n    script: '../scripts/say.py'\n"
    )
    done = run(bare_python, checkout.folder)
    assert done.returncode == 0, done.stdout
    said = (checkout.folder / "said").read_text()
    assert Path(said).resolve() == checkout.folder / "scripts/nntest/graph/job.py"


@own_study
def test_a_project_path_with_blanks_and_other_signs_works(tmp_path: Path) -> None:
    """The Python that `make env` makes lies in it, too."""
    checkout = Checkout.make(tmp_path / 'it\'s a $HOME [1]* `x` & "ü"', repetitions=1)
    python = make_python(checkout.folder / ".venv")
    scripts = str(checkout.folder / "scripts")
    done = run(python, checkout.folder, "--until", "tidy", PYTHONPATH=scripts)
    assert done.returncode == 0, done.stdout
    assert (checkout.results / "tables/measurements.parquet").exists()
    assert len(checkout.journal()) == POINTS


@pytest.mark.parametrize("name", ["a {b}", "a{{b", "a}"])
def test_a_project_path_with_braces_is_refused_at_once(tmp_path: Path, name: str) -> None:
    checkout = Checkout.make(tmp_path / name)
    status, output = checkout.run_anyhow("-n")
    assert status != 0
    assert f"the project lies in {checkout.folder}" in output
    assert "rename the folder" in output
    assert "Traceback" not in output
    assert not (checkout.folder / "results").exists()


def test_any_name_that_a_file_may_have_matches_its_rules(fresh: Checkout) -> None:
    for kind, old, names in (
        ("boards", "here", ["here+", "a.b_-+."]),
        ("libraries", "opencl-reference", ["reference++"]),
    ):
        text = (fresh.folder / f"config/{kind}/{old}.yaml").read_text("utf-8")
        for name in names:
            (fresh.folder / f"config/{kind}/{name}.yaml").write_text(text, encoding="utf-8")
    fresh.configure(study="c++", boards=["here+", "a.b_-+."], libraries=["reference++"])
    jobs = fresh.would_run()
    assert jobs["probe"] == jobs["install"] == jobs["sweep"] == 2
