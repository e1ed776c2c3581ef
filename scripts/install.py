"""Rule install: make a library usable on a board, or find it there."""

import json
import sys
from pathlib import Path

from nntest.archives.missing import read_results
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.graph.runs import Controller
from nntest.measuring.leaving_out import impatient, leaving_out
from nntest.measuring.libraries import KINDS
from nntest.measuring.progress import ProgressLine, Watcher
from nntest.measuring.transport import connect_patiently

with user_errors_end_the_process(), job_log(snakemake) as log:
    study = study_of(snakemake)
    controller = Controller()
    board = study.board(snakemake.wildcards.board)
    library = study.library(snakemake.wildcards.library)
    line = ProgressLine(f"{board.name}.{library.name}", sys.stderr, log)
    kind = KINDS[library.kind](library, Watcher(line, controller.gone))
    with leaving_out(snakemake, study, log, controller.run):
        facts = read_results(Path(snakemake.input.facts))
        link = connect_patiently(impatient(board, snakemake, controller.run), line.note)
        with link as transport:
            installed = kind.install(transport, board, facts)
        print(f"{installed.tag} on {board.name}", file=log)
        text = json.dumps(installed.as_json(), indent=2, sort_keys=True) + "\n"
        Path(snakemake.output.installed).write_text(text, encoding="utf-8")
