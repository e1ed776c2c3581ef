"""The study's configuration: typed models (the one source of truth), and how they are loaded."""

from nntest.config.board import Board, LocalConnection, SshConnection
from nntest.config.library import Library
from nntest.config.load import load_study
from nntest.config.network import NetworkFile
from nntest.config.pool import Pool
from nntest.config.study import Study
from nntest.config.study_config import StudyConfig

__all__ = [
    "Board",
    "Library",
    "LocalConnection",
    "NetworkFile",
    "Pool",
    "SshConnection",
    "Study",
    "StudyConfig",
    "load_study",
]
