"""One real scanner process for each module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.scanner.desk import Desk
from tests.helpers import printed_cards as cards


@pytest.fixture(scope="module")
def _desk() -> Iterator[Desk]:
    desk = Desk({"seconds": 30.0})
    desk.start(cards.empty_tables())
    yield desk
    desk.scanner.stop()


@pytest.fixture
def desk(_desk: Desk) -> Iterator[Desk]:
    _desk.camera.stuck = False
    yield _desk
    _desk.scanner.cancel()
    _desk.listener.drop()


@pytest.fixture(scope="module")
def brief_desk() -> Iterator[Desk]:
    """For searches that last as long as they may."""
    desk = Desk({"seconds": 1.5})
    desk.start(cards.empty_tables())
    yield desk
    desk.scanner.stop()
