"""One reception's dealings with the gateway: which challenge its card signed, and the errors in the domain's words."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar, assert_never

from devices.secret import SecretBytes
from kiosk.eligibility.port import (
    CardEvidence,
    Challenge,
    Evidence,
    Gateway,
    GatewayError,
    JpkiSignature,
    StaffVisual,
)
from kiosk.reception.consent import Answers
from kiosk.reception.states import (
    Eligibility,
    FaceIdentity,
    Identity,
    PinIdentity,
    ReceptionId,
    StaffIdentity,
    method_of,
)
from kiosk.runtime.ports import JobError, Purpose

# A challenge that ends sooner is not given to the card: the patient's next steps take time.
MARGIN_SECONDS = 60.0

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class _Session:
    unused: Challenge | None = None
    signed: dict[Purpose | None, Challenge] = field(default_factory=dict)  # None: staff, no card signs


class Sessions:
    """`kiosk.runtime.ports.Gateway` over an eligibility gateway. For one thread."""

    def __init__(self, gateway: Gateway, text_version: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._gateway = gateway
        self._text_version = text_version
        self._clock = clock
        self._sessions: dict[ReceptionId, _Session] = {}

    def prepare(self, reception: ReceptionId) -> None:
        self._challenge(reception)

    def message(self, reception: ReceptionId, purpose: Purpose) -> bytes:
        challenge = self._challenge(reception)
        self._session(reception).signed[purpose] = challenge
        return self._gateway.message(challenge)

    def confirm(
        self, reception: ReceptionId, identity: Identity, certificate: SecretBytes, evidence: SecretBytes | None
    ) -> Eligibility:
        purpose: Purpose | None
        proof: Evidence
        match identity:
            case FaceIdentity():
                assert evidence is not None
                purpose, proof = Purpose.PRESENCE, CardEvidence(evidence)
            case PinIdentity():
                assert evidence is not None
                purpose, proof = Purpose.PIN, JpkiSignature(evidence)
            case StaffIdentity():
                purpose, proof = None, StaffVisual(identity.reason)
            case _:
                assert_never(identity)
        session = self._session(reception)
        # The same challenge again when the same request is repeated after a lost answer.
        challenge = session.signed.get(purpose) or self._challenge(reception)
        session.signed[purpose] = challenge
        if session.unused is challenge:
            session.unused = None
        method = method_of(identity)
        return _told(self._gateway.receive, reception, challenge, method, certificate, (proof,))

    def register(self, reception: ReceptionId) -> Eligibility:
        return _told(self._gateway.register, reception)

    def consent(self, reception: ReceptionId, answers: Answers, language: str) -> SecretBytes:
        return _told(self._gateway.consent, reception, answers, language, self._text_version)

    def fetch(self, reception: str) -> SecretBytes | None:
        """For the journal: the full result of an earlier reception."""
        return _told(self._gateway.fetch, reception)

    def forget(self, reception: ReceptionId) -> None:
        self._sessions.pop(reception, None)

    def check(self) -> None:
        _told(self._gateway.check)

    def _session(self, reception: ReceptionId) -> _Session:
        return self._sessions.setdefault(reception, _Session())

    def _challenge(self, reception: ReceptionId) -> Challenge:
        """One that no request has used and that lasts long enough."""
        session = self._session(reception)
        if session.unused is None or session.unused.expires_at - self._clock() < MARGIN_SECONDS:
            session.unused = _told(self._gateway.challenge)
        return session.unused


def _told(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    try:
        return call(*args, **kwargs)
    except GatewayError as error:
        raise JobError(error.failure, error.upstream) from error
