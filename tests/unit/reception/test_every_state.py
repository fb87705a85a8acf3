"""What holds in every state: no state without a sample, no state without an edge for what can always happen."""

from __future__ import annotations

from typing import get_args

import pytest

from kiosk.reception import commands as c
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.failure import FailureCode
from kiosk.reception.machine import deadline, extendable
from kiosk.reception.policy import Policy
from tests.helpers.journey import Journey
from tests.helpers.rules import QUIET
from tests.helpers.samples import WAYS, sample

ANOTHER = s.ReceptionId("another")
CARD_STATES = get_args(s.CardState)
every_state = pytest.mark.parametrize("name", WAYS)
# What the card may be taken from without being asked for again.
FINISHED = s.Sending | s.HandingOff | s.TakeCard | s.Farewell | s.NoCard | s.Postponing


def results(reception: s.ReceptionId, job: int) -> list[e.Result]:
    to = (reception, job)
    good = s.Eligibility(True, s.Validity.VALID)
    return [
        e.CertificateCame(*to, s.CertificateRef("late"), 1, "card", 3, 10),
        e.ScanHinted(*to, "reading"),
        e.PhotoProgressed(*to, 1, 2),
        e.PhotoCame(*to, s.PhotoRef("late"), s.EvidenceRef("late"), 1),
        e.SignatureCame(*to, s.EvidenceRef("late"), 1),
        e.PinRefused(*to, 1),
        e.NumberRefused(*to, 4),
        e.FaceHinted(*to, "closer"),
        e.FaceMatched(*to),
        e.FaceMissed(*to, unclear=False),
        e.PresenceFailed(*to),
        e.StaffAccepted(*to),
        e.StaffDenied(*to, 0),
        e.EligibilityCame(*to, good),
        e.ResultCame(*to, s.ResultRef("late")),
        e.LookedUp(*to, s.Validity.VALID, s.ResultRef("late")),
        e.Postponed(*to),
        e.HandedOff(*to, 1),
        e.JobFailed(*to, FailureCode.GATEWAY_DOWN),
    ]


def test_every_state_has_a_sample() -> None:
    assert {kind for kind, _ in WAYS.values()} == set(get_args(s.State))


def test_every_result_has_an_example() -> None:
    # A number that comes late is wiped: tests/flows/test_scanning.py.
    assert {type(event) for event in results(ANOTHER, 1)} | {e.NumberScanned} == set(get_args(e.Result))


@every_state
def test_late_and_foreign_results_change_nothing(name: str) -> None:
    at = sample(name)
    before = at.kiosk
    own = s.reception_of(before.state) or ANOTHER
    jobs = [job for job in range(before.jobs + 2) if job not in pending(before.state)]
    late = [event for job in jobs for event in results(own, job)]
    foreign = [event for job in range(before.jobs + 2) for event in results(ANOTHER, job)]
    for event in late + foreign:
        at.event(event).did_nothing()
        assert at.kiosk == before, event


def pending(state: s.State) -> set[int | None]:
    behind = state.behind if isinstance(state, s.PutBack | s.Rechecking) else None
    printed = visit.printed if (visit := s.visit_of(state)) is not None else None
    scan = printed.job if isinstance(printed, s.Scan) else None
    return {getattr(state, "job", None), getattr(behind, "job", None), scan}


@every_state
def test_a_result_of_the_wrong_kind_changes_nothing_that_matters(name: str) -> None:
    """A defect in a driver must not become another patient's answer: the rules hold (`Journey.event` checks them)."""
    at = sample(name)
    reception = s.reception_of(at.state)
    for job in pending(at.state) - {None}:
        for event in results(reception or ANOTHER, job or 0):
            at.fork().event(event).everybody_leaves()


@every_state
def test_help_keeps_the_state_and_calls_once(name: str) -> None:
    at = sample(name)
    before = at.state
    at.help().did(c.CallCounter).recorded("help_called")
    assert at.state == before
    assert at.kiosk.help_called


@every_state
def test_the_language_can_be_changed(name: str) -> None:
    at = sample(name)
    before = at.state
    assert at.language("en").did_nothing().state == before
    assert at.kiosk.language == "en"


@every_state
def test_a_removed_card_has_an_edge(name: str) -> None:
    at = sample(name)
    if at.card is None:
        return
    before = at.state
    visit = s.visit_of(before)
    at.card_taken()
    given_up = isinstance(before, s.Problem) and before.retry is None
    if given_up or (isinstance(before, CARD_STATES) and visit and visit.certificate is None):
        at.at(s.Idle).did(c.Wipe)
    elif isinstance(before, (*CARD_STATES, s.Rechecking)):
        at.at(s.PutBack)
    else:
        assert isinstance(at.state, FINISHED | s.Idle)


@every_state
def test_another_presence_that_ends_changes_nothing(name: str) -> None:
    at = sample(name)
    before = at.kiosk
    assert at.event(e.CardTaken(10_000)).did_nothing().kiosk == before


@every_state
def test_a_lost_reader_has_an_edge(name: str) -> None:
    at = sample(name)
    before = at.state
    at.reader_down(FailureCode.READER_SERVICE_DOWN)
    assert at.kiosk.health.reader_failure is FailureCode.READER_SERVICE_DOWN
    if isinstance(before, (*CARD_STATES, s.Rechecking)):
        assert isinstance(at.state, s.PutBack | s.OutOfService)
    else:
        kept = (s.PutBack, s.OutOfService, s.StaffDoor, s.StaffRoom, *get_args(s.LookupState))
        assert isinstance(at.state, (FINISHED, *kept))
    at.everybody_leaves()
    assert isinstance(at.state, s.OutOfService)


@every_state
@pytest.mark.parametrize("device", [e.CameraChanged, e.FaceChanged])
def test_lost_eyes_end_a_look_and_nothing_else(name: str, device: type[e.CameraChanged | e.FaceChanged]) -> None:
    at = sample(name)
    before = at.state
    at.event(device(False))
    if isinstance(before, s.Looking):
        at.at(s.Problem).did(c.StopFace)
    else:
        assert at.state == before


@every_state
def test_time_ends_every_state_that_is_someones(name: str) -> None:
    at = sample(name)
    seconds = deadline(at.state, at.policy)
    before = at.state
    at.time_over()
    if isinstance(before, s.Idle | s.OutOfService):
        assert seconds is None
        assert at.did_nothing().state == before
    else:
        assert seconds is not None
        assert at.state != before or (isinstance(before, s.TakeCard) and before.alarm)


@every_state
def test_nobody_has_less_than_a_minute_to_think_or_type(name: str) -> None:
    at = sample(name)
    if extendable(at.state):
        seconds = deadline(at.state, Policy())
        assert seconds is not None
        assert seconds >= 60
        assert seconds > Policy().warn_seconds >= 20
    else:
        assert not isinstance(at.state, s.Choosing | s.EnteringPin | s.AskingAll | s.Problem | s.NoCard)


@every_state
def test_everybody_leaves_nothing_behind(name: str) -> None:
    at = sample(name)
    begun = len(at.rules.begun)
    at.everybody_leaves()
    assert isinstance(at.state, QUIET)
    assert len(at.rules.wiped) == len(at.rules.begun) == begun


@every_state
def test_the_next_visitor_begins_as_the_first_one_did(name: str) -> None:
    at = sample(name).language("en").help()
    if isinstance(at.state, QUIET):
        return
    at.everybody_leaves()
    assert (at.kiosk.language, at.kiosk.help_called) == ("ja", False)


def test_evidence_of_two_connections_is_no_identity() -> None:
    certificate = s.Certificate(s.CertificateRef("a"), 1, "card", 3, 10)
    with pytest.raises(ValueError, match="one connection"):
        s.CardPhoto(s.PhotoRef("b"), s.EvidenceRef("c"), 2, certificate)
    with pytest.raises(ValueError, match="one connection"):
        s.PinIdentity(certificate, s.EvidenceRef("c"), 2)


def test_a_kiosk_begins_out_of_service() -> None:
    assert Journey().state == s.OutOfService(FailureCode.READER_MISSING)
