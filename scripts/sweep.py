"""Rules sweep and sweep_network: measure what is missing on a board and pull the CK archive."""

import sys
from contextlib import closing
from pathlib import Path

from nntest.archives.missing import read_results
from nntest.config.study import Sweep
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.graph.runs import Controller
from nntest.measuring.beside import found_beside, load_installed, with_points
from nntest.measuring.detached import patient
from nntest.measuring.joint_progress import JointProgress
from nntest.measuring.leaving_out import impatient, leaving_out, noting_in_vain
from nntest.measuring.pools import measure_on_its_board
from nntest.measuring.progress import ProgressLine, Watcher
from nntest.measuring.sweep import Outputs, run_sweep
from nntest.measuring.transport import PowerSwitch, connect_patiently

archive = Path(snakemake.output.archive)
results = archive.parents[1]
joint = JointProgress(Path(snakemake.log[0]).with_name("progress"), archive.stem)
with user_errors_end_the_process(), job_log(snakemake) as log, closing(joint):
    study = study_of(snakemake)
    sweep = study.sweep(archive.stem)
    controller = Controller()
    watcher = Watcher(ProgressLine(sweep.name, sys.stderr, log, joint), controller.gone)
    outputs = Outputs(
        archive=archive,
        journal=Path(snakemake.output.journal),
        plan=Path(snakemake.output.plan),
        tuner_table=Path(snakemake.output.tuner_table),
        state=Path(snakemake.output.state),
    )

    def measure(sweep: Sweep, on_busy_board: str) -> None:
        """Measure on the sweep's board."""
        folder = results / "boards" / sweep.board.name
        facts = read_results(folder / "facts.json")
        installed = load_installed(folder / f"{sweep.library.name}.json")
        beside = list(found_beside(study, sweep, results))
        power = PowerSwitch(sweep.board, watcher.note)
        with noting_in_vain(snakemake, sweep.board.name, controller.run):
            board = impatient(sweep.board, snakemake, controller.run)
            link = connect_patiently(board, watcher.note, power)
            with patient(link, sweep.board, watcher, power) as transport:
                run_sweep(
                    transport, study, sweep, installed, facts, outputs, watcher, beside,
                    on_busy_board,
                )  # fmt: skip

    with leaving_out(snakemake, study, log, controller.run):
        chosen = snakemake.input.get("chosen")
        sweep = with_points(study, sweep, Path(chosen) if chosen else None)
        measure_on_its_board(study, sweep, results, watcher, measure)
