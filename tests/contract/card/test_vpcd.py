"""The shell at the socket of the virtual reader, against a reader played by the test."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from devices.simulated.card import Fault, FaultPlan, FaultRule, VirtualCard
from devices.simulated.vpcd import Insertion
from devices.simulated.world import World
from tests.contract.card.talk import JPKI

SELECT = bytes.fromhex(f"00A4040C0A{JPKI}")


class Reader:
    """Listens as vpcd does: length and payload in two sends."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(10)
        self.port: int = self.server.getsockname()[1]
        self.line: socket.socket | None = None

    def accept(self) -> None:
        self.close_line()
        self.line, _ = self.server.accept()
        self.line.settimeout(10)

    def send(self, payload: bytes) -> None:
        assert self.line is not None
        self.line.sendall(len(payload).to_bytes(2))
        self.line.sendall(payload)

    def receive(self) -> bytes | None:
        head = self._exactly(2)
        return None if head is None else self._exactly(int.from_bytes(head))

    def ask(self, payload: bytes) -> bytes | None:
        self.send(payload)
        return self.receive()

    def _exactly(self, size: int) -> bytes | None:
        assert self.line is not None
        data = b""
        while len(data) < size:
            part = self.line.recv(size - len(data))
            if not part:
                return None
            data += part
        return data

    def close_line(self) -> None:
        if self.line is not None:
            self.line.close()
            self.line = None

    def see_removal(self, insertion: Insertion) -> None:
        """The card hangs up, then the reader does, then the removal is complete."""
        remover = threading.Thread(target=insertion.remove)
        remover.start()
        assert self.receive() is None
        self.close_line()
        remover.join(timeout=10)
        assert not remover.is_alive()

    def close(self) -> None:
        self.close_line()
        self.server.close()


@pytest.fixture
def reader() -> Iterator[Reader]:
    played = Reader()
    yield played
    played.close()


def insert(card: VirtualCard, reader: Reader) -> Insertion:
    insertion = Insertion(card, reader.port)
    insertion.start()
    reader.accept()
    return insertion


def test_control_codes_and_commands(world: World, reader: Reader) -> None:
    card = world.card("employee")
    insertion = insert(card, reader)
    try:
        assert reader.ask(b"\x04") == card.atr
        assert not insertion.wait_seen(0)
        reader.send(b"\x01")
        assert reader.ask(SELECT) == b"\x90\x00"
        assert insertion.wait_seen(10)
        reader.send(b"\x02")
        assert reader.ask(bytes.fromhex("00A4020C02000A")) == b"\x90\x00"
        reader.send(b"\x00")
        reader.send(b"\x01")
        assert reader.ask(bytes.fromhex("00A4020C02000A")) == b"\x6a\x82"
    finally:
        reader.see_removal(insertion)


def test_a_card_waits_for_its_reader_and_finds_it_again(world: World, reader: Reader) -> None:
    card = world.card("employee")
    insertion = insert(card, reader)
    try:
        reader.send(b"\x01")
        assert reader.ask(SELECT) == b"\x90\x00"
        reader.accept()  # closes the old line, as a service that went down
        assert reader.ask(b"\x04") == card.atr
        reader.send(b"\x01")
        assert reader.ask(bytes.fromhex("00A4020C02000A")) == b"\x6a\x82"  # power was lost in between
    finally:
        reader.see_removal(insertion)


def test_removal_in_the_middle_of_a_command_is_at_once(world: World, reader: Reader) -> None:
    card = world.card("employee", faults=lambda index, apdu: Fault(delay=3600))
    insertion = insert(card, reader)
    reader.send(b"\x01")
    reader.send(SELECT)
    assert insertion.wait_seen(10)
    reader.see_removal(insertion)


def test_a_card_that_is_pulled_does_not_come_back(world: World, reader: Reader) -> None:
    card = world.card("employee", faults=FaultPlan([FaultRule(Fault(pull=True), at=1)]))
    insertion = insert(card, reader)
    reader.send(b"\x01")
    assert reader.ask(SELECT) == b"\x90\x00"
    assert reader.ask(SELECT) is None
    reader.close_line()
    reader.server.settimeout(0.2)
    with pytest.raises(TimeoutError):
        reader.accept()
    insertion.remove()


def test_an_answer_without_a_byte_is_contact_lost_for_a_moment(world: World, reader: Reader) -> None:
    insertion = insert(world.card("employee", faults=FaultPlan.parse("at 0: answer")), reader)
    try:
        reader.send(b"\x01")
        assert reader.ask(SELECT) is None
        reader.accept()
        reader.send(b"\x01")
        assert reader.ask(SELECT) == b"\x90\x00"
    finally:
        reader.see_removal(insertion)


def test_a_command_without_power_hears_nothing(world: World, reader: Reader) -> None:
    insertion = insert(world.card("employee"), reader)
    assert reader.ask(SELECT) is None
    reader.close_line()
    insertion.remove()


def test_a_mute_card_shows_an_impossible_atr(world: World, reader: Reader) -> None:
    insertion = insert(world.card("mute"), reader)
    try:
        answer = reader.ask(b"\x04")
        assert answer is not None
        assert len(answer) > 33  # ISO/IEC 7816-3: an ATR has 33 bytes at most
    finally:
        reader.see_removal(insertion)


def test_removal_before_a_reader_was_there(world: World, reader: Reader) -> None:
    port = reader.port
    reader.close()
    insertion = Insertion(world.card("employee"), port)
    insertion.start()
    insertion.remove()
    insertion.remove()


def test_a_card_that_is_lifted_comes_back(world: World, reader: Reader) -> None:
    insertion = insert(VirtualCard(world.cards["employee"]), reader)
    assert reader.ask(b"\x04")
    insertion.lift()
    assert reader.receive() is None
    reader.accept()  # after a pause
    reader.send(b"\x01")
    assert reader.ask(SELECT) == b"\x90\x00"
    reader.see_removal(insertion)
