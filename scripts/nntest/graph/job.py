"""What the scripts of the rules share: the study and the log of their job."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from nntest.config import Study, load_study
from nntest.errors import UserError

PROJECT = Path(__file__).resolve().parents[3]
"""The check-out, whose `config` folder has what the working directory's has not."""


def study_of(snakemake: Any) -> Study:
    """The study that the job's workflow runs, from the config that Snakemake merged."""
    return load_study(snakemake.config, PROJECT)


@contextmanager
def job_log(snakemake: Any) -> Iterator[TextIO]:
    """The job's log file; what ends the job is written there as well."""
    with Path(snakemake.log[0]).open("w", encoding="utf-8") as log:
        try:
            yield log
        except UserError as error:
            print(f"error: {error}", file=log)
            raise
        except Exception:
            traceback.print_exc(file=log)
            raise
        finally:
            sys.stderr.flush()
