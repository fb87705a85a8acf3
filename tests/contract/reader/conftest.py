"""The same reader, three ways: a card in process (in a thread and in the card process), PC/SC made of a script, and
a genuine pcscd with the virtual reader. Each lane gives a started reader whose cards a test can handle."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from devices.card.reader import SimulatedCardReader, SupervisedCardReader
from devices.ports import ReaderReady
from devices.simulated.pcscd import PcscdLane
from devices.supervisor import InProcess, Launcher, ProcessWorker
from tests.contract.reader.lanes import Lane, PcscLane, ScardLane, SimulatedLane
from tests.helpers.cards import Events, options
from tests.helpers.virtual_scard import READER, VirtualScard, installed


@pytest.fixture(scope="session")
def service(pcsc_lane: None) -> Iterator[PcscdLane]:
    with PcscdLane.start() as lane:
        yield lane


@pytest.fixture(params=["thread", "process", "scard", pytest.param("pcsc", marks=pytest.mark.pcsc)])
def lane(request: pytest.FixtureRequest) -> Iterator[Lane]:
    if request.param == "pcsc":
        yield from _pcsc(request.getfixturevalue("service"))
    elif request.param == "scard":
        yield from _scard(request.getfixturevalue("monkeypatch"))
    else:
        yield from _simulated(InProcess if request.param == "thread" else ProcessWorker)


def _simulated(launcher: Launcher) -> Iterator[Lane]:
    events = Events()
    reader = SimulatedCardReader(options(), launcher)
    reader.start(events)
    try:
        events.next(ReaderReady)
        yield SimulatedLane(reader, events)
    finally:
        reader.stop()


def _scard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lane]:
    events, scard = Events(), VirtualScard()
    installed(monkeypatch)[READER] = scard
    reader = SupervisedCardReader(options(driver="pcsc", reader=READER), InProcess)
    reader.start(events)
    try:
        events.next(ReaderReady)
        yield ScardLane(scard, reader, events)
    finally:
        reader.stop()
        assert scard.open_contexts == 0


def _pcsc(service: PcscdLane) -> Iterator[Lane]:
    events = Events()
    reader = SupervisedCardReader(options(driver="pcsc", csock=service.socket_path, reader="00 00"))
    reader.start(events)
    try:
        events.next(ReaderReady)
        lane = PcscLane(service, reader, events)
        yield lane
        lane.clear()
    finally:
        service.remove()
        reader.stop()
