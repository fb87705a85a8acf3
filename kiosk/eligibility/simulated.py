"""The work of the simulated eligibility gateway and of the simulated 資格確認端末 beside it, without HTTP.

It checks what it is sent as a real one would have to (`verification`), knows only fictional people (`GatewayWorld`)
and marks every answer as simulated. Everything is in memory and gone when it ends. `kiosk.eligibility.application`
puts HTTP around it. Runs without awaiting between reading and writing its state, which therefore needs no lock.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from kiosk.eligibility.model import (
    Answer,
    BadMessage,
    ChallengeReply,
    Checkup,
    ConsentRecord,
    ConsentRequest,
    DiseaseRecord,
    EligibilityReply,
    GatewayWorld,
    Insurance,
    LookupReply,
    LookupRequest,
    Medication,
    Message,
    Person,
    ReceptionRequest,
    RegistrationRecord,
    StaffEvidence,
    TicketRecord,
    WithdrawalReply,
)
from kiosk.eligibility.port import NONCE_BYTES, RESULT_EXPIRED, signed_message
from kiosk.eligibility.verification import Holder, Refused, check_evidence
from kiosk.fullresult import FullResult, SubsidyCertificate, SubsidyOutcome
from kiosk.oqs.names import file_identifier
from kiosk.qualification import (
    CONSENT_LASTS,
    JST,
    Body,
    Confirmation,
    ElderlyRecipient,
    Header,
    Limit,
    MedicalTicket,
    QualificationResult,
    SearchInfo,
    SpecificDisease,
)
from kiosk.reception.consent import ORDER, Answers, Item
from kiosk.reception.insured import Query
from kiosk.reception.states import NOBODY, VALID, CertificateState, Method, Subsidy, Validity

# Three attempts at the face check with their pages take up to 330 s, and the card signs before them.
CHALLENGE_SECONDS = 600
# A kiosk without its line may finish a reception a day later (`kiosk.downtime`), and fetch its result after a restart.
RESULTS_KEPT = timedelta(hours=48)
_MAX_CHALLENGES = 1000
_UNOFFERED = (Item.LIMIT, Item.PRESCRIPTION)  # asked whatever the patient has


@dataclass(slots=True, repr=False)
class _Challenge:
    terminal: str
    nonce: bytes
    issued_at: int
    used_by: bytes | None = None  # digest of the request that used it
    outcome: EligibilityReply | Refused | None = None


@dataclass(slots=True, repr=False)
class _Consent:
    request: ConsentRequest
    given_at: datetime
    withdrawn_at: datetime | None = None

    @property
    def until(self) -> datetime:
        return self.given_at + CONSENT_LASTS

    def refusal(self, item: Item, now: datetime) -> str | None:
        """Why it releases nothing of this kind; None: it does."""
        if not any(answer.item is item and answer.given for answer in self.request.answers):
            return "not_consented"
        if self.withdrawn_at is not None:
            return "consent_withdrawn"
        return "consent_expired" if now >= self.until else None


@dataclass(slots=True, repr=False)
class _Reception:
    """`person`: None in a look-up by number. `touched`: when it was last changed; its results are kept from then."""

    digest: bytes
    touched: datetime
    person: Person | None
    institution: str
    identifier: str
    asks: tuple[Item, ...] = ()
    method: Method | None = None
    eligibility: EligibilityReply | None = None
    looked_up: LookupReply | None = None
    consent: _Consent | None = None
    registered_at: datetime | None = None
    result: bytes = b""


@dataclass(frozen=True, slots=True, repr=False)
class Release:
    """What the 資格確認端末 shows the doctor of one kind: rows of medication or of check-ups."""

    person: Person
    medications: tuple[Medication, ...] = ()
    checkups: tuple[Checkup, ...] = ()

    @property
    def rows(self) -> list[Medication | Checkup]:
        return [*self.medications, *self.checkups]


@dataclass(slots=True, repr=False)
class Desk:
    """The gateway's work. Methods raise `Refused`; `terminal` is who the TLS connection says it is."""

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

    # --- by card -----------------------------------------------------------------------------------------------

    def challenge(self, terminal: str) -> ChallengeReply:
        while len(self._challenges) >= _MAX_CHALLENGES:
            del self._challenges[next(iter(self._challenges))]
        self._forget()
        name, nonce = secrets.token_urlsafe(24), secrets.token_bytes(NONCE_BYTES)
        issued_at = int(self.now().timestamp())
        self._challenges[name] = _Challenge(terminal, nonce, issued_at)
        return ChallengeReply(id=name, nonce=nonce, issued_at=issued_at, seconds=self.challenge_seconds)

    def receive(self, terminal: str, request: ReceptionRequest) -> EligibilityReply:
        if request.terminal != terminal:
            raise Refused(403, "terminal_differs")
        digest = _digest(request)
        key = (terminal, request.reception)
        if (known := self._repeated(key, digest)) is not None:
            if known.eligibility is None:
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
        if person.insurance.error:
            raise Refused(502, person.insurance.error)
        return self._admit(key, digest, person, request, holder.state)

    def _admit(
        self,
        key: tuple[str, str],
        digest: bytes,
        person: Person,
        request: ReceptionRequest,
        certificate: CertificateState,
    ) -> EligibilityReply:
        eligibility = self._eligibility(request.reception, person, certificate)
        self._receptions[key] = _Reception(
            digest,
            self.now(),
            person,
            self.world.institution_of(key[0]),
            request.file_identifier,
            tuple(request.asks),
            request.method,
            eligibility,
        )
        return eligibility

    def _eligibility(self, reception: str, person: Person, certificate: CertificateState) -> EligibilityReply:
        insurance = person.insurance
        registered = insurance.registered or person.certificate_sha256 in self._registered
        open_to_questions = registered and insurance.validity in VALID and certificate is not CertificateState.GRACE
        has = {
            Item.SURGERY: insurance.surgeries,
            Item.DIAGNOSIS: True,
            Item.MEDICATION: True,  # also an empty history is an answer
            Item.CHECKUP: bool(insurance.checkups),
            Item.DISEASE: bool(insurance.diseases),
            Item.SUBSIDY: insurance.subsidy is Subsidy.AVAILABLE,
            Item.DISPENSE: bool(insurance.prescriptions),
        }
        return EligibilityReply(
            reception=reception,
            registered=registered,
            validity=insurance.validity,
            questions=[item for item in ORDER if has.get(item)] if open_to_questions else [],
            certificate=certificate,
            subsidy=insurance.subsidy if open_to_questions else Subsidy.NONE,
            prescriptions=insurance.prescriptions if open_to_questions else [],
        )

    def register(self, terminal: str, reception: str) -> EligibilityReply:
        known, person, eligibility = self._by_card(terminal, reception)
        if known.method is Method.STAFF and not eligibility.registered:
            raise Refused(409, "registration_needs_face_or_pin")
        if known.registered_at is None and not eligibility.registered:
            known.registered_at = known.touched = self._second()
            self._registered.add(person.certificate_sha256)
            known.eligibility = self._eligibility(reception, person, eligibility.certificate)
        return known.eligibility or eligibility

    def registration(self, terminal: str, reception: str) -> RegistrationRecord:
        known = self._known(terminal, reception)
        if known.registered_at is None or known.method is None:
            raise Refused(404, "no_registration")
        return RegistrationRecord(reception=reception, method=known.method, registered_at=known.registered_at)

    def consent(self, terminal: str, reception: str, request: ConsentRequest) -> bytes:
        """The full result, JSON."""
        known, person, eligibility = self._by_card(terminal, reception)
        if known.consent is not None:
            if known.consent.request != request:
                raise Refused(409, "consents_exist")
            return known.result
        if not eligibility.registered:
            raise Refused(409, "not_registered")
        if eligibility.validity in NOBODY:
            raise Refused(409, "nobody_named")
        _plausible(request, eligibility)
        known.consent = _Consent(request, self._second())
        known.touched = known.consent.given_at
        known.result = self._full(reception, known, person, eligibility).to_json()
        return known.result

    def consents(self, terminal: str, reception: str) -> ConsentRecord:
        """For audit. Kept when the result is not any more: it holds nothing medical."""
        consent = self._known(terminal, reception).consent
        if consent is None:
            raise Refused(404, "no_consents")
        request = consent.request
        return ConsentRecord(
            reception=reception,
            text_version=request.text_version,
            language=request.language,
            comprehensive=request.comprehensive,
            answers=request.answers,
            dispense=request.dispense,
            given_at=consent.given_at,
            available_until=consent.until,
            withdrawn_at=consent.withdrawn_at,
        )

    def receptions(self) -> list[str]:
        """Ids, by card and by number, in the order in which they came; of whichever terminal."""
        return [reception for _, reception in self._receptions]

    def records(self) -> list[ConsentRecord]:
        """Of all receptions, in the order in which they came."""
        return [self.consents(*key) for key, each in self._receptions.items() if each.consent is not None]

    def withdraw(self, terminal: str, reception: str) -> WithdrawalReply:
        """What was handed over stays where it is; nothing more is released."""
        consent = self._known(terminal, reception).consent
        if consent is None or not any(answer.given for answer in consent.request.answers):
            return WithdrawalReply(reception=reception, withdrawn=False)
        if consent.withdrawn_at is None and self.now() < consent.until:
            consent.withdrawn_at = self._second()
        return WithdrawalReply(reception=reception, withdrawn=consent.withdrawn_at is not None)

    def walk_in(self, person: str | int, answers: Answers, asks: tuple[Item, ...] = ()) -> FullResult:
        """A patient (name, or place in the world) passes a kiosk that is not there, confirmed by eye. For a simulated
        terminal that stands alone; certificate and evidence are not looked at. KeyError: nobody of this name."""
        if isinstance(person, int):
            found = self.world.people[person]
        else:
            named = {each.name: each for each in self.world.people}
            found = named[person]
        reception = secrets.token_hex(16)
        request = ReceptionRequest(
            reception=reception,
            challenge="-" * 16,
            terminal="walk-in",
            method=Method.STAFF,
            certificate=b"",
            evidence=[],
            file_identifier=file_identifier(reception),
            asks=list(asks),
        )
        self._admit(("walk-in", reception), b"", found, request, CertificateState.VALID)
        consents = ConsentRequest(
            text_version="walk-in",
            language="ja",
            comprehensive=answers.comprehensive,
            answers=[Answer(item=item, given=given) for item, given in answers.given],
            dispense=list(answers.dispense),
        )
        return FullResult.parse(self.consent("walk-in", reception, consents))

    # --- by number ---------------------------------------------------------------------------------------------

    def look_up(self, terminal: str, request: LookupRequest) -> LookupReply:
        if request.terminal != terminal:
            raise Refused(403, "terminal_differs")
        digest = _digest(request)
        key = (terminal, request.reception)
        before = self._receptions.get(key)
        if before is not None and before.looked_up is not None and before.looked_up.result is None:
            del self._receptions[key]  # it named nobody: staff type again
        if (known := self._repeated(key, digest)) is not None:
            if known.looked_up is None:
                raise Refused(409, "reception_exists")
            return known.looked_up
        query = Query(request.insurer, request.symbol, request.number, request.branch, request.birth)
        institution = self.world.institution_of(terminal)
        record = self.by_number(query, request.limit, request.file_identifier, institution)
        if record.body.status != "1" or record.body.validity is None:
            raise Refused(502, record.body.code or "processing_failed")
        full = FullResult(request.reception, record).to_json() if record.body.results else b""
        reply = LookupReply(
            reception=request.reception,
            validity=Validity(record.body.validity),
            result=json.loads(full) if full else None,
        )
        self._receptions[key] = _Reception(
            digest, self.now(), None, institution, request.file_identifier, looked_up=reply, result=full
        )
        return reply

    def by_number(
        self, query: Query, limit: bool | None, identifier: str, institution: str = ""
    ) -> QualificationResult:
        """The answer to a look-up, also when it names nobody (validity 4, 5) or the processing fails (status 2).
        `identifier`: ArbitraryFileIdentifier."""
        now = self._second()
        found = list(self._insured(query))
        validity, code, message = Validity.NONE, "", ""
        results: tuple[Confirmation, ...] = ()
        if len(found) > 1 or any(insurance.several for _, insurance in found):
            validity = Validity.SEVERAL
        elif found:
            ((person, insurance),) = found
            validity = _validity_by_number(person, insurance)
            code, message = insurance.code, insurance.message
            if insurance.error:
                return self._failed(institution, identifier, now, insurance)
            if validity not in NOBODY:
                results = (_number_confirmation(person, insurance, limit, now),)
        return QualificationResult(
            header=self._header(institution, identifier, now, "2"),
            body=Body(
                status="1",
                code=code or None,
                message=message or None,
                validity=validity,
                search=SearchInfo(
                    insurer_number=query.insurer,
                    symbol=query.symbol or None,
                    number=query.number,
                    branch=query.branch or None,
                    birth=query.birth,
                    limit_consent=None if limit is None else "1" if limit else "0",
                ),
                results=results,
            ),
        )

    def _insured(self, query: Query) -> Iterator[tuple[Person, Insurance]]:
        for person in self.world.people:
            if person.birth == query.birth:
                for insurance in (person.insurance, *person.former):
                    if _same_number(insurance, query.insurer, query.symbol, query.number, query.branch):
                        yield person, insurance
                        break

    def _failed(self, institution: str, identifier: str, now: datetime, insurance: Insurance) -> QualificationResult:
        return QualificationResult(
            header=self._header(institution, identifier, now, "2"),
            body=Body(status="2", code=insurance.error, message=insurance.message or None),
        )

    # --- afterwards --------------------------------------------------------------------------------------------

    def result(self, terminal: str, reception: str) -> bytes | None:
        """Full result, None while the consents are missing."""
        known = self._kept(terminal, reception)
        if known.looked_up is not None and not known.result:
            raise Refused(404, "no_result")
        return known.result or None

    def released(self, terminal: str, reception: str, item: Item) -> list[dict[str, object]]:
        """医療情報閲覧: rows of one kind, under a consent of this reception and only while it lasts."""
        known = self._known(terminal, reception)
        if known.consent is None:
            raise Refused(403, "not_consented")
        if (refusal := known.consent.refusal(item, self.now())) is not None:
            raise Refused(403, refusal)
        assert known.person is not None  # forgotten long after the consent has ended
        return [row.model_dump() for row in _release(known.person, item).rows]

    def release(
        self, item: Item, insurer: str, symbol: str, number: str, branch: str, institution: str = ""
    ) -> Release:
        """What `YZKsiquc01req` and `TKKsiquc01req` ask for, by insured number: under the newest consent that this
        person gave at this institution, while it lasts and was not withdrawn."""
        place = institution or self.world.institution
        known = [
            (each.consent, each.person)
            for each in self._receptions.values()
            if each.consent is not None
            and each.person is not None
            and each.institution == place
            and _same_number(each.person.insurance, insurer, symbol, number, branch)
        ]
        if not known:
            raise Refused(403, "not_consented")
        # Given in the same second: the later reception counts.
        consent, person = max(reversed(known), key=lambda each: each[0].given_at)
        if (refusal := consent.refusal(item, self.now())) is not None:
            raise Refused(403, refusal)
        return _release(person, item)

    # --- what is known -----------------------------------------------------------------------------------------

    def _repeated(self, key: tuple[str, str], digest: bytes) -> _Reception | None:
        """The reception of the same request; another request under its id is refused."""
        known = self._receptions.get(key)
        if known is not None and not hmac.compare_digest(known.digest, digest):
            raise Refused(409, "reception_exists")
        return known and self._kept(*key)

    def _known(self, terminal: str, reception: str) -> _Reception:
        known = self._receptions.get((terminal, reception))
        if known is None:
            raise Refused(404, "reception_unknown")
        return known

    def _kept(self, terminal: str, reception: str) -> _Reception:
        known = self._known(terminal, reception)
        if self.now() >= known.touched + RESULTS_KEPT:
            self._forget()
            raise Refused(410, RESULT_EXPIRED)
        return known

    def _by_card(self, terminal: str, reception: str) -> tuple[_Reception, Person, EligibilityReply]:
        known = self._kept(terminal, reception)
        if known.person is None or known.eligibility is None:
            raise Refused(409, "not_by_card")
        return known, known.person, known.eligibility

    def _forget(self) -> None:
        """Records of consents and registrations stay; what they were about goes."""
        now = self.now()
        for each in self._receptions.values():
            if now >= each.touched + RESULTS_KEPT:
                each.result, each.person, each.eligibility, each.looked_up = b"", None, None, None

    def _second(self) -> datetime:
        return self.now().astimezone(JST).replace(microsecond=0)

    # --- the record --------------------------------------------------------------------------------------------

    def _header(self, institution: str, identifier: str, now: datetime, reference: str) -> Header:
        return Header(
            executed=f"{now:%Y%m%d%H%M%S}",
            confirmed_on=f"{now:%Y%m%d}",
            institution=institution or self.world.institution,
            file_identifier=identifier,
            reference=reference,
            segment="1",
        )

    def _full(self, reception: str, known: _Reception, person: Person, eligibility: EligibilityReply) -> FullResult:
        assert known.consent is not None
        consent, insurance = known.consent, person.insurance
        given = {answer.item: answer.given for answer in consent.request.answers}
        asked = eligibility.validity in VALID and eligibility.certificate is not CertificateState.GRACE
        body = Body(
            prescription={True: "1", False: "2", None: None}[given.get(Item.PRESCRIPTION)],
            status="1",
            code=insurance.code or None,
            message=insurance.message or None,
            validity=eligibility.validity,
            results=(_card_confirmation(person, given, consent, limit_by_law=asked),),
        )
        record = QualificationResult(
            header=self._header(known.institution, known.identifier, consent.given_at, "1"), body=body
        )
        subsidy = _subsidy(insurance, given) if asked and Item.SUBSIDY in known.asks else None
        provided = insurance.subsidies if subsidy is SubsidyOutcome.PROVIDED else []
        certificates = tuple(SubsidyCertificate(**each.model_dump()) for each in provided)
        return FullResult(reception, record, subsidy, certificates, tuple(consent.request.dispense))


# --- parts of the record -------------------------------------------------------------------------------------------


def _plausible(request: ConsentRequest, eligibility: EligibilityReply) -> None:
    """Raises `Refused`: every answer has its question, each once; what is chosen was offered."""
    items = [answer.item for answer in request.answers]
    open_to_questions = eligibility.validity in VALID and eligibility.certificate is not CertificateState.GRACE
    asked = {*eligibility.questions, *(_UNOFFERED if open_to_questions else ())}
    if len(set(items)) != len(items) or not set(items) <= asked:
        raise Refused(409, "answer_without_question")
    offered = {each.token for each in eligibility.prescriptions}
    chosen = request.dispense
    if len(set(chosen)) != len(chosen) or not set(chosen) <= offered:
        raise Refused(409, "prescription_unknown")
    if bool(chosen) != (Answer(item=Item.DISPENSE, given=True) in request.answers):
        raise Refused(409, "dispense_unclear")


def _person(person: Person, insurance: Insurance) -> Confirmation:
    elderly, day = insurance.elderly, insurance.disqualified_from
    return Confirmation(
        classification=insurance.classification,
        insurer_number=insurance.insurer_number or None,
        symbol=insurance.symbol or None,
        number=insurance.number or None,
        branch=insurance.branch or None,
        relation=insurance.relation or None,
        insured_name=insurance.insured_name or person.name,
        name=person.name,
        name_other=person.name_other or None,
        kana=person.kana,
        kana_other=person.kana_other or None,
        sex1=person.sex,
        sex2=person.sex2 or None,
        birth=person.birth,
        address=person.address or None,
        post_number=person.post_number or None,
        qualified_from=insurance.qualified_from,
        disqualified_from=day,
        valid_until=insurance.valid_until,
        ratio=insurance.ratio or None,
        preschool="1" if insurance.preschool else None,
        loss=insurance.loss or None,
        insurer_name=insurance.insurer_name,
        elderly=None
        if elderly is None
        else ElderlyRecipient(valid_from=elderly.valid_from, valid_until=elderly.valid_until, ratio=elderly.ratio),
        tickets=tuple(_ticket(each) for each in insurance.tickets),
    )


def _card_confirmation(
    person: Person, given: dict[Item, bool], consent: _Consent, *, limit_by_law: bool
) -> Confirmation:
    """By card. 限度額 is provided by law unless the patient was asked and declined; 特定疾病 only with its own yes."""
    insurance = person.insurance
    moment, until = f"{consent.given_at:%Y%m%d%H%M%S}", f"{consent.until:%Y%m%d%H%M%S}"

    def flag(item: Item) -> str:
        return "1" if given.get(item) else "0"

    def when(item: Item, value: str) -> str | None:
        return value if given.get(item) else None

    limited = given.get(Item.LIMIT, limit_by_law)
    return replace(
        _person(person, insurance),
        limit_consent=flag(Item.LIMIT) if Item.LIMIT in given else None,
        limit_time=when(Item.LIMIT, moment),
        limit=_limit(insurance) if limited else None,
        disease_consent=flag(Item.DISEASE),
        disease_time=when(Item.DISEASE, moment),
        diseases=tuple(_disease(each) for each in insurance.diseases) if given.get(Item.DISEASE) else (),
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
    )


def _number_confirmation(person: Person, insurance: Insurance, limit: bool | None, now: datetime) -> Confirmation:
    """By number: 限度額 only with a yes, nothing that needs the card."""
    return replace(
        _person(person, insurance),
        limit_consent=None if limit is None else "1" if limit else "0",
        limit_time=f"{now:%Y%m%d%H%M%S}" if limit else None,
        limit=_limit(insurance) if limit else None,
    )


def _limit(insurance: Insurance) -> Limit | None:
    return None if insurance.limit is None else Limit(**insurance.limit.model_dump())


def _disease(record: DiseaseRecord) -> SpecificDisease:
    return SpecificDisease(**{**record.model_dump(), "self_pay": record.self_pay or None})


def _ticket(record: TicketRecord) -> MedicalTicket:
    ours = {"ticket": record.ticket_type, "issue_number": record.number, "treatment": record.treatment_type}
    values = {**record.model_dump(), **ours}
    named: dict[str, Any] = {each.name: values[each.name] or None for each in fields(MedicalTicket)}
    return MedicalTicket(**named)


def _subsidy(insurance: Insurance, given: dict[Item, bool]) -> SubsidyOutcome:
    if insurance.subsidy is not Subsidy.AVAILABLE:
        return SubsidyOutcome(insurance.subsidy.value)
    return SubsidyOutcome.PROVIDED if given.get(Item.SUBSIDY) else SubsidyOutcome.DECLINED


def _validity_by_number(person: Person, insurance: Insurance) -> Validity:
    """An older number: 3 when something newer is valid, else 2."""
    if insurance is person.insurance:
        return insurance.validity
    return Validity.INVALID_NEW_EXISTS if person.insurance.validity in VALID else Validity.INVALID


def _release(person: Person, item: Item) -> Release:
    match item:
        case Item.MEDICATION:
            return Release(person, medications=tuple(person.insurance.medications))
        case Item.CHECKUP:
            return Release(person, checkups=tuple(person.insurance.checkups))
        case _:
            raise Refused(404, "kind_not_released")  # no such request is known (docs/sources.md)


def _same_number(insurance: Insurance, insurer: str, symbol: str, number: str, branch: str) -> bool:
    """Whoever copies a number from paper does not see full and half width; the branch may be missing."""
    pairs = ((insurance.insurer_number, insurer), (insurance.symbol, symbol), (insurance.number, number))
    return all(_plain(known) == _plain(typed) for known, typed in pairs) and (
        not branch or not insurance.branch or insurance.branch == branch
    )


def _plain(value: str) -> str:
    return "".join(unicodedata.normalize("NFKC", value).split())


def _digest(request: Message) -> bytes:
    """Of what makes two requests the same. What staff state may be stated again under another challenge, by a kiosk
    that was restarted; a signature belongs to its challenge."""
    without = set[str]()
    if isinstance(request, ReceptionRequest) and all(isinstance(each, StaffEvidence) for each in request.evidence):
        without = {"challenge"}
    return hashlib.sha256(request.model_dump_json(exclude=without).encode()).digest()
