"""A simulated eligibility gateway and the simulated 資格確認端末 beside it: a real web application.

It checks what it is sent as a real one would have to (`verification`), knows only fictional people (`GatewayWorld`)
and marks every answer as simulated. Everything is in memory and gone when it ends. `/openapi.json` describes it.
Runs on one event loop without awaiting between reading and writing its state, which therefore needs no lock.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from fastapi import FastAPI, Path, Request, Response
from fastapi.responses import JSONResponse

from kiosk.eligibility.model import (
    RECEPTION,
    BadMessage,
    ChallengeReply,
    ConsentRequest,
    EligibilityReply,
    GatewayWorld,
    Message,
    PendingReply,
    Person,
    Problem,
    ReceptionRequest,
)
from kiosk.eligibility.port import NONCE_BYTES, signed_message
from kiosk.eligibility.verification import Holder, Refused, check_evidence
from kiosk.qualification import CONSENT_LASTS, JST, Body, Confirmation, Header, QualificationResult
from kiosk.reception.consent import ORDER, Item
from kiosk.reception.states import Validity

# Three attempts at the face check with their pages take up to 330 s, and the card signs before them.
CHALLENGE_SECONDS = 600
MAX_REQUEST = 64 * 1024
_MAX_CHALLENGES = 1000
_VALID = (Validity.VALID, Validity.VALID_UNREGISTERED)

M = TypeVar("M", bound=Message)


@dataclass(slots=True, repr=False)
class _Challenge:
    terminal: str
    nonce: bytes
    issued_at: int
    used_by: bytes | None = None  # digest of the request that used it
    outcome: EligibilityReply | Refused | None = None


@dataclass(slots=True, repr=False)
class _Reception:
    digest: bytes
    person: Person
    eligibility: EligibilityReply
    in_grace: bool
    consents: ConsentRequest | None = None
    consented_at: datetime | None = None
    result: bytes = b""


@dataclass(slots=True, repr=False)
class Desk:
    """The gateway's work without HTTP. Methods raise `Refused`; `terminal` is who the TLS connection says it is."""

    world: GatewayWorld
    now: Callable[[], datetime]
    challenge_seconds: int = CHALLENGE_SECONDS
    _issuers: list[x509.Certificate] = field(init=False)
    _anchor: RSAPublicKey = field(init=False)
    _people: dict[str, Person] = field(init=False)
    _registered: set[str] = field(default_factory=set)
    _challenges: dict[str, _Challenge] = field(default_factory=dict)
    _receptions: dict[tuple[str, str], _Reception] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._issuers = [x509.load_der_x509_certificate(der) for der in self.world.issuers]
        anchor = load_der_public_key(self.world.cv_anchor)
        if not isinstance(anchor, RSAPublicKey):
            raise BadMessage("cv_anchor: not an RSA key")
        self._anchor = anchor
        self._people = {person.certificate_sha256: person for person in self.world.people}

    def challenge(self, terminal: str) -> ChallengeReply:
        while len(self._challenges) >= _MAX_CHALLENGES:
            del self._challenges[next(iter(self._challenges))]
        name, nonce = secrets.token_urlsafe(24), secrets.token_bytes(NONCE_BYTES)
        issued_at = int(self.now().timestamp())
        self._challenges[name] = _Challenge(terminal, nonce, issued_at)
        return ChallengeReply(id=name, nonce=nonce, issued_at=issued_at, seconds=self.challenge_seconds)

    def receive(self, terminal: str, request: ReceptionRequest) -> EligibilityReply:
        if request.terminal != terminal:
            raise Refused(403, "terminal_differs")
        digest = _digest(request)
        key = (terminal, request.reception)
        if (known := self._receptions.get(key)) is not None:
            if not hmac.compare_digest(known.digest, digest):
                raise Refused(409, "reception_exists")
            return known.eligibility
        challenge = self._challenges.get(request.challenge)
        if challenge is None or challenge.terminal != terminal:
            raise Refused(403, "challenge_unknown")
        if challenge.used_by is not None and challenge.used_by != digest:
            raise Refused(403, "challenge_used")
        if challenge.outcome is None:
            challenge.used_by = digest
            try:
                challenge.outcome = self._judge(key, digest, challenge, request)
            except Refused as refused:
                challenge.outcome = refused
        if isinstance(challenge.outcome, Refused):
            raise challenge.outcome
        return challenge.outcome

    def _judge(
        self, key: tuple[str, str], digest: bytes, challenge: _Challenge, request: ReceptionRequest
    ) -> EligibilityReply:
        now = self.now()
        if now.timestamp() > challenge.issued_at + self.challenge_seconds:
            raise Refused(403, "challenge_expired")
        holder = Holder(request.certificate, self._issuers, now.astimezone(UTC))
        person = self._people.get(hashlib.sha256(request.certificate).hexdigest())
        if person is None:
            raise Refused(403, "certificate_unknown")
        if person.revoked:
            raise Refused(403, "certificate_revoked")
        message = signed_message(challenge.nonce, request.terminal, challenge.issued_at)
        check_evidence(request.method, request.evidence, holder, message, person.birth, self._anchor)
        eligibility = self._eligibility(person, in_grace=holder.in_grace, ends_soon=holder.ends_soon)
        self._receptions[key] = _Reception(digest, person, eligibility, holder.in_grace)
        return eligibility

    def _eligibility(self, person: Person, *, in_grace: bool, ends_soon: bool) -> EligibilityReply:
        insurance = person.insurance
        registered = insurance.registered or person.certificate_sha256 in self._registered
        has = {Item.SURGERY: False, Item.DIAGNOSIS: True}
        has[Item.MEDICATION] = True  # also an empty history is an answer
        has[Item.CHECKUP] = bool(insurance.checkups)
        asked = registered and insurance.validity in _VALID and not in_grace
        return EligibilityReply(
            registered=registered,
            validity=insurance.validity,
            questions=[item for item in ORDER if has[item]] if asked else [],
            certificate_ends_soon=ends_soon and not in_grace,
        )

    def register(self, terminal: str, reception: str) -> EligibilityReply:
        known = self._known(terminal, reception)
        self._registered.add(known.person.certificate_sha256)
        known.eligibility = self._eligibility(
            known.person, in_grace=known.in_grace, ends_soon=known.eligibility.certificate_ends_soon
        )
        return known.eligibility

    def consent(self, terminal: str, reception: str, request: ConsentRequest) -> bytes:
        """The full result, JSON."""
        known = self._known(terminal, reception)
        if known.consents is not None:
            if known.consents != request:
                raise Refused(409, "consents_exist")
            return known.result
        if not known.eligibility.registered:
            raise Refused(409, "not_registered")
        if known.eligibility.validity not in _VALID:
            raise Refused(409, "qualification_invalid")
        items = [answer.item for answer in request.answers]
        if len(set(items)) != len(items) or not set(items) <= set(known.eligibility.questions):
            raise Refused(422, "answer_without_question")
        known.consents = request
        known.consented_at = self.now().astimezone(JST).replace(microsecond=0)
        known.result = self._result(known.person, request, known.consented_at).to_json()
        return known.result

    def result(self, terminal: str, reception: str) -> bytes | None:
        return self._known(terminal, reception).result or None

    def released(self, terminal: str, reception: str, item: Item) -> list[dict[str, object]]:
        """医療情報閲覧: rows of one kind, under a consent of this reception and only while it lasts."""
        known = self._known(terminal, reception)
        if known.consents is None or known.consented_at is None:
            raise Refused(403, "not_consented")
        if not any(answer.item is item and answer.given for answer in known.consents.answers):
            raise Refused(403, "not_consented")
        if self.now() >= known.consented_at + CONSENT_LASTS:
            raise Refused(403, "consent_expired")
        insurance = known.person.insurance
        rows = insurance.medications if item is Item.MEDICATION else insurance.checkups
        return [row.model_dump() for row in rows]

    def _known(self, terminal: str, reception: str) -> _Reception:
        known = self._receptions.get((terminal, reception))
        if known is None:
            raise Refused(404, "reception_unknown")
        return known

    def _result(self, person: Person, request: ConsentRequest, now: datetime) -> QualificationResult:
        given = {answer.item for answer in request.answers if answer.given}
        insurance = person.insurance
        moment, until = f"{now:%Y%m%d%H%M%S}", f"{now + CONSENT_LASTS:%Y%m%d%H%M%S}"

        def flag(item: Item) -> str:
            return "1" if item in given else "0"

        def when(item: Item, value: str) -> str | None:
            return value if item in given else None

        return QualificationResult(
            header=Header(
                executed=moment,
                confirmed_on=moment[:8],
                institution=self.world.institution,
                file_identifier=secrets.token_urlsafe(12),
                reference="1",
                segment="1",
            ),
            body=Body(
                status="1",
                validity=insurance.validity,
                results=(
                    Confirmation(
                        classification=insurance.classification,
                        insurer_number=insurance.insurer_number or None,
                        symbol=insurance.symbol or None,
                        number=insurance.number or None,
                        branch=insurance.branch or None,
                        relation=insurance.relation or None,
                        insured_name=insurance.insured_name or person.name,
                        name=person.name,
                        kana=person.kana,
                        sex1=person.sex,
                        birth=person.birth,
                        address=person.address or None,
                        qualified_from=insurance.qualified_from,
                        valid_until=insurance.valid_until,
                        ratio=insurance.ratio or None,
                        insurer_name=insurance.insurer_name,
                        checkup_consent=flag(Item.CHECKUP),
                        checkup_time=when(Item.CHECKUP, moment),
                        checkup_until=when(Item.CHECKUP, until),
                        medication_consent=flag(Item.MEDICATION),
                        medication_time=when(Item.MEDICATION, moment),
                        medication_until=when(Item.MEDICATION, until),
                        diagnosis_consent=flag(Item.DIAGNOSIS),
                        diagnosis_time=when(Item.DIAGNOSIS, moment),
                        diagnosis_until=when(Item.DIAGNOSIS, until),
                        surgery_consent=flag(Item.SURGERY),
                        surgery_time=when(Item.SURGERY, moment),
                        surgery_until=when(Item.SURGERY, until),
                    ),
                ),
            ),
        )


# --- HTTP ----------------------------------------------------------------------------------------------------------

ReceptionPath = Annotated[str, Path(pattern=RECEPTION)]


def create_app(desk: Desk) -> FastAPI:
    """The application. The TLS server puts the terminal's name into `request.state.terminal`."""
    app = FastAPI(
        title="Simulated eligibility gateway (模擬 資格確認ゲートウェイ)",
        description="Fictional people only. Not the national system and not connected to it.",
        version="1",
        docs_url=None,
        redoc_url=None,
    )

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        return JSONResponse({"error": error.code}, error.status)

    @app.exception_handler(BadMessage)
    async def malformed(_: Request, __: BadMessage) -> Response:
        return JSONResponse({"error": "request_malformed"}, 422)

    problems: dict[int | str, dict[str, object]] = {"4XX": {"model": Problem}}

    @app.post("/v1/challenges", response_model=ChallengeReply, responses=problems)
    async def challenges(request: Request) -> Response:
        return _answer(desk.challenge(_terminal(request)))

    @app.post(
        "/v1/receptions",
        response_model=EligibilityReply,
        responses=problems,
        openapi_extra=_body(ReceptionRequest),
    )
    async def receptions(request: Request) -> Response:
        return _answer(desk.receive(_terminal(request), await _message(request, ReceptionRequest)))

    @app.post("/v1/receptions/{reception}/registration", response_model=EligibilityReply, responses=problems)
    async def registration(request: Request, reception: ReceptionPath) -> Response:
        return _answer(desk.register(_terminal(request), reception))

    @app.post("/v1/receptions/{reception}/consents", responses=problems, openapi_extra=_body(ConsentRequest))
    async def consents(request: Request, reception: ReceptionPath) -> Response:
        message = await _message(request, ConsentRequest)
        return _json(desk.consent(_terminal(request), reception, message))

    @app.get("/v1/receptions/{reception}", responses={**problems, 202: {"model": PendingReply}})
    async def resume(request: Request, reception: ReceptionPath) -> Response:
        result = desk.result(_terminal(request), reception)
        return _answer(PendingReply(complete=False), 202) if result is None else _json(result)

    @app.get("/terminal/v1/{kind}", responses=problems)
    async def terminal(request: Request, kind: Literal["YZK", "TKK"], reception: str) -> Response:
        rows = desk.released(_terminal(request), reception, Item(kind))
        return JSONResponse({"kind": kind, "rows": rows})

    return app


def _terminal(request: Request) -> str:
    return str(request.state.terminal)


async def _message(request: Request, kind: type[M]) -> M:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_REQUEST:
            raise Refused(413, "request_too_large")
    return kind.parse(data)


def _body(kind: type[Message]) -> dict[str, object]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": kind.model_json_schema()}}}}


def _answer(reply: Message, status: int = 200) -> Response:
    return _json(reply.model_dump_json().encode(), status)


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json", headers={"Cache-Control": "no-store"})


def _digest(request: Message) -> bytes:
    return hashlib.sha256(request.model_dump_json().encode()).digest()
