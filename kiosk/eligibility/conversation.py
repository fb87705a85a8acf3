"""One reception's talk with the gateway: which challenge was signed for what, and who is asked what.

`Conversation` is `kiosk.runtime.ports.Gateway`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from devices.secret import SecretBytes
from kiosk.eligibility.port import (
    CardEvidence,
    Challenge,
    Evidence,
    Gateway,
    GatewayError,
    JpkiSignature,
    Lookup,
    StaffVisual,
)
from kiosk.reception.consent import Answers
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import (
    Eligibility,
    FaceIdentity,
    Identity,
    Method,
    PinIdentity,
    ReceptionId,
    StaffIdentity,
    StaffReason,
    Validity,
    method_of,
)
from kiosk.runtime.ports import JobError, Purpose

FRESH_SECONDS = 45.0  # a challenge with less to go is not signed any more: card and network need their time
_LOST = (
    FailureCode.GATEWAY_DOWN,
    FailureCode.GATEWAY_ERROR,
    FailureCode.GATEWAY_NONSENSE,
    FailureCode.GATEWAY_UNTRUSTED,
)


@dataclass(slots=True)
class _Challenges:
    spare: Challenge | None = None
    signed: dict[Purpose, Challenge] = field(default_factory=dict)


class Conversation:
    """Not thread-safe: the net thread's. `text_version(language)` names the wording of the consent pages. `lookup`:
    who is asked by number; None: the gateway."""

    def __init__(
        self,
        gateway: Gateway,
        text_version: Callable[[str], str],
        lookup: Lookup | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gateway = gateway
        self._text_version = text_version
        self._lookup = lookup
        self._clock = clock
        self._open: dict[ReceptionId, _Challenges] = {}

    def prepare(self, reception: ReceptionId) -> None:
        known = self._open.setdefault(reception, _Challenges())
        if known.spare is None:
            with _translated():
                known.spare = self._gateway.challenge()

    def message(self, reception: ReceptionId, purpose: Purpose) -> bytes:
        """Each purpose has a challenge of its own, because a refused one serves nobody again."""
        known = self._open.setdefault(reception, _Challenges())
        with _translated():
            challenge = known.signed.get(purpose)
            if challenge is None or not self._fresh(challenge):
                challenge = self._take(known)
                known.signed[purpose] = challenge
            return self._gateway.message(challenge)

    def confirm(
        self, reception: ReceptionId, identity: Identity, certificate: SecretBytes, evidence: SecretBytes | None
    ) -> Eligibility:
        known = self._open.setdefault(reception, _Challenges())
        sent: Evidence
        purpose: Purpose | None
        match identity:
            case FaceIdentity():
                assert evidence is not None
                sent, purpose = CardEvidence(evidence), Purpose.PRESENCE
            case PinIdentity():
                assert evidence is not None
                sent, purpose = JpkiSignature(evidence), Purpose.PIN
            case StaffIdentity():
                sent, purpose = StaffVisual(identity.reason), None
        with _translated():
            if purpose is None:
                challenge = self._take(known)
            elif purpose in known.signed:
                challenge = known.signed[purpose]
            else:
                raise GatewayError(FailureCode.EVIDENCE_INSUFFICIENT, "<challenge used>")
            try:
                answer = self._gateway.receive(reception, challenge, method_of(identity), certificate, (sent,))
            except GatewayError as error:
                if error.failure in _LOST:
                    if purpose is None:
                        known.spare = challenge  # asked again: the same request, and so the same answer
                else:
                    self._used(known, purpose)
                raise
        self._used(known, purpose)
        return answer

    def confirm_late(self, reception: ReceptionId, certificate: SecretBytes, reason: StaffReason) -> Eligibility:
        """What staff confirmed by eye while the line was down. May be repeated, also by a later process: the gateway
        takes the same statement under the same reception for the same request."""
        with _translated():
            challenge = self._gateway.challenge()
            return self._gateway.receive(reception, challenge, Method.STAFF, certificate, (StaffVisual(reason),))

    def register(self, reception: ReceptionId) -> Eligibility:
        with _translated():
            return self._gateway.register(reception)

    def consent(self, reception: ReceptionId, answers: Answers, language: str) -> SecretBytes:
        with _translated():
            return self._gateway.consent(reception, answers, language, self._text_version(language))

    def look_up(
        self, reception: ReceptionId, query: SecretBytes, limit: bool | None
    ) -> tuple[Validity, SecretBytes | None]:
        with _translated():
            return (self._lookup or self._gateway).look_up(reception, query, limit)

    def fetch(self, reception: ReceptionId) -> SecretBytes | None:
        """The result again, after its answer was lost: of whoever was asked. None: nobody has one."""
        with _translated():
            if self._lookup is None:
                return self._gateway.fetch(reception)
            try:
                result = self._lookup.fetch(reception)
            except GatewayError:
                if (result := self._gateway.fetch(reception)) is None:
                    raise  # it may still be there
                return result
            return self._gateway.fetch(reception) if result is None else result

    def withdraw(self, reception: ReceptionId) -> bool:
        """Withdraw the consents of a reception. False: there was none in force."""
        with _translated():
            return self._gateway.withdraw(reception)

    def forget(self, reception: ReceptionId) -> None:
        self._open.pop(reception, None)

    def check(self) -> None:
        with _translated():
            self._gateway.check()

    def _take(self, known: _Challenges) -> Challenge:
        spare, known.spare = known.spare, None
        return spare if spare is not None and self._fresh(spare) else self._gateway.challenge()

    def _fresh(self, challenge: Challenge) -> bool:
        return challenge.expires_at - self._clock() >= FRESH_SECONDS

    @staticmethod
    def _used(known: _Challenges, purpose: Purpose | None) -> None:
        if purpose is not None:
            known.signed.pop(purpose, None)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except GatewayError as error:
        raise JobError(error.failure, error.upstream) from None
