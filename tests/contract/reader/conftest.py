"""The same reader, three ways. Each lane gives a started `Reader` whose cards a test can handle."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from devices.card.reader import SimulatedCardReader
from devices.ports import ReaderReady
from devices.supervisor import InProcess, ProcessWorker
from tests.contract.reader.lanes import Lane, SimulatedLane
from tests.helpers.cards import Events, options


@pytest.fixture(params=["thread", "process"])
def lane(request: pytest.FixtureRequest) -> Iterator[Lane]:
    launcher = InProcess if request.param == "thread" else ProcessWorker
    events = Events()
    reader = SimulatedCardReader(options(), launcher)
    reader.start(events)
    try:
        events.next(ReaderReady)
        yield SimulatedLane(reader, events)
    finally:
        reader.stop()
