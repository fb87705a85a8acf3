"""Which challenge serves what, against a gateway that keeps count."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from devices.secret import SecretBytes
from kiosk.eligibility.conversation import Conversation
from kiosk.eligibility.port import Challenge, Evidence, GatewayError, StaffVisual
from kiosk.reception.consent import Answers
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import (
    Certificate,
    CertificateRef,
    Eligibility,
    EvidenceRef,
    Method,
    PinIdentity,
    ReceptionId,
    StaffIdentity,
    StaffReason,
    Validity,
)
from kiosk.runtime.ports import JobError, Purpose

R = ReceptionId("r1")
CERTIFICATE = Certificate(CertificateRef("c"), 1, "f", 3, 10)
PIN = PinIdentity(CERTIFICATE, EvidenceRef("e"), 1)
STAFF = StaffIdentity(CERTIFICATE, StaffReason.OTHER)
YES = Eligibility(registered=True, validity=Validity.VALID)


LOST = (
    FailureCode.GATEWAY_DOWN,
    FailureCode.GATEWAY_ERROR,
    FailureCode.GATEWAY_NONSENSE,
    FailureCode.GATEWAY_UNTRUSTED,
)


class Counting:
    """`answers`: what `receive` does next, one after the other; then it says yes."""

    def __init__(self) -> None:
        self.time = 0.0
        self.given = 0
        self.seen: list[tuple[str, Method, tuple[Evidence, ...]]] = []
        self.answers: Iterator[FailureCode] = iter(())
        self.kept: bytes | None = None

    def challenge(self) -> Challenge:
        self.given += 1
        return Challenge(f"c{self.given}", bytes(32), 0, self.time + 120)

    def message(self, challenge: Challenge) -> bytes:
        return challenge.id.encode()

    def receive(
        self,
        reception: str,
        challenge: Challenge,
        method: Method,
        certificate: SecretBytes,
        evidence: tuple[Evidence, ...],
    ) -> Eligibility:
        self.seen.append((challenge.id, method, evidence))
        if (failure := next(self.answers, None)) is not None:
            raise GatewayError(failure, "upstream_word")
        return YES

    def register(self, reception: str) -> Eligibility:
        return YES

    def consent(self, reception: str, answers: Answers, language: str, text_version: str) -> SecretBytes:
        return SecretBytes(f"{reception} {language} {text_version}".encode())

    def look_up(self, reception: str, query: SecretBytes, limit: bool | None) -> tuple[Validity, SecretBytes | None]:
        return Validity.NONE, None

    def withdraw(self, reception: str) -> bool:
        return reception == R

    def fetch(self, reception: str) -> SecretBytes | None:
        return None if self.kept is None else SecretBytes(self.kept)

    def check(self) -> None:
        raise GatewayError(FailureCode.GATEWAY_DOWN, "<connection>")

    def close(self) -> None:
        pass


@pytest.fixture
def gateway() -> Counting:
    return Counting()


@pytest.fixture
def conversation(gateway: Counting) -> Conversation:
    return Conversation(gateway, lambda language: f"2026-04.{language}", clock=lambda: gateway.time)


def pin(conversation: Conversation) -> Eligibility:
    with SecretBytes(b"certificate") as certificate, SecretBytes(b"signature") as signature:
        return conversation.confirm(R, PIN, certificate, signature)


def test_the_challenge_fetched_ahead_is_the_one_signed(gateway: Counting, conversation: Conversation) -> None:
    conversation.prepare(R)
    conversation.prepare(R)
    assert conversation.message(R, Purpose.PIN) == b"c1"
    assert conversation.message(R, Purpose.PIN) == b"c1"
    assert conversation.message(R, Purpose.PRESENCE) == b"c2"
    assert pin(conversation) == YES
    assert [seen[:2] for seen in gateway.seen] == [("c1", Method.PIN)]


def test_an_old_challenge_is_not_signed(gateway: Counting, conversation: Conversation) -> None:
    conversation.prepare(R)
    gateway.time = 100
    assert conversation.message(R, Purpose.PIN) == b"c2"
    gateway.time = 200
    assert conversation.message(R, Purpose.PIN) == b"c3"


def test_after_a_refusal_the_evidence_is_worthless(gateway: Counting, conversation: Conversation) -> None:
    gateway.answers = iter([FailureCode.SIGNATURE_REFUSED])
    conversation.message(R, Purpose.PIN)
    with pytest.raises(JobError) as caught:
        pin(conversation)
    assert (caught.value.failure, caught.value.upstream) == (FailureCode.SIGNATURE_REFUSED, "upstream_word")
    with pytest.raises(JobError) as caught:
        pin(conversation)
    assert caught.value.failure is FailureCode.EVIDENCE_INSUFFICIENT
    assert len(gateway.seen) == 1
    assert conversation.message(R, Purpose.PIN) == b"c2"


@pytest.mark.parametrize("failure", LOST)
def test_after_a_lost_answer_the_same_is_asked_again(
    gateway: Counting, conversation: Conversation, failure: FailureCode
) -> None:
    gateway.answers = iter([failure])
    conversation.message(R, Purpose.PIN)
    with pytest.raises(JobError):
        pin(conversation)
    assert pin(conversation) == YES
    assert [seen[0] for seen in gateway.seen] == ["c1", "c1"]


def test_staff_need_no_message(gateway: Counting, conversation: Conversation) -> None:
    gateway.answers = iter([FailureCode.GATEWAY_DOWN])
    conversation.prepare(R)
    with SecretBytes(b"certificate") as certificate:
        with pytest.raises(JobError):
            conversation.confirm(R, STAFF, certificate, None)
        assert conversation.confirm(R, STAFF, certificate, None) == YES
    assert gateway.seen == [("c1", Method.STAFF, (StaffVisual(StaffReason.OTHER),))] * 2


def test_forgotten_receptions_start_anew(gateway: Counting, conversation: Conversation) -> None:
    conversation.prepare(R)
    conversation.forget(R)
    assert conversation.message(R, Purpose.PIN) == b"c2"
    conversation.forget(ReceptionId("never seen"))


def test_what_staff_saw_is_said_later_with_a_fresh_challenge(gateway: Counting, conversation: Conversation) -> None:
    gateway.answers = iter([FailureCode.GATEWAY_DOWN])
    conversation.prepare(R)
    with SecretBytes(b"certificate") as certificate:
        with pytest.raises(JobError):
            conversation.confirm_late(R, certificate, StaffReason.UNWELL)
        assert conversation.confirm_late(R, certificate, StaffReason.UNWELL) == YES
    assert gateway.seen == [
        ("c2", Method.STAFF, (StaffVisual(StaffReason.UNWELL),)),
        ("c3", Method.STAFF, (StaffVisual(StaffReason.UNWELL),)),
    ]


class Folder:
    """Answers look-ups in the gateway's place."""

    def __init__(self, result: bytes | None) -> None:
        self.result = result
        self.broken = False

    def look_up(self, reception: str, query: SecretBytes, limit: bool | None) -> tuple[Validity, SecretBytes | None]:
        return Validity.VALID, self.fetch(reception)

    def fetch(self, reception: str) -> SecretBytes | None:
        if self.broken:
            raise GatewayError(FailureCode.FOLDER_DOWN, "<share>")
        return None if self.result is None else SecretBytes(self.result)


def test_a_look_up_goes_where_it_was_told_to(gateway: Counting) -> None:
    with SecretBytes(b"{}") as query:
        assert Conversation(gateway, str).look_up(R, query, None) == (Validity.NONE, None)
        validity, result = Conversation(gateway, str, Folder(b"from the folder")).look_up(R, query, None)
    assert validity is Validity.VALID
    with result or pytest.fail("no result"):
        assert result is not None
        assert bytes(result.view()) == b"from the folder"


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("folder", [None, b"from the folder"])
@pytest.mark.parametrize("kept", [None, b"from the gateway"])
def test_a_lost_result_is_fetched_from_whoever_has_it(
    gateway: Counting, kept: bytes | None, folder: bytes | None, broken: bool
) -> None:
    gateway.kept = kept
    lookup = Folder(folder)
    lookup.broken = broken
    conversation = Conversation(gateway, str, lookup)
    expected = kept if broken or folder is None else folder
    if broken and kept is None:
        with pytest.raises(JobError) as caught:
            conversation.fetch(R)
        assert (caught.value.failure, caught.value.upstream) == (FailureCode.FOLDER_DOWN, "<share>")
        return
    found = conversation.fetch(R)
    assert (None if found is None else bytes(found.view())) == expected


def test_without_a_folder_the_gateway_is_asked(gateway: Counting, conversation: Conversation) -> None:
    assert conversation.fetch(R) is None
    gateway.kept = b"from the gateway"
    with conversation.fetch(R) or pytest.fail("no result") as found:
        assert bytes(found.view()) == b"from the gateway"


def test_withdrawal_passes_through(conversation: Conversation) -> None:
    assert conversation.withdraw(R)
    assert not conversation.withdraw(ReceptionId("another"))


def test_the_rest_passes_through(conversation: Conversation) -> None:
    assert conversation.register(R) == YES
    with conversation.consent(R, Answers.none(), "ja") as result:
        assert bytes(result.view()) == b"r1 ja 2026-04.ja"
    with pytest.raises(JobError):
        conversation.check()
