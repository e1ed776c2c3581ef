"""Rule probe: read off a board what it is."""

import json
import sys
from pathlib import Path

from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.graph.runs import Controller
from nntest.measuring.board_file import differences
from nntest.measuring.leaving_out import leaving_out
from nntest.measuring.probe import probe
from nntest.measuring.progress import ProgressLine
from nntest.measuring.transport import connect_patiently

with user_errors_end_the_process(), job_log(snakemake) as log:
    study = study_of(snakemake)
    board = study.board(snakemake.wildcards.board)
    line = ProgressLine(f"{board.name}: probe", sys.stderr, log)
    with leaving_out(snakemake, study, log, Controller().run):
        with connect_patiently(board, line.note) as transport:
            facts, now = probe(transport, board)
        print(json.dumps(now, indent=2), file=log)
        for difference in differences(board, facts):
            for stream in (log, sys.stderr):
                print(f"warning: board {board.name}: {difference}", file=stream)
        text = json.dumps(facts, indent=2, sort_keys=True) + "\n"
        Path(snakemake.output.facts).write_text(text, encoding="utf-8")
