"""Rule compare_pools: the boards of a pool, by a few points that each of them measured."""

from pathlib import Path

from nntest.analysis.pools import pool_boards
from nntest.archives.ck import KnownPlatform
from nntest.archives.runs import read_archives
from nntest.domain.tables.frames import write_table
from nntest.domain.tables.study import POOL_BOARDS
from nntest.errors import user_errors_end_the_process
from nntest.graph.job import job_log, study_of

with user_errors_end_the_process(), job_log(snakemake) as log:
    study = study_of(snakemake)
    known = [KnownPlatform(*platform) for platform in study.platform_names()]
    anchors = read_archives(
        [Path(path) for path in snakemake.input.anchors], known, lambda line: print(line, file=log)
    )
    pools = {pool.name: pool.pool for pool in study.pools}
    compared = pool_boards(anchors, pools, study.config.seed)
    write_table(compared, Path(snakemake.output.tables[0]).parent, POOL_BOARDS.name)
