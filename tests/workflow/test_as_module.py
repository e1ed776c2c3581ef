"""Snakemake as its users know it: as a module of another workflow, from elsewhere, with reports."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from workflow.study import Checkout, own_study

OWN = """
configfile: "study.yaml"

module nntest:
    snakefile: "{snakefile}"
    config: config

use rule * from nntest as nn_*

rule mine:
    default_target: True
    input: rules.nn_all.input, "results/tiny/tables/estimate.csv"
    output: "mine.txt"
    shell: "head -1 results/tiny/headline.txt > {{output}}"
"""


class Elsewhere:
    """A folder beside a check-out, from which its workflow is run."""

    def __init__(self, folder: Path, checkout: Checkout) -> None:
        self.folder = folder
        self.checkout = checkout
        folder.mkdir()
        shutil.copy(checkout.folder / "config/config.yaml", folder / "study.yaml")

    def run(self, *arguments: str) -> tuple[int, str]:
        """(exit status, what Snakemake said)."""
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
            cwd=self.folder, env=self.checkout.environment(), capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def elsewhere(finished: Checkout, tmp_path: Path) -> Elsewhere:
    return Elsewhere(tmp_path / "elsewhere", finished)


def use_as_module(elsewhere: Elsewhere, snakefile: str) -> None:
    (elsewhere.folder / "Snakefile").write_text(OWN.format(snakefile=snakefile))


def test_all_rules_have_the_prefix_of_the_module(elsewhere: Elsewhere) -> None:
    use_as_module(elsewhere, f"{elsewhere.checkout.folder}/workflow/Snakefile")
    status, output = elsewhere.run("-n", "--quiet", "host", "reason", "rules")
    assert status == 0, output
    jobs = {line.split()[0] for line in output.splitlines() if line.startswith(("nn_", "mine"))}
    assert {"nn_probe", "nn_sweep", "nn_tables", "nn_report", "mine"} <= jobs


@own_study
def test_a_study_as_a_module_is_measured_reported_and_then_done(elsewhere: Elsewhere) -> None:
    use_as_module(elsewhere, f"{elsewhere.checkout.folder}/workflow/Snakefile")
    status, output = elsewhere.run()
    assert status == 0, output
    assert (elsewhere.folder / "mine.txt").read_text()
    assert (elsewhere.folder / "results/tiny/report.html").exists()
    assert "Nothing to be done" in elsewhere.run("-n")[1]
    status, output = elsewhere.run("--report", "snakemake.html")
    assert status == 0, output
    assert "report.html" in output


def test_a_module_out_of_a_git_repository_is_refused(elsewhere: Elsewhere) -> None:
    repository = elsewhere.folder.parent / "repository"
    shutil.copytree(
        elsewhere.checkout.folder, repository,
        ignore=shutil.ignore_patterns("results", ".snakemake", "__pycache__"),
    )  # fmt: skip
    git = ["git", "-C", str(repository), "-c", "user.name=n", "-c", "user.email=n@n"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run([*git, *words], check=True)
    use_as_module(elsewhere, f"git+file://{repository}/workflow/Snakefile@main")
    status, output = elsewhere.run("-n")
    assert status != 0
    assert "out of a git repository" in output
    assert "hint: clone it" in output


@pytest.mark.parametrize("directory", [True, False])
def test_the_workflow_is_run_from_elsewhere(elsewhere: Elsewhere, directory: bool) -> None:
    """`--directory` from the check-out, or `-s` from the folder: results go to the folder."""
    snakefile = str(elsewhere.checkout.folder / "workflow" / "Snakefile")
    configured = ("--configfile", str(elsewhere.folder / "study.yaml"), "-n")
    if directory:
        done = subprocess.run(
            elsewhere.checkout.command("--directory", str(elsewhere.folder), *configured),
            cwd=elsewhere.checkout.folder, env=elsewhere.checkout.environment(),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        status, output = done.returncode, done.stdout + done.stderr
    else:
        status, output = elsewhere.run("-s", snakefile, *configured)
    assert status == 0, output
    assert "24 repetitions to measure" in output, "nothing of the check-out's results counts"


def test_snakemakes_own_report_has_tables_and_pictures(study: Checkout) -> None:
    study.run("--report", "snakemake.html")
    page = (study.folder / "snakemake.html").read_text("utf-8")
    assert "estimate.csv" in page
    assert "layers.svg" in page
