from __future__ import annotations

from pathlib import Path

import pytest
from workflow.study import Checkout


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The tiny study, run once to its end.  Not to be changed: tests take a copy."""
    checkout = Checkout.make(tmp_path_factory.mktemp("finished") / "checkout")
    checkout.run()
    return checkout


@pytest.fixture
def study(finished: Checkout, tmp_path: Path) -> Checkout:
    """A copy of the finished study that a test may change."""
    return finished.copy(tmp_path / "checkout")


@pytest.fixture
def fresh(tmp_path: Path) -> Checkout:
    """A check-out in which nothing has run."""
    return Checkout.make(tmp_path / "checkout")
