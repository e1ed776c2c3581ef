"""Rule rank_first: the libraries ranked by whole networks, while their layers are still waiting."""

import sys
from pathlib import Path

from nntest.analysis.library_ranking import network_ranking
from nntest.archives.ck import KnownPlatform, read_rows
from nntest.archives.measurements import to_frame
from nntest.archives.missing import missing_sweeps
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of
from nntest.report.ranking import first_ranking

with user_errors_end_the_process(), job_log(snakemake) as log:
    study = study_of(snakemake)
    known = [KnownPlatform(*platform) for platform in study.platform_names()]

    def silent(message: str) -> None:
        """Say nothing: what is odd about an archive, the merge says."""

    ranking = Path(snakemake.output.ranking)
    missing = missing_sweeps(study, ranking.parents[2])
    archives = [path for path in map(Path, snakemake.input.sweeps) if path.stem not in missing]
    rows = [row for path in archives for row in read_rows(path, known, silent)]
    config = study.config
    ranked = network_ranking(to_frame(rows), study.networks, config.padding, config.seed)
    text = "\n".join([*first_ranking(ranked), ""])
    for stream in (log, sys.stderr):
        print(text, end="", file=stream, flush=True)
    ranking.write_text(text, encoding="utf-8")
