"""A folder, a side folder, a journal and a clock that a test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devices.secret import SecretBytes
from kiosk.handoff.desk import Handoff, Recovery
from kiosk.handoff.errors import NotNow
from kiosk.handoff.folder import HandoffFolder
from kiosk.handoff.journal import Journal, State
from kiosk.handoff.sidefile import SideFolder
from kiosk.oqs.document import Encoding
from tests.helpers.full import full, provided, secret
from tests.helpers.gateway import Clock, noon
from tests.helpers.results import INSTITUTION


class Room:
    """`restart` begins a new process's life."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.face = root / "face"
        self.side = root / "extension"
        self.face.mkdir()
        self.clock = Clock(noon())
        self.journal = Journal(root / "journal", self.clock, slots=8)
        self.handoff = self.make()

    def make(self, encoding: Encoding = Encoding.UTF8) -> Handoff:
        folder, side = HandoffFolder(self.face, INSTITUTION, pause=0.01), SideFolder(self.side, pause=0.01)
        return Handoff(folder, side, self.journal, encoding, simulated=True, now=self.clock)

    def restart(self) -> None:
        self.journal.close()
        self.journal = Journal(self.root / "journal", self.clock)
        self.handoff = self.make()

    def files(self) -> list[str]:
        return sorted(path.name for path in self.face.iterdir())

    def sides(self) -> list[str]:
        return sorted(path.name for path in self.side.iterdir()) if self.side.exists() else []

    def state(self, reception: str = "r1") -> State:
        entry = self.journal.get(reception)
        assert entry is not None
        return entry.state


def outcomes(room: Room, fetch: Callable[[str], SecretBytes | None]) -> list[Recovery]:
    return [each.outcome for each in room.handoff.recover(fetch)]


def nothing(_: str) -> SecretBytes | None:
    return None


def complete(reception: str) -> SecretBytes | None:
    return secret(full(reception))


def complete_beside(reception: str) -> SecretBytes | None:
    return secret(provided(reception))


def away(_: str) -> SecretBytes | None:
    raise NotNow


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    yield room
    room.journal.close()
