"""Puts what the tests of CK archives share on the path."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE), str(HERE.parents[2] / "scripts" / "onboard")]
