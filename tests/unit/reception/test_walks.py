"""Random receptions: sensible and senseless events in any order keep the rules, and every one of them comes to its end.

With `CI` in the environment Hypothesis takes its own profile "ci": the same walks every time.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.reception import commands as c
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.consent import ORDER, Item
from kiosk.reception.failure import FailureCode
from kiosk.reception.machine import step
from kiosk.reception.policy import Policy
from kiosk.reception.questions import Kind
from kiosk.reception.view import view
from tests.helpers.journey import Asked, Journey
from tests.helpers.samples import WAYS, sample

pytestmark = pytest.mark.untraced
NOBODY = s.ReceptionId("nobody")
FAILURES = tuple(FailureCode)
ELIGIBILITIES = (
    s.Eligibility(True, s.Validity.VALID, ORDER),
    s.Eligibility(True, s.Validity.VALID_UNREGISTERED, ORDER, s.CertificateState.ENDS_SOON),
    s.Eligibility(True, s.Validity.VALID, ORDER, s.CertificateState.GRACE),
    s.Eligibility(True, s.Validity.VALID, (Item.DISPENSE,), prescriptions=(s.Prescription("a", "20261120"),)),
    s.Eligibility(True, s.Validity.INVALID, ORDER),
    s.Eligibility(True, s.Validity.VALID, ()),
    s.Eligibility(True, s.Validity.SEVERAL, ORDER),
    s.Eligibility(False, s.Validity.VALID),
)


def answers(walk: Journey, asked: Asked) -> Iterator[e.Event]:
    """Everything that could be answered to a command, the usual answers first and more than once."""
    to = (asked.reception, asked.job)
    new = walk.number()
    match asked:
        case c.ReadCertificate():
            for prints, pin, number in (
                (walk.fingerprint, 3, 10),
                (walk.fingerprint, 3, 10),
                (walk.fingerprint, 1, 4),
                (walk.fingerprint, 0, 3),
                (walk.fingerprint, None, None),
                ("another", 3, 10),
            ):
                walk.connection = new
                yield e.CertificateCame(*to, s.CertificateRef(f"certificate-{new}"), new, prints, pin, number)
        case c.StartScan():
            yield from (e.ScanHinted(*to, hint) for hint in ("no_card", "face_down", "other_card", "unclear", "still"))
            yield e.NumberScanned(*to, s.NumberRef(f"scanned-{new}"))
            yield e.NumberScanned(*to, s.NumberRef(f"scanned-{new}"))
            yield e.JobFailed(*to, FailureCode.SCAN_UNREADABLE)
            yield e.JobFailed(*to, FailureCode.SCANNER_LOST)
        case c.ReadPhoto():
            refs = (s.PhotoRef(f"photo-{new}"), s.EvidenceRef(f"presence-{new}"))
            yield e.PhotoCame(*to, *refs, walk.connection)
            yield e.PhotoCame(*to, *refs, walk.connection)
            yield e.PhotoCame(*to, *refs, new)
            yield e.PhotoProgressed(*to, 5, 9)
            yield from (e.NumberRefused(*to, tries) for tries in (9, 4, 3))
        case c.SignWithPin():
            yield e.SignatureCame(*to, s.EvidenceRef(f"signature-{new}"), walk.connection)
            yield e.SignatureCame(*to, s.EvidenceRef(f"signature-{new}"), walk.connection)
            yield e.SignatureCame(*to, s.EvidenceRef(f"signature-{new}"), new)
            yield from (e.PinRefused(*to, tries) for tries in (2, 1, 0))
        case c.StartFace():
            yield e.FaceMatched(*to)
            yield e.FaceMatched(*to)
            yield e.FaceMissed(*to, unclear=False)
            yield e.FaceMissed(*to, unclear=True)
            yield e.PresenceFailed(*to)
            yield e.FaceHinted(*to, "closer")
            yield e.FaceHinted(*to, "turn_left")
        case c.CheckStaff():
            yield e.StaffAccepted(*to)
            yield e.StaffDenied(*to, 30)
        case c.ConfirmEligibility() | c.Register():
            yield from (e.EligibilityCame(*to, eligibility) for eligibility in ELIGIBILITIES)
        case c.SendConsents():
            yield e.ResultCame(*to, s.ResultRef(f"result-{new}"))
        case c.LookUp():
            for validity in s.Validity:
                yield e.LookedUp(*to, validity, s.ResultRef(f"result-{new}"))
            yield e.LookedUp(*to, s.Validity.NONE, None)
        case c.Postpone():
            yield e.Postponed(*to)
        case c.WriteHandoff():
            yield e.HandedOff(*to, 12)
            yield e.HandedOff(*to, 12, substituted=2)
            yield e.HandedOff(*to, 13, delayed=True)
    yield e.JobFailed(*to, FAILURES[new % len(FAILURES)])
    yield e.JobFailed(*to, FailureCode.GATEWAY_DOWN, "E-1")


def intents(walk: Journey) -> list[e.Event]:
    """Everything that a person could do, on whatever page."""
    new = walk.number()
    return [
        e.NoCardChosen(walk.fresh()),
        *(e.MethodChosen(method) for method in s.Method),
        e.LastTryAccepted(),
        e.PinEntered(s.PinRef(f"pin-{new}")),
        e.NumberEntered(s.NumberRef(f"number-{new}")),
        e.TypeNumber(),
        e.TryAgain(),
        e.OtherMethod(),
        e.StaffEntered(s.PinRef(f"credential-{new}"), s.StaffReason.OTHER),
        e.RegistrationAnswered(True),
        e.RegistrationAnswered(False),
        *(e.AllAnswered(answer) for answer in e.All),
        *(e.ItemAnswered(item, yes) for item in Item for yes in (True, False)),
        *(e.ChangeAnswer(item) for item in Item),
        e.ItemAnswered(Item.DISPENSE, True, ("a",)),
        e.AnswersConfirmed(),
        e.LookupWanted(walk.fresh()),
        e.LookupPin(s.PinRef(f"credential-{new}")),
        *(e.PaperChosen(paper) for paper in s.Paper),
        e.CardSeen(True),
        e.CardSeen(False),
        e.QueryEntered(s.QueryRef(f"query-{new}")),
        e.PostponeWanted(),
        e.LeafletOpened(),
        e.LeafletTurned(1),
        e.LeafletTurned(-1),
        e.Back(),
        e.Cancelled(),
        e.HelpWanted(),
        e.LanguageChosen("en"),
        e.LanguageChosen("xx"),
        e.MoreTime(),
        e.StaffGesture(),
        e.MaintenancePin(s.PinRef(f"maintenance-{new}")),
        *(e.TestWanted(device) for device in e.Test),
        e.ServiceSet(True),
        e.ServiceSet(False),
        e.StaffLeft(),
    ]


def devices(walk: Journey) -> list[e.Event]:
    stray = walk.number()
    return [
        e.CardPut(stray, walk.fresh()),
        e.CardTaken(stray),
        e.ReaderUp(),
        e.ReaderDown(FailureCode.READER_MISSING),
        e.CameraChanged(True),
        e.CameraChanged(False),
        e.FaceChanged(True),
        e.FaceChanged(False),
        e.ScannerChanged(FailureCode.SCANNER_LOST),
        e.ScannerChanged(None),
        e.Blocked(FailureCode.HANDOFF_FOREIGN),
        e.Blocked(None),
        e.DeadlinePassed(),
    ]


def forward(walk: Journey) -> list[e.Event]:
    """What brings a reception on: a button, what a panel sends, an answer that is waited for, a card."""
    state = walk.state
    found: list[e.Event] = [action.event for action in view(walk.kiosk, walk.policy).actions if action.enabled]
    opening = e.NoCardChosen | e.LookupWanted
    found = [type(event)(walk.fresh()) if isinstance(event, opening) else event for event in found]
    found += [each for each in intents(walk) if isinstance(each, PANELS.get(type(state), ()))]
    job = getattr(state, "job", None)
    visit = s.visit_of(state)
    scan = visit.printed.job if visit is not None and isinstance(visit.printed, s.Scan) else None
    found += [event for asked in walk.asked if asked.job in (job, scan) for event in answers(walk, asked)]
    if isinstance(state, s.StaffDoor) and state.job is not None:
        found += [e.DoorAnswered(state.job, True), e.DoorAnswered(state.job, False, 30)]
    if isinstance(state, s.StaffRoom) and state.running is not None:
        found.append(e.TestDone(state.running, e.Test.READER, "ok"))
    if walk.card is None:
        found += [e.CardPut(walk.number(), walk.fresh())] * 3
    elif isinstance(state, s.TakeCard | s.Idle):
        found.append(e.CardTaken(walk.card))
    return found or [e.DeadlinePassed()]


def sensible(walk: Journey) -> list[e.Event]:
    """What could happen now, the ways back and out among it."""
    page = view(walk.kiosk, walk.policy)
    found: list[e.Event] = [*forward(walk), e.DeadlinePassed()]
    if page.back is not None:
        found.append(page.back.event)
    if page.can_cancel:
        found.append(e.Cancelled())
    if walk.card is not None:
        found.append(e.CardTaken(walk.card))
    return found


PANELS: dict[type, tuple[type, ...]] = {
    s.Idle: (e.StaffGesture,),
    s.OutOfService: (e.StaffGesture,),
    s.EnteringPin: (e.PinEntered,),
    s.EnteringNumber: (e.NumberEntered,),
    s.StaffConfirming: (e.StaffEntered,),
    s.StaffDoor: (e.MaintenancePin,),
    s.LookupDoor: (e.LookupPin,),
    s.LookupTyping: (e.QueryEntered,),
}


def senseless(walk: Journey) -> list[e.Event]:
    """What should not happen now: any intent, any device, answers that come again, too late, or for nobody."""
    late = [event for asked in walk.asked for event in answers(walk, asked)]
    foreign: list[e.Event] = [
        e.FaceMatched(NOBODY, walk.kiosk.jobs),
        e.ResultCame(NOBODY, walk.kiosk.jobs, s.ResultRef("result")),
        e.DoorAnswered(walk.kiosk.jobs, True),
        e.TestDone(walk.kiosk.jobs, e.Test.CAMERA, "ok"),
    ]
    found: list[e.Event] = [*intents(walk), *devices(walk), *late, *foreign]
    return found


def happen(walk: Journey, sense: int, which: int) -> e.Event:
    """One step of a walk. `sense`: 0 to 9, from on the way to without any."""
    events = forward(walk) if sense < 7 else sensible(walk) if sense < 9 else senseless(walk)
    event = events[which % len(events)]
    match event:
        case e.CardPut():
            # The same card comes back as often as another one.
            walk.card, walk.fingerprint = event.presence, ("card", "other")[which % 2]
        case e.CardTaken() if event.presence == walk.card:
            walk.card = None
        case e.ReaderDown():
            walk.card = None
        case _:
            pass
    walk.event(event)
    return event


STEPS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2**12)), max_size=60)
POLICIES = st.sampled_from(
    [
        Policy(),
        Policy(questions=(), number_questions=()),
        Policy(questions=ORDER, face_attempts=1, postpone=True),
        Policy(questions=ORDER, kind=Kind.PHARMACY),
        Policy(languages=("ja",), lookup=False, leaflet=()),
        Policy(scanner=True),
        Policy(scanner=True, questions=ORDER, face_attempts=2, postpone=True),
    ]
)


@settings(max_examples=150, deadline=None, print_blob=True)
@given(st.sampled_from(sorted(WAYS)), POLICIES, STEPS)
def test_every_walk_keeps_the_rules_and_comes_to_its_end(
    start: str, policy: Policy, steps: list[tuple[int, int]]
) -> None:
    walk = sample(start) if policy == Policy() else Journey(policy).reader_up()
    for sense, which in steps:
        happen(walk, sense, which)
    walk.everybody_leaves()


@settings(max_examples=50, deadline=None, print_blob=True)
@given(STEPS)
def test_an_event_that_is_told_twice_at_once_keeps_the_rules(steps: list[tuple[int, int]]) -> None:
    walk = Journey(Policy(scanner=True)).reader_up()
    for sense, which in steps:
        event = happen(walk, sense, which)
        if not isinstance(event, e.NoCardChosen):  # every one has an id of its own
            walk.event(event)
    walk.everybody_leaves()


@pytest.mark.parametrize("name", WAYS)
def test_every_event_in_every_state_keeps_the_rules_and_the_end_is_reached(name: str) -> None:
    start = sample(name)
    for number in range(len(sensible(start)) + len(senseless(start))):
        walk = start.fork()
        events = sensible(walk) + senseless(walk)
        walk.event(events[number]).everybody_leaves()


@settings(max_examples=100, deadline=None, print_blob=True)
@given(STEPS)
def test_steps_are_pure(steps: list[tuple[int, int]]) -> None:
    """The same kiosk and the same event give the same, as often as one asks."""
    walk = Journey(Policy(scanner=True)).reader_up()
    for sense, which in steps:
        before = walk.kiosk
        event = happen(walk, sense, which)
        again = step(before, event, walk.policy)
        assert (again.kiosk, again.commands) == (walk.kiosk, walk.seen)
