"""What a cluster is told of each rule, and that profiles for clusters keep to the default one."""

from __future__ import annotations

import os
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from cluster import one_node_slurm

WORKFLOW = Path(__file__).parents[2] / "workflow"
PROFILES = ["slurm", "kubernetes"]


def profile(name: str) -> dict[str, object]:
    text = (WORKFLOW / "profiles" / name / "profile.yaml").read_text("utf-8")
    return dict(yaml.safe_load(text))


def rules() -> dict[str, str]:
    """The text of every rule by its name."""
    files = [WORKFLOW / "Snakefile", *WORKFLOW.glob("rules/*.smk")]
    text = "\n".join(path.read_text("utf-8") for path in files)
    parts = re.split(r"^ *rule (\w+):\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_rule_says_what_it_needs() -> None:
    found = rules()
    assert len(found) > 10
    silent = [name for name, text in found.items() if "**job_size(mem_mb=" not in text]
    assert silent == ["all"]


def test_rules_that_talk_to_boards_are_local() -> None:
    """They import what measures; a node of a cluster has neither the keys nor the board."""
    scripts = WORKFLOW.parent / "scripts"
    for name, text in rules().items():
        script = re.search(r'scripts/(\w+\.py)"', text)
        if script and "nntest.measuring" in (scripts / script[1]).read_text("utf-8"):
            assert "localrule: True" in text, name


def test_groups_are_of_rules_that_a_cluster_runs() -> None:
    """Not of those that fail on purpose: the outputs of a group that fails are removed."""
    found = rules()
    grouped = {str(pair).split("=")[0] for pair in profile("slurm")["groups"]}
    assert grouped == {name for name, text in found.items() if "localrule: True" not in text}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_for_a_cluster_has_all_that_the_default_has(name: str) -> None:
    assert profile("default").items() <= profile(name).items()


@pytest.mark.slow("run a SLURM of their own")
@pytest.mark.skipif(
    os.geteuid() != 0
    or not all(map(shutil.which, one_node_slurm.DAEMONS))
    or find_spec("snakemake_executor_plugin_slurm") is None
    or one_node_slurm.SYSTEM_CONFIG.exists(),
    reason="needs root, Debian's slurmctld, slurmd and munge, and Snakemake's plug-in for SLURM",
)
def test_slurm_does_what_follows_the_sweeps(capsys: pytest.CaptureFixture[str]) -> None:
    assert one_node_slurm.main([]) == 0
    said = capsys.readouterr().out
    assert said.count("JobState=COMPLETED") == 1, "one job of SLURM for the whole analysis"
    assert "report: made; left to do here: nothing" in said
