"""What the executor needs of the adapters that are not hardware. `kiosk.app` fits the concrete classes to them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from devices.secret import SecretBytes
from kiosk.reception.commands import Sound
from kiosk.reception.consent import Answers
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import Eligibility, Identity, Late, ReceptionId, Validity


class JobError(Exception):
    """A job's failure in the domain's words. `upstream`: the gateway's own code, unchanged."""

    def __init__(self, failure: FailureCode, upstream: str = "") -> None:
        super().__init__(failure.value)
        self.failure = failure
        self.upstream = upstream


class Purpose(StrEnum):
    """Which of the card's signatures a message is for."""

    PRESENCE = "presence"
    PIN = "pin"


class Gateway(Protocol):
    """Blocking; called on the net thread only. Every method may raise `JobError`."""

    def prepare(self, reception: ReceptionId) -> None:
        """Fetch the challenge ahead."""

    def message(self, reception: ReceptionId, purpose: Purpose) -> bytes:
        """What the card signs; bound to a challenge that is still fresh."""

    def confirm(
        self, reception: ReceptionId, identity: Identity, certificate: SecretBytes, evidence: SecretBytes | None
    ) -> Eligibility: ...

    def register(self, reception: ReceptionId) -> Eligibility: ...

    def consent(self, reception: ReceptionId, answers: Answers, language: str) -> SecretBytes:
        """The full result (`kiosk.fullresult`), for the hand-off."""

    def look_up(
        self, reception: ReceptionId, query: SecretBytes, limit: bool | None
    ) -> tuple[Validity, SecretBytes | None]:
        """By insured number (`kiosk.reception.insured.Query`, JSON). Full result, None when it names nobody."""

    def forget(self, reception: ReceptionId) -> None: ...

    def check(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Placed:
    """`number`: 受付番号 of the day. `delayed`: the file follows. `substituted`: characters that became ●."""

    number: int
    delayed: bool
    substituted: int


class Handoff(Protocol):
    """Blocking; called on the net thread only."""

    def begin(self, reception: ReceptionId) -> None:
        """Journal that the answers are about to be sent."""

    def finish(self, reception: ReceptionId, result: SecretBytes) -> Placed:
        """Write the file. May raise `JobError`."""

    def tidy(self) -> None:
        """Finish what an earlier failure left, remove what is past its retention."""


class Postponer(Protocol):
    """The encrypted queue for a line that is down. Blocking; called on the net thread only."""

    def put(self, reception: ReceptionId, late: Late, payload: SecretBytes | None) -> None:
        """`payload`: the query, or the certificate. May raise `JobError`."""

    def tidy(self) -> None:
        """Finish what is waiting, remove what is too old. Never raises."""


class Credentials(Protocol):
    """Staff or maintenance PIN."""

    def check(self, secret: SecretBytes) -> int | None:
        """None when it is right, otherwise the seconds to wait (0: at once)."""


class Audit(Protocol):
    def record(self, what: str, reception: ReceptionId | None, detail: str) -> None: ...


class Desk(Protocol):
    """The counter and the loudspeaker."""

    def call(self, reason: str) -> None: ...

    def play(self, sound: Sound) -> None: ...


class ServiceSwitch(Protocol):
    """Remembers across restarts whether staff closed the kiosk."""

    def store(self, is_open: bool) -> None: ...
