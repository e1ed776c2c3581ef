"""Rules sweep and sweep_network: measure what is missing on a board and pull the CK archive."""

import json
import sys
from pathlib import Path

from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.graph.runs import Controller
from nntest.measuring.beside import found_beside, load_installed, with_points
from nntest.measuring.detached import patient
from nntest.measuring.progress import ProgressLine, Watcher
from nntest.measuring.sweep import Outputs, run_sweep
from nntest.measuring.transport import PowerSwitch, connect_patiently

with user_errors_end_the_process(), job_log(snakemake) as log:
    study = study_of(snakemake)
    archive = Path(snakemake.output.archive)
    chosen = snakemake.input.get("chosen")
    own = with_points(study.sweep(archive.stem), Path(chosen) if chosen else None)
    beside = list(found_beside(study, own, archive.parents[1]))
    watcher = Watcher(ProgressLine(own.name, sys.stderr, log), Controller().gone)
    power = PowerSwitch(own.board, watcher.note)
    link = connect_patiently(own.board, watcher.note, power)
    with patient(link, own.board, watcher, power) as transport:
        run_sweep(
            transport,
            study,
            own,
            load_installed(Path(snakemake.input.installed)),
            json.loads(Path(snakemake.input.facts).read_text("utf-8")),
            Outputs(
                archive=archive,
                journal=Path(snakemake.output.journal),
                plan=Path(snakemake.output.plan),
                tuner_table=Path(snakemake.output.tuner_table),
                state=Path(snakemake.output.state),
            ),
            watcher,
            beside,
        )
