"""Puts the on-board files on the path, as they are on a board."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3] / "scripts" / "onboard"))
