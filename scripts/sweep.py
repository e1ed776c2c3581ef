"""Rules sweep and sweep_network: measure what is missing on a board and pull the CK archive."""

import json
import sys
from dataclasses import replace
from pathlib import Path

from nntest.domain.network_points import load_chosen
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.graph.runs import Controller
from nntest.measuring.detached import patient
from nntest.measuring.installed import Installed
from nntest.measuring.progress import ProgressLine, Watcher
from nntest.measuring.sweep import Outputs, run_sweep
from nntest.measuring.transport import PowerSwitch, connect_patiently

with user_errors_end_the_process(), job_log(snakemake) as log:
    study = study_of(snakemake)
    sweep = study.sweep(Path(snakemake.output.archive).stem)
    chosen = snakemake.input.get("chosen")
    if chosen is not None:
        sweep = replace(sweep, points=load_chosen(Path(chosen)))
    watcher = Watcher(ProgressLine(sweep.name, sys.stderr, log), Controller().gone)
    power = PowerSwitch(sweep.board, watcher.note)
    link = connect_patiently(sweep.board, watcher.note, power)
    with patient(link, sweep.board, watcher, power) as transport:
        run_sweep(
            transport,
            study,
            sweep,
            Installed.from_json(json.loads(Path(snakemake.input.installed).read_text("utf-8"))),
            json.loads(Path(snakemake.input.facts).read_text("utf-8")),
            Outputs(
                archive=Path(snakemake.output.archive),
                journal=Path(snakemake.output.journal),
                plan=Path(snakemake.output.plan),
                tuner_table=Path(snakemake.output.tuner_table),
                state=Path(snakemake.output.state),
            ),
            watcher,
        )
