"""Objects and AWS resources that were made by hand come into the states of three layers by one run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_iac.engines.local.engine import LocalEngine
from mlops_iac.engines.local.store import FOLDER

from ...by_hand import Hands, check_adoption, declared, needs_server

pytestmark = needs_server


@pytest.fixture
def hands(tmp_path: Path) -> Iterator[Hands]:
    made = Hands(tmp_path / FOLDER)
    yield made
    made.stop()


def test_layers_are_adopted_applied_and_destroyed(hands: Hands, tmp_path: Path) -> None:
    check_adoption(LocalEngine(tmp_path), hands, declared())
