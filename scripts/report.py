"""Rule report: one self-contained page, the headline, and the config that makes them again."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from nntest.archives import pools
from nntest.archives.excerpts import excerpt
from nntest.archives.missing import MISSING, missing_lines, missing_sweeps
from nntest.config import Study
from nntest.domain.network_points import left_out_lines
from nntest.domain.tables.all import ALL
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.graph.plots import KERNEL_PLOTS, pictures_of, plot_caption
from nntest.graph.tables import PROFILE_TABLES
from nntest.pictures.charts.names import PAGES
from nntest.report.cells import MOST_ROWS
from nntest.report.page import ReportInputs, headline, write_page
from nntest.report.versions import versions
from onboard.private import public


def read_all(paths: Iterable[str]) -> list[dict[str, Any]]:
    """The JSON objects of files, without those that stand for results that are missing."""
    contents = [dict(json.loads(Path(path).read_text(encoding="utf-8"))) for path in paths]
    return [content for content in contents if MISSING not in content]


def pool_remarks(
    study: Study, facts: list[dict[str, Any]], states: list[dict[str, Any]]
) -> Iterator[str]:
    """Of each pool which board measured what, and in what its boards differ."""
    places = {sweep.name: sweep.place for sweep in (*study.sweeps(), *study.network_sweeps())}
    for pool in study.pools:
        of_boards = [of for of in facts if of["board"] in pool.pool]
        of_sweeps = [of for of in states if places.get(of.get("sweep", "")) == pool.name]
        yield from pools.remarks(pool, of_boards, of_sweeps)


with user_errors_end_the_process(), job_log(snakemake):
    study = study_of(snakemake)
    tables = {Path(path).stem: pd.read_parquet(path) for path in snakemake.input.tables}
    tables = {name: table for name, table in tables.items() if len(table) or not ALL[name].optional}
    measurements = Path(snakemake.input.measurements)
    for name in PROFILE_TABLES:
        profile = pd.read_parquet(measurements.with_name(f"{name}.parquet"))
        if len(profile):
            # A tuner's tries are thousands; the files beside the page have them.
            tables[name] = profile[profile["phase"] != "tuning"] if "phase" in profile else profile
    # Only where the study asks for the check.
    tables |= {Path(path).stem: pd.read_parquet(path) for path in snakemake.input.prediction}
    facts, states = read_all(snakemake.input.facts), read_all(snakemake.input.states)
    pictures = [Path(path) for path in snakemake.input.plots]
    svgs = [path for path in pictures if path.suffix == ".svg"]
    shown = (lambda facts: facts) if study.config.share == "full" else public
    missing = missing_sweeps(study, Path(snakemake.output.page).parent)
    missing_said = shown({"reasons": missing_lines(study, missing)})["reasons"]
    config_yaml = yaml.safe_dump(study.config.model_dump(mode="json"), sort_keys=False)
    Path(snakemake.output.config).write_text(config_yaml, encoding="utf-8")
    write_page(
        Path(snakemake.output.page),
        ReportInputs(
            title=f"nntest-flow: {study.name}",
            study=study.name,
            tables=tables,
            excerpts={measurements.stem: excerpt(measurements, MOST_ROWS)},
            plots=[
                (*plot_caption(name), svg, svg.with_suffix(".png"))
                for name, svg in zip(pictures_of(study), svgs, strict=True)
                if name not in KERNEL_PLOTS or "kernels" in tables
            ],
            facts=[shown(of_board) for of_board in facts],
            installs=[shown(installed) for installed in read_all(snakemake.input.installed)],
            config_yaml=shown(config_yaml),
            command=f"snakemake --cores 2 --configfile {snakemake.output.config}",
            remarks=shown(
                [
                    *(line for network in study.networks for line in network.remarks()),
                    *(
                        line
                        for path in map(Path, snakemake.input.chosen)
                        if path.stem not in missing
                        for line in left_out_lines(path)
                    ),
                    *(
                        f"The board changed while it measured: {change}."
                        for state in states
                        for change in state.get("changes", [])
                    ),
                    *pool_remarks(study, facts, states),
                    *Path(snakemake.input.remarks).read_text("utf-8").splitlines(),
                ]
            ),
            missing=missing_said,
            versions=versions(),
            pages=[(title, f"pages/{stem}.html") for stem, title in PAGES.items()],
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        ),
    )
    Path(snakemake.output.headline).write_text(
        "".join(f"{line}\n" for line in (*missing_said, *headline(tables))), "utf-8"
    )
