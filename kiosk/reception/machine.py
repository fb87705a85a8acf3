"""The reception's one rule book: `step(kiosk, event, policy) -> (kiosk, commands)`.

Pure and total: every event is defined in every state, if only as "changes nothing". Three families of events have an
edge from every state (removal, device loss, deadline), the fourth, the staff call, keeps the state and raises a flag.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from kiosk.reception import commands as c
from kiosk.reception import events as e
from kiosk.reception import lookup, scanning
from kiosk.reception import states as s
from kiosk.reception.consent import MEDICAL, Answers, Draft
from kiosk.reception.failure import TABLE, FailureCode, Helper, may_succeed_later
from kiosk.reception.policy import Policy
from kiosk.reception.questions import Known
from kiosk.reception.states import Method


@dataclass(frozen=True, slots=True)
class Transition:
    kiosk: s.Kiosk
    commands: tuple[c.Command, ...]


def step(kiosk: s.Kiosk, event: e.Event, policy: Policy) -> Transition:
    """What happens next. Never raises, whatever the event."""
    return _Step(kiosk, policy).handle(event)


def deadline(state: s.State, policy: Policy) -> float | None:
    """Seconds that the state may last; None means as long as it likes."""
    match state:
        case s.Idle() | s.OutOfService():
            return None
        case s.NoCard():
            return policy.no_card_seconds
        case (
            s.EnteringNumber()
            | s.EnteringPin()
            | s.StaffConfirming()
            | s.LookupDoor()
            | s.LookupPaper()
            | s.LookupRefused()
            | s.LookupCardSeen()
            | s.LookupTyping()
        ):
            return policy.typing_seconds
        case s.Looking():
            return policy.face_seconds
        case (
            s.AwaitingRead()
            | s.VerifyingPin()
            | s.ReadingPhoto()
            | s.CheckingStaff()
            | s.Confirming()
            | s.Registering()
            | s.Sending()
            | s.HandingOff()
            | s.Rechecking()
            | s.LookingUp()
            | s.LookupHandingOff()
            | s.Postponing()
        ):
            return policy.work_seconds
        case s.PutBack():
            return policy.put_back_seconds
        case s.TakeCard():
            return policy.card_alarm_seconds
        case s.Farewell():
            return policy.farewell_seconds
        case s.StaffDoor() | s.StaffRoom():
            return policy.maintenance_seconds
        case _:
            return policy.page_seconds


def extendable(state: s.State) -> bool:
    """Pages on which a person thinks or types: warned before the end, extended by one touch."""
    return isinstance(
        state,
        s.Choosing
        | s.LastTry
        | s.EnteringPin
        | s.EnteringNumber
        | s.FaceRetry
        | s.StaffConfirming
        | s.OfferingRegistration
        | s.AskingAll
        | s.AskingItem
        | s.CheckingAnswers
        | s.Problem
        | s.NoCard
        | s.LookupPaper
        | s.LookupRefused
        | s.LookupCardSeen
        | s.LookupTyping
        | s.LookupAsking
        | s.LookupProblem,
    )


def methods(visit: s.Visit, health: s.Health, policy: Policy) -> tuple[Method, ...]:
    """Ways of identity confirmation that are left, in the order of the page."""
    certificate = visit.certificate
    face = (
        Method.FACE not in visit.refused
        and health.camera
        and health.face
        and visit.face_attempts < policy.face_attempts
        and (certificate is None or visit.photo is not None or certificate.face_usable)
    )
    pin = Method.PIN not in visit.refused and (certificate is None or certificate.pin_usable)
    staff = Method.STAFF not in visit.refused
    return tuple(method for method, usable in ((Method.FACE, face), (Method.PIN, pin), (Method.STAFF, staff)) if usable)


def late(state: s.Problem, language: str) -> s.Late | None:
    """What of a problem can be finished without the patient."""
    match state.retry:
        case s.RetryConfirm(identified) if isinstance(identified.identity, s.StaffIdentity):
            return s.LateStaff(identified.identity)
        case s.RetrySend(_, answers):
            return s.LateConsents(answers, language)
        case _:
            return None


# Endings after which the last sentence stays for a moment when the card is gone.
_SAID_AGAIN = (s.Ending.DONE, s.Ending.DELAYED, s.Ending.NOT_VALID, s.Ending.LATER)


class _Step:
    """One transition in the making."""

    def __init__(self, kiosk: s.Kiosk, policy: Policy) -> None:
        self.kiosk = kiosk
        self.policy = policy
        self.health = kiosk.health
        self.waiting = kiosk.waiting
        self.jobs = kiosk.jobs
        self.language = kiosk.language
        self.help_called = kiosk.help_called
        self.commands: list[c.Command] = []

    def handle(self, event: e.Event) -> Transition:
        state = self.kiosk.state
        match event:
            case e.HelpWanted():
                self._help(state)
                after = state
            case e.LanguageChosen():
                if event.language in self.policy.languages:
                    self.language = event.language
                after = state
            case e.MoreTime():
                after = state
            case e.DeadlinePassed():
                after = self._deadline(state)
            case (
                e.CardPut()
                | e.CardTaken()
                | e.ReaderUp()
                | e.ReaderDown()
                | e.CameraChanged()
                | e.FaceChanged()
                | e.ScannerChanged()
                | e.Blocked()
            ):
                after = self._device(state, event)
            case e.DoorAnswered() | e.TestDone():
                after = self._maintenance_result(state, event)
            case (
                e.CertificateCame()
                | e.ScanHinted()
                | e.NumberScanned()
                | e.PhotoProgressed()
                | e.PhotoCame()
                | e.SignatureCame()
                | e.PinRefused()
                | e.NumberRefused()
                | e.FaceHinted()
                | e.FaceMatched()
                | e.FaceMissed()
                | e.PresenceFailed()
                | e.StaffAccepted()
                | e.StaffDenied()
                | e.EligibilityCame()
                | e.ResultCame()
                | e.LookedUp()
                | e.Postponed()
                | e.HandedOff()
                | e.JobFailed()
            ):
                after = self._result(state, event)
            case _:
                after = self._intent(state, event)
        kiosk = s.Kiosk(after, self.health, self.language, self.help_called, self.jobs, self.waiting)
        return Transition(kiosk, tuple(self.commands))

    # --- building blocks -------------------------------------------------------------------------------------------

    def do(self, *commands: c.Command) -> None:
        self.commands.extend(commands)

    def job(self) -> int:
        self.jobs += 1
        return self.jobs

    def idle(self, reception: s.ReceptionId | None) -> s.State:
        """The only way back to the beginning; whatever belonged to `reception` is wiped on it."""
        if reception is not None:
            self.do(c.Wipe(reception), c.Record("reception_ended", reception))
        self.language = self.policy.languages[0]
        self.help_called = False
        if not self.health.open:
            return s.OutOfService(FailureCode.CLOSED_BY_STAFF)
        if self.health.blocked is not None:
            return s.OutOfService(self.health.blocked)
        if self.health.reader_failure is not None:
            return s.OutOfService(self.health.reader_failure)
        if self.waiting is not None:
            card, self.waiting = self.waiting, None
            return self.begin(card.presence, card.fresh)
        return s.Idle()

    def begin(self, presence: int, reception: s.ReceptionId) -> s.State:
        """A new reception: the card is read while the patient chooses, the gateway prepared meanwhile.

        The language stays: it is the default, or what the patient chose before putting the card down.
        """
        self.help_called = False
        visit = s.Visit(reception, presence)
        job = self.job()
        self.do(
            c.Record("reception_started", reception),
            c.Play(c.Sound.CARD_SEEN),
            c.PrepareGateway(reception),
            c.ReadCertificate(reception, job, presence),
        )
        return self.choose(visit, job)

    def choose(self, visit: s.Visit, job: int | None) -> s.Choosing:
        """The page of methods; the printed card is looked at meanwhile."""
        return s.Choosing(scanning.start(self, visit), job)

    def end(self, visit: s.Visit, ending: s.Ending) -> s.State:
        """The reception stops here; the card is still on the reader."""
        self.do(c.Wipe(visit.reception))
        return s.TakeCard(visit.reception, visit.presence, s.Outcome(ending))

    def problem(
        self, visit: s.Visit, failure: FailureCode, upstream: str = "", retry: s.Retry | None = None
    ) -> s.Problem:
        visit = scanning.stop(self, visit)
        self.do(c.Record("problem", visit.reception, failure.value), c.Play(c.Sound.PROBLEM))
        if not may_succeed_later(failure):
            retry = None
        if TABLE[failure].helper is not Helper.PATIENT or not TABLE[failure].recoverable:
            self.do(c.CallCounter("problem"))
        return s.Problem(visit, failure, upstream, retry)

    def start_method(self, visit: s.Visit, method: Method) -> s.State:
        """`visit.certificate` is there."""
        certificate = visit.certificate
        assert certificate is not None
        self.do(c.Record("method_chosen", visit.reception, method.value))
        match method:
            case Method.FACE:
                if visit.photo is not None:
                    return self.look(visit, visit.photo)
                failure = self.blind()
                if failure is not None:
                    return self.problem(visit, failure)
                if not certificate.face_usable:
                    return self.problem(visit, FailureCode.NUMBER_GUARDED)
                return scanning.chosen(self, visit)
            case Method.PIN:
                return self.ask_pin(scanning.stop(self, visit))
            case Method.STAFF:
                return s.StaffConfirming(scanning.stop(self, visit))
            case _:
                assert_never(method)

    def ask_pin(self, visit: s.Visit, wrong: bool = False) -> s.State:
        certificate = visit.certificate
        if certificate is None or not certificate.pin_usable or Method.PIN in visit.refused:
            return self.problem(visit, FailureCode.PIN_BLOCKED)
        if certificate.pin_tries == 1:
            return s.LastTry(visit)
        return s.EnteringPin(visit, wrong)

    def blind(self) -> FailureCode | None:
        """Why no face can be looked at."""
        if not self.health.camera:
            return self.health.camera_failure
        return None if self.health.face else FailureCode.FACE_WORKER_LOST

    def look(self, visit: s.Visit, photo: s.CardPhoto) -> s.State:
        failure = self.blind()
        if failure is not None:
            return self.problem(visit, failure)
        job = self.job()
        self.do(c.StartFace(visit.reception, job, photo.ref))
        return s.Looking(visit, photo, job)

    def confirm(self, visit: s.Visit, identity: s.Identity) -> s.State:
        self.do(c.Record("identity_confirmed", visit.reception, s.method_of(identity).value))
        return self.ask_gateway(s.Identified(visit, identity))

    def ask_gateway(self, identified: s.Identified) -> s.State:
        job = self.job()
        self.do(c.ConfirmEligibility(identified.visit.reception, job, identified.identity))
        return s.Confirming(identified, job)

    def register(self, identified: s.Identified) -> s.State:
        job = self.job()
        self.do(c.Register(identified.visit.reception, job))
        return s.Registering(identified, job)

    def ask(self, identified: s.Identified, eligibility: s.Eligibility) -> s.AskingAll | s.AskingItem:
        """The first question. Who is not insured is asked nothing: see `unless_nothing_to_ask`."""
        valid = eligibility.validity in s.VALID
        detail = "" if valid else s.NOT_VALID[eligibility.validity].value
        self.do(c.Record("eligibility_confirmed", identified.visit.reception, detail))
        grace = eligibility.certificate is s.CertificateState.GRACE
        questions = self.policy.asked(eligibility.questions, Known.CARD, grace=grace) if valid else ()
        eligible = s.Eligible(identified, eligibility, questions)
        draft = Draft(questions)
        if questions and not draft.medical:
            return s.AskingItem(eligible, draft, questions[0])
        return s.AskingAll(eligible)

    def unless_nothing_to_ask(self, state: s.CardState) -> s.State:
        """Without questions the reception goes straight on."""
        if isinstance(state, s.AskingAll) and not state.eligible.questions:
            return self.send(state.eligible, Answers.none())
        return state

    def send(self, eligible: s.Eligible, answers: Answers) -> s.Sending:
        job = self.job()
        self.do(c.SendConsents(eligible.identified.visit.reception, job, answers, self.language))
        return s.Sending(eligible, answers, job)

    def finish(self, state: s.Sending | s.HandingOff, ending: s.Ending, number: int | None) -> s.State:
        visit = state.eligible.identified.visit
        eligibility = state.eligible.eligibility
        outcome = self.concluded(visit.reception, eligibility.validity, s.notices(eligibility), ending, number)
        if state.card_gone:
            return s.Farewell(visit.reception, outcome)
        return s.TakeCard(visit.reception, visit.presence, outcome)

    def concluded(
        self,
        reception: s.ReceptionId,
        validity: s.Validity,
        notices: tuple[s.Notice, ...],
        ending: s.Ending,
        number: int | None,
    ) -> s.Outcome:
        """The file is there or follows. A qualification that is not valid is in the file, too: staff look at it."""
        failure = s.NOT_VALID.get(validity)
        self.do(
            c.Record("handed_off" if ending is s.Ending.DONE else "handoff_delayed", reception),
            c.Play(c.Sound.DONE if failure is None else c.Sound.PROBLEM),
            c.Wipe(reception),
        )
        if ending is s.Ending.DELAYED:
            self.do(c.CallCounter("handoff_delayed"))
        if failure is not None:
            self.do(c.CallCounter("not_valid"))
            ending = s.Ending.NOT_VALID
        return s.Outcome(ending, number, notices, failure)

    def notice_substituted(self, event: e.HandedOff) -> None:
        """● in the file: the receipt computer's character set lacks part of the name."""
        if event.substituted:
            self.do(c.CallCounter("substituted"))

    def _help(self, state: s.State) -> None:
        # Nobody's visit ends while the kiosk is idle or closed: there the flag would silence whoever comes next.
        if not self.help_called or isinstance(state, s.Idle | s.OutOfService):
            self.do(c.CallCounter("help"), c.Record("help_called", s.reception_of(state)))
            self.help_called = True

    # --- devices ---------------------------------------------------------------------------------------------------

    def _device(self, state: s.State, event: e.Device) -> s.State:
        match event:
            case e.CardPut():
                return self._card_put(state, event)
            case e.CardTaken():
                if self.waiting is not None and self.waiting.presence == event.presence:
                    self.waiting = None
                return self._card_taken(state, event.presence)
            case e.ReaderUp():
                self.health = replace(self.health, reader_failure=None)
                return self.idle(None) if isinstance(state, s.OutOfService) else state
            case e.ReaderDown():
                self.health = replace(self.health, reader_failure=event.failure)
                self.waiting = None
                return self._reader_lost(state)
            case e.CameraChanged() | e.FaceChanged():
                if isinstance(event, e.CameraChanged):
                    self.health = replace(self.health, camera=event.works, camera_failure=event.failure)
                    failure = event.failure
                else:
                    self.health = replace(self.health, face=event.works)
                    failure = FailureCode.FACE_WORKER_LOST
                if isinstance(state, s.Looking) and not event.works:
                    self.do(c.StopFace(state.visit.reception))
                    return self.problem(_away(state), failure)
                return state
            case e.ScannerChanged():
                # Faces go on with typing; the counter is told once.
                if event.failure is not None and self.health.scanner is None:
                    self.do(c.CallCounter("scanner_lost"))
                self.health = replace(self.health, scanner=event.failure)
                return state
            case e.Blocked():
                self.health = replace(self.health, blocked=event.failure)
                return self.idle(None) if isinstance(state, s.Idle | s.Leaflet | s.OutOfService) else state
            case _:
                assert_never(event)

    def _card_put(self, state: s.State, event: e.CardPut) -> s.State:
        if event.presence == _presence(state):
            return state  # told twice
        if isinstance(state, s.LookupState):
            # Staff at work are not interrupted; the card is received afterwards.
            self.waiting = s.Waiting(event.presence, event.fresh)
            return state
        match state:
            case s.Idle() | s.Leaflet():
                return self.begin(event.presence, event.fresh)
            case s.NoCard() | s.TakeCard() | s.Farewell():
                self.waiting = s.Waiting(event.presence, event.fresh)
                return self.idle(state.reception)
            case s.OutOfService() | s.StaffDoor() | s.StaffRoom() | s.Postponing():
                self.waiting = s.Waiting(event.presence, event.fresh)
                return state
            case s.Sending() | s.HandingOff():
                self.waiting = s.Waiting(event.presence, event.fresh)
                return replace(state, card_gone=True)
            case s.PutBack() | s.Rechecking():
                return self._recheck(state.visit, state.fingerprint, state.behind, event)
            case _:
                # A card where one already lies: the removal was too quick to be seen.
                visit = s.visit_of(state)
                assert visit is not None
                if visit.certificate is None or _over(state):
                    self.waiting = s.Waiting(event.presence, event.fresh)
                    return self.idle(visit.reception)
                behind = self._suspend(state)
                return self._recheck(_visit(behind), visit.certificate.fingerprint, behind, event)

    def _recheck(self, visit: s.Visit, fingerprint: str, behind: s.CardState, event: e.CardPut) -> s.State:
        job = self.job()
        self.do(c.ReadCertificate(visit.reception, job, event.presence))
        moved = replace(visit, presence=event.presence)
        return s.Rechecking(moved, fingerprint, behind, job, event.fresh)

    def _card_taken(self, state: s.State, presence: int) -> s.State:
        if isinstance(state, s.LookupState):
            return state
        match state:
            case s.Idle() | s.Leaflet() | s.OutOfService() | s.StaffDoor() | s.StaffRoom() | s.Farewell() | s.PutBack():
                return state
            case s.NoCard() | s.Postponing():
                return replace(state, presence=None) if state.presence == presence else state
            case s.TakeCard():
                if state.presence != presence:
                    return state
                if state.outcome.ending in _SAID_AGAIN:
                    return s.Farewell(state.reception, state.outcome)
                return self.idle(state.reception)
            case s.Sending() | s.HandingOff():
                gone = state.eligible.identified.visit.presence == presence
                return replace(state, card_gone=True) if gone else state
            case s.Rechecking():
                if state.visit.presence != presence:
                    return state
                return s.PutBack(state.visit, state.fingerprint, state.behind)
            case _:
                visit = s.visit_of(state)
                assert visit is not None
                return self._interrupted(state, visit) if visit.presence == presence else state

    def _interrupted(self, state: s.CardState, visit: s.Visit) -> s.State:
        """The card left too early: wait for the same one, or end where there is nothing to lose."""
        if visit.certificate is None or _over(state):
            return self.idle(visit.reception)
        self.do(c.Play(c.Sound.PROBLEM))
        behind = self._suspend(state)
        return s.PutBack(_visit(behind), visit.certificate.fingerprint, behind)

    def _reader_lost(self, state: s.State) -> s.State:
        if isinstance(state, s.LookupState):
            return state  # it needs no reader
        match state:
            case s.Idle() | s.Leaflet() | s.OutOfService():
                return self.idle(None)
            case s.StaffDoor() | s.StaffRoom() | s.Farewell() | s.PutBack():
                return state
            case s.NoCard() | s.Postponing():
                return replace(state, presence=None)
            case s.TakeCard():
                return s.Farewell(state.reception, state.outcome)
            case s.Sending() | s.HandingOff():
                return replace(state, card_gone=True)
            case s.Rechecking():
                return s.PutBack(state.visit, state.fingerprint, state.behind)
            case _:
                # A reader that was reset by static electricity is back in seconds, and the same card goes on.
                visit = s.visit_of(state)
                assert visit is not None
                return self._interrupted(state, visit)

    def _suspend(self, state: s.CardState) -> s.CardState:
        """The state to come back to: nothing is repeated that needs the patient's consent (VERIFY)."""
        match state:
            case s.Choosing():
                return s.Choosing(scanning.pause(self, state.visit), None)
            case s.Scanning():
                return s.Scanning(scanning.pause(self, state.visit))
            case s.VerifyingPin():
                return s.EnteringPin(state.visit)
            case s.ReadingPhoto(scanned=True):
                # Nobody typed it, so nobody types it again: choosing the face once more is enough.
                return s.Choosing(state.visit, None)
            case s.ReadingPhoto():
                return s.EnteringNumber(state.visit, s.NumberProblem.INTERRUPTED)
            case s.Looking():
                self.do(c.StopFace(state.visit.reception))
                return replace(state, visit=_away(state))
            case _:
                return state

    def _resume(self, state: s.CardState, certificate: s.Certificate, presence: int) -> s.State:
        """The same card is back; `certificate` was read over the new connection."""
        self.do(c.Record("card_put_back", s.reception_of(state)))
        state = _with_card(state, certificate, presence)
        match state:
            case s.Choosing():
                return self.choose(state.visit, None)
            case s.Looking() if state.challenged:
                return self.choose(state.visit, None)
            case s.Looking():
                return self.look(state.visit, state.photo)
            case s.EnteringPin() | s.LastTry():
                return self.ask_pin(state.visit)
            case s.EnteringNumber() | s.Scanning() if not certificate.face_usable:
                return self.problem(state.visit, FailureCode.NUMBER_GUARDED)
            case s.Scanning():
                return scanning.chosen(self, state.visit)
            case s.AskingAll():
                return self.unless_nothing_to_ask(state)
            case _:
                return state

    # --- time ------------------------------------------------------------------------------------------------------

    def _deadline(self, state: s.State) -> s.State:
        if isinstance(state, s.LookupState):
            return lookup.deadline(self, state)
        match state:
            case s.Idle() | s.OutOfService():
                return state
            case s.Leaflet():
                return self.idle(None)
            case s.NoCard():
                return self._leave_no_card(state)
            case s.Postponing():
                return self._postponed(state, s.Ending.FAILED)
            case s.Farewell():
                return self.idle(state.reception)
            case s.PutBack():
                return self.idle(state.visit.reception)
            case s.Rechecking():
                return self.end(state.visit, s.Ending.FAILED)
            case s.TakeCard():
                self.do(c.Play(c.Sound.CARD_FORGOTTEN))
                if not state.alarm:
                    self.do(c.CallCounter("card_forgotten"))
                return replace(state, alarm=True)
            case s.StaffDoor() | s.StaffRoom():
                return self.idle(None)
            case s.Looking():
                self.do(c.StopFace(state.visit.reception))
                return self._presence_failed(state) if state.challenged else self._face_missed(state, unclear=True)
            case s.Sending() | s.HandingOff():
                # The journal knows the reception and finishes it with the gateway.
                return self.finish(state, s.Ending.DELAYED, None)
            case s.Confirming():
                retry: s.Retry = s.RetryConfirm(state.identified)
                return self.problem(state.identified.visit, FailureCode.STEP_TIMEOUT, retry=retry)
            case s.Registering():
                retry = s.RetryRegister(state.identified)
                return self.problem(state.identified.visit, FailureCode.STEP_TIMEOUT, retry=retry)
            case s.Scanning():
                return scanning.give_up(self, state.visit)
            case s.VerifyingPin() | s.ReadingPhoto():
                return self.problem(_unread(state.visit), FailureCode.STEP_TIMEOUT)
            case s.AwaitingRead() | s.CheckingStaff():
                return self.problem(state.visit, FailureCode.STEP_TIMEOUT)
            case _:
                visit = s.visit_of(state)
                assert visit is not None
                return self.end(visit, s.Ending.TIMED_OUT)

    def _leave_no_card(self, state: s.NoCard) -> s.State:
        if state.presence is None:
            return self.idle(state.reception)
        return s.TakeCard(state.reception, state.presence, s.Outcome(s.Ending.NO_CARD))

    # --- people ----------------------------------------------------------------------------------------------------

    def _intent(self, state: s.State, event: e.Intent) -> s.State:
        if isinstance(state, s.LookupState):
            return lookup.intent(self, state, event)
        if isinstance(event, e.Cancelled):
            return self._cancel(state)
        match state, event:
            case s.Idle(), e.NoCardChosen():
                self.help_called = False
                self.do(c.CallCounter("no_card"), c.Record("reception_started", event.fresh, "no_card"))
                return s.NoCard(event.fresh)
            case ((s.Idle() | s.OutOfService()), e.StaffGesture()):
                return s.StaffDoor()
            case s.NoCard(), e.Back():
                return self._leave_no_card(state)
            case s.NoCard(presence=None), e.LookupWanted() if self.policy.lookup:
                # An id of its own: the one before may be wiped already (registration declined).
                self.do(
                    c.Wipe(state.reception),
                    c.Record("reception_ended", state.reception),
                    c.Record("reception_started", event.fresh, "lookup"),
                )
                return s.LookupDoor(event.fresh)
            case s.Idle(), e.LeafletOpened() if self.policy.leaflet:
                return s.Leaflet()
            case s.Leaflet(), e.LeafletTurned():
                return s.Leaflet((state.index + event.by) % len(self.policy.leaflet))
            case s.Leaflet(), e.Back():
                return self.idle(None)
            case s.Choosing(), e.MethodChosen():
                if event.method not in methods(state.visit, self.health, self.policy):
                    return state
                if state.visit.certificate is None:
                    assert state.job is not None
                    face = event.method is Method.FACE
                    visit = state.visit if face else scanning.stop(self, state.visit)
                    return s.AwaitingRead(visit, state.job, event.method)
                return self.start_method(state.visit, event.method)
            case ((s.FaceRetry() | s.Problem()), e.MethodChosen()):
                visit = state.visit
                if visit.certificate is None or not (isinstance(state, s.FaceRetry) or _goes_on(state)):
                    return state
                if event.method not in methods(visit, self.health, self.policy):
                    return state
                return self.start_method(visit, event.method)
            case s.LastTry(), e.LastTryAccepted():
                return s.EnteringPin(state.visit)
            case s.EnteringPin(), e.PinEntered():
                job = self.job()
                self.do(c.SignWithPin(state.visit.reception, job, state.visit.presence, event.pin))
                return s.VerifyingPin(state.visit, job)
            case s.EnteringNumber(), e.NumberEntered():
                job = self.job()
                self.do(c.ReadPhoto(state.visit.reception, job, state.visit.presence, event.number))
                return s.ReadingPhoto(state.visit, job)
            case s.Scanning(), e.TypeNumber():
                return s.EnteringNumber(scanning.stop(self, state.visit))
            case s.FaceRetry(), e.TryAgain():
                return self.look(state.visit, state.photo)
            case s.StaffConfirming(), e.StaffEntered():
                job = self.job()
                self.do(c.CheckStaff(state.visit.reception, job, event.credential))
                return s.CheckingStaff(state.visit, job, event.reason)
            case s.Problem(), e.TryAgain():
                return self._try_again(state)
            case s.Problem(), e.PostponeWanted() if self.policy.postpone:
                late_work = late(state, self.language)
                if late_work is None:
                    return state
                return self.postpone(state.visit.reception, late_work, state.visit.presence)
            case (
                (
                    s.LastTry()
                    | s.EnteringPin()
                    | s.Scanning()
                    | s.EnteringNumber()
                    | s.StaffConfirming()
                    | s.FaceRetry()
                ),
                (e.OtherMethod() | e.Back()),
            ):
                return self.choose(state.visit, None)
            case s.Looking(), (e.OtherMethod() | e.Back()):
                self.do(c.StopFace(state.visit.reception))
                return self.choose(_away(state), None)
            case s.OfferingRegistration(), e.RegistrationAnswered():
                if event.yes:
                    return self.register(state.identified)
                visit = state.identified.visit
                self.do(
                    c.Record("registration_declined", visit.reception),
                    c.CallCounter("no_card"),
                    c.Wipe(visit.reception),
                )
                return s.NoCard(visit.reception, visit.presence)
            case s.AskingAll(), e.AllAnswered():
                draft = Draft(state.eligible.questions)
                if event.answer is e.All.EACH:
                    return s.AskingItem(state.eligible, draft, draft.questions[0])
                draft = draft.answer_all(event.answer is e.All.YES)
                answers = draft.finish()
                if answers is not None:  # this page was the check: nothing else is asked
                    return self.send(state.eligible, answers)
                return self._after_item(state.eligible, draft)
            case s.AskingItem(), e.ItemAnswered() if event.item is state.item:
                return self._after_item(state.eligible, state.draft.answer(event.item, event.yes, event.dispense))
            case s.AskingItem(), e.Back():
                return self._previous_item(state)
            case s.CheckingAnswers(), e.ChangeAnswer() if event.item in state.draft.questions:
                return s.AskingItem(state.eligible, state.draft, event.item, returning=True)
            case s.CheckingAnswers(), e.AnswersConfirmed():
                return self.send(state.eligible, state.answers)
            case s.CheckingAnswers(), e.Back():
                return s.AskingItem(state.eligible, state.draft, state.draft.questions[-1], returning=True)
            case s.StaffDoor(), e.MaintenancePin() if state.job is None:
                job = self.job()
                self.do(c.CheckMaintenancePin(job, event.credential))
                return s.StaffDoor(job)
            case ((s.StaffDoor() | s.StaffRoom()), (e.Back() | e.StaffLeft())):
                if isinstance(state, s.StaffRoom):
                    self.do(c.Record("maintenance_left"))
                return self.idle(None)
            case s.StaffRoom(), e.TestWanted() if state.running is None:
                job = self.job()
                self.do(c.RunTest(job, event.device), c.Record("test_run", detail=event.device.value))
                return replace(state, running=job)
            case s.StaffRoom(), e.ServiceSet():
                self.health = replace(self.health, open=event.open)
                what = "service_opened" if event.open else "service_closed"
                self.do(c.StoreService(event.open), c.Record(what))
                return state
            case _:
                return state

    def _cancel(self, state: s.State) -> s.State:
        match state:
            case s.NoCard():
                return self._leave_no_card(state)
            case s.PutBack():
                return self.idle(state.visit.reception)
            case s.StaffDoor():
                return self.idle(None)
            case s.Leaflet():
                return self.idle(None)
            case (
                s.Idle()
                | s.OutOfService()
                | s.StaffRoom()
                | s.Postponing()
                | s.TakeCard()
                | s.Farewell()
                | s.Sending()
                | s.HandingOff()
                | s.Rechecking()
            ):
                return state
            case _:
                visit = s.visit_of(state)
                assert visit is not None
                return self.end(visit, s.Ending.FAILED if isinstance(state, s.Problem) else s.Ending.CANCELLED)

    def _try_again(self, state: s.Problem) -> s.State:
        match state.retry:
            case s.RetryConfirm(identified):
                return self.ask_gateway(identified)
            case s.RetryRegister(identified):
                return self.register(identified)
            case s.RetrySend(eligible, answers):
                return self.send(eligible, answers)
            case None if _goes_on(state):
                job = self.job()
                self.do(c.ReadCertificate(state.visit.reception, job, state.visit.presence))
                return self.choose(_unread(state.visit), job)
            case None:
                return state
            case _:
                assert_never(state.retry)

    def _after_item(self, eligible: s.Eligible, draft: Draft) -> s.State:
        following = draft.next_question
        if following is not None:
            return s.AskingItem(eligible, draft, following)
        answers = draft.finish()
        assert answers is not None
        return s.CheckingAnswers(eligible, draft, answers)

    def _previous_item(self, state: s.AskingItem) -> s.State:
        answers = state.draft.finish()
        if state.returning and answers is not None:
            return s.CheckingAnswers(state.eligible, state.draft, answers)
        questions = state.draft.questions
        position = questions.index(state.item)
        if position == 0:
            return s.AskingAll(state.eligible) if state.draft.medical else state
        if state.draft.comprehensive and questions[position - 1] in MEDICAL:
            return s.AskingAll(state.eligible)
        return replace(state, item=questions[position - 1])

    # --- when the line is down -------------------------------------------------------------------------------------

    def postpone(self, reception: s.ReceptionId, late: s.Late, presence: int | None) -> s.Postponing:
        job = self.job()
        self.do(c.Postpone(reception, job, late))
        return s.Postponing(reception, job, presence)

    def _postponed(self, state: s.Postponing, ending: s.Ending) -> s.State:
        what = "postponed" if ending is s.Ending.LATER else "problem"
        detail = "" if ending is s.Ending.LATER else FailureCode.POSTPONE_FAILED.value
        self.do(c.Record(what, state.reception, detail), c.CallCounter(what), c.Wipe(state.reception))
        outcome = s.Outcome(ending, failure=None if ending is s.Ending.LATER else FailureCode.POSTPONE_FAILED)
        if state.presence is None:
            return s.Farewell(state.reception, outcome)
        return s.TakeCard(state.reception, state.presence, outcome)

    # --- results ---------------------------------------------------------------------------------------------------

    def _result(self, state: s.State, event: e.Result) -> s.State:
        """A result counts only for the reception and the job that wait for it."""
        if s.reception_of(state) != event.reception:
            return state
        if isinstance(event, e.ScanHinted | e.NumberScanned) or scanning.waits_for(state, event.job):
            return scanning.result(self, state, event)
        if getattr(state, "job", None) != event.job:
            return self._result_behind(state, event) if isinstance(state, s.PutBack | s.Rechecking) else state
        if isinstance(state, s.LookupState):
            return lookup.result(self, state, event)
        match state, event:
            case ((s.Choosing() | s.AwaitingRead()), e.CertificateCame()):
                visit = replace(state.visit, certificate=_certificate(event))
                if isinstance(state, s.Choosing):
                    return s.Choosing(visit, None)
                return self.start_method(visit, state.method)
            case s.Rechecking(), e.CertificateCame():
                if event.fingerprint == state.fingerprint:
                    return self._resume(state.behind, _certificate(event), state.visit.presence)
                return self._another_card(state)
            case s.Rechecking(), e.JobFailed():
                return self._another_card(state)
            case s.VerifyingPin(), e.SignatureCame():
                certificate = state.visit.certificate
                if certificate is None or certificate.connection != event.connection:
                    return self.problem(state.visit, FailureCode.CARD_CHANGED)
                return self.confirm(state.visit, s.PinIdentity(certificate, event.evidence, event.connection))
            case s.VerifyingPin(), e.PinRefused():
                return self.ask_pin(_tries(state.visit, pin=event.tries_left), wrong=True)
            case s.ReadingPhoto(), e.PhotoProgressed():
                return replace(state, done=event.done, total=event.total)
            case s.ReadingPhoto(), e.PhotoCame():
                certificate = state.visit.certificate
                if certificate is None or certificate.connection != event.connection:
                    return self.problem(state.visit, FailureCode.CARD_CHANGED)
                photo = s.CardPhoto(event.ref, event.evidence, event.connection, certificate)
                return self.look(replace(state.visit, photo=photo), photo)
            case s.ReadingPhoto(), e.NumberRefused():
                visit = _tries(state.visit, number=event.tries_left)
                if visit.certificate is None or not visit.certificate.face_usable:
                    return self.problem(visit, FailureCode.NUMBER_GUARDED)
                if state.scanned:  # never twice: whatever was misread would be misread again
                    visit = replace(visit, printed=s.Unscanned())
                    return s.EnteringNumber(visit, s.NumberProblem.MISREAD)
                return s.EnteringNumber(visit, s.NumberProblem.WRONG)
            case s.Looking(), e.FaceHinted():
                challenged = state.challenged or event.hint in s.CHALLENGE
                if challenged and event.hint != state.hint:
                    self.do(c.Play(c.Sound.PROMPT))
                return replace(state, hint=event.hint, challenged=challenged)
            case s.Looking(), e.FaceMatched():
                return self.confirm(state.visit, s.FaceIdentity(state.photo))
            case s.Looking(), e.FaceMissed():
                return self._face_missed(state, event.unclear)
            case s.Looking(), e.PresenceFailed():
                return self._presence_failed(state)
            case s.CheckingStaff(), e.StaffAccepted():
                assert state.visit.certificate is not None
                return self.confirm(state.visit, s.StaffIdentity(state.visit.certificate, state.reason))
            case s.CheckingStaff(), e.StaffDenied():
                return s.StaffConfirming(state.visit, refused=True, wait_seconds=event.wait_seconds)
            case s.Confirming(), e.EligibilityCame():
                return self.unless_nothing_to_ask(self._eligibility(state.identified, event.eligibility))
            case s.Registering(), e.EligibilityCame():
                return self.unless_nothing_to_ask(self._registered(state.identified, event.eligibility))
            case s.Postponing(), e.Postponed():
                return self._postponed(state, s.Ending.LATER)
            case s.Sending(), e.ResultCame():
                job = self.job()
                self.do(
                    c.Record("consents_sent", event.reception),
                    c.WriteHandoff(event.reception, job, event.result),
                )
                return s.HandingOff(state.eligible, state.answers, event.result, job, state.card_gone)
            case s.HandingOff(), e.HandedOff():
                self.notice_substituted(event)
                return self.finish(state, s.Ending.DELAYED if event.delayed else s.Ending.DONE, event.number)
            case _, e.JobFailed():
                return self._failed(state, event)
            case _:
                return state

    def _result_behind(self, state: s.PutBack | s.Rechecking, event: e.Result) -> s.State:
        """The gateway or the staff answered before the card was seen again: keep the answer for its return."""
        behind = state.behind
        if getattr(behind, "job", None) != event.job:
            return state
        after: s.CardState
        match behind, event:
            case s.Confirming(), e.EligibilityCame():
                after = self._eligibility(behind.identified, event.eligibility)
            case s.Registering(), e.EligibilityCame():
                after = self._registered(behind.identified, event.eligibility)
            case ((s.Confirming() | s.Registering() | s.CheckingStaff()), e.JobFailed()):
                failed = self._failed(behind, event)
                assert isinstance(failed, s.Problem)
                after = failed
            case s.CheckingStaff(), (e.StaffAccepted() | e.StaffDenied()):
                # Confirmed by eye with a card that is not there: ask again when it is back.
                after = s.StaffConfirming(behind.visit)
            case _:
                return state
        return replace(state, behind=after)

    def _another_card(self, state: s.Rechecking) -> s.State:
        """Never continues someone's reception: the first is wiped, the other card begins its own."""
        self.do(c.Record("card_swapped", state.visit.reception))
        self.waiting = s.Waiting(state.visit.presence, state.fresh)
        return self.idle(state.visit.reception)

    def _eligibility(
        self, identified: s.Identified, eligibility: s.Eligibility
    ) -> s.AskingAll | s.AskingItem | s.OfferingRegistration | s.Problem:
        if not eligibility.registered:
            if isinstance(identified.identity, s.StaffIdentity):
                # 利用申込 follows a face check or a PIN only (docs/sources.md, "reception").
                visit = _refuse(identified.visit, Method.STAFF)
                return self.problem(visit, FailureCode.REGISTRATION_NOT_BY_STAFF)
            return s.OfferingRegistration(identified)
        return self._known(identified, eligibility)

    def _registered(
        self, identified: s.Identified, eligibility: s.Eligibility
    ) -> s.AskingAll | s.AskingItem | s.Problem:
        if not eligibility.registered:
            return self.problem(identified.visit, FailureCode.GATEWAY_NONSENSE, retry=s.RetryRegister(identified))
        self.do(c.Record("registered", identified.visit.reception))
        return self._known(identified, eligibility)

    def _known(self, identified: s.Identified, eligibility: s.Eligibility) -> s.AskingAll | s.AskingItem | s.Problem:
        if eligibility.validity in s.NOBODY:
            return self.problem(identified.visit, s.NOBODY[eligibility.validity])
        return self.ask(identified, eligibility)

    def _face_missed(self, state: s.Looking, unclear: bool) -> s.State:
        visit = replace(state.visit, face_attempts=state.visit.face_attempts + 1)
        if visit.face_attempts >= self.policy.face_attempts:
            return self.problem(_refuse(visit, Method.FACE), FailureCode.FACE_NOT_MATCHED)
        return s.FaceRetry(visit, state.photo, unclear)

    def _presence_failed(self, state: s.Looking) -> s.State:
        """Not another try: whoever may try again learns from every try."""
        visit = _refuse(state.visit, Method.FACE)
        self.do(c.Record("presence_failed", visit.reception), c.CallCounter("presence"))
        return self.problem(visit, FailureCode.PRESENCE_NOT_SHOWN)

    def _failed(self, state: s.State, event: e.JobFailed) -> s.State:
        match state:
            case s.Postponing():
                return self._postponed(state, s.Ending.FAILED)
            case s.Sending() | s.HandingOff() if state.card_gone or isinstance(state, s.HandingOff):
                # Confirmed, or nobody left to ask: the journal finishes it.
                return self.finish(state, s.Ending.DELAYED, None)
            case s.Sending():
                visit = state.eligible.identified.visit
                retry: s.Retry = s.RetrySend(state.eligible, state.answers)
                return self.problem(visit, event.failure, event.upstream, retry)
            case s.Confirming():
                visit = state.identified.visit
                if event.failure is FailureCode.EVIDENCE_INSUFFICIENT:
                    visit = _refuse(visit, s.method_of(state.identified.identity))
                    return self.problem(visit, event.failure, event.upstream)
                retry = s.RetryConfirm(state.identified)
                return self.problem(visit, event.failure, event.upstream, retry)
            case s.Registering():
                retry = s.RetryRegister(state.identified)
                visit = state.identified.visit
                return self.problem(visit, event.failure, event.upstream, retry)
            case _:
                visit_or_none = s.visit_of(state)
                assert visit_or_none is not None
                visit = _away(state) if isinstance(state, s.Looking) else visit_or_none
                if event.failure is FailureCode.PIN_BLOCKED:
                    visit = _tries(visit, pin=0)
                elif event.failure in (FailureCode.PHOTO_INVALID, FailureCode.NUMBER_GUARDED):
                    visit = _refuse(visit, Method.FACE)
                elif isinstance(state, s.VerifyingPin | s.ReadingPhoto):
                    visit = _unread(visit)
                return self.problem(visit, event.failure, event.upstream)

    # --- maintenance -----------------------------------------------------------------------------------------------

    def _maintenance_result(self, state: s.State, event: e.DoorAnswered | e.TestDone) -> s.State:
        match state, event:
            case s.StaffDoor(), e.DoorAnswered() if state.job == event.job:
                if event.accepted:
                    self.do(c.Record("maintenance_entered"))
                    return s.StaffRoom()
                self.do(c.Record("maintenance_refused"))
                return s.StaffDoor(None, refused=True, wait_seconds=event.wait_seconds)
            case s.StaffRoom(), e.TestDone() if state.running == event.job:
                known = {**dict(state.findings), event.device.value: event.finding}
                return s.StaffRoom(None, tuple(sorted(known.items())))
            case _:
                return state


def _visit(state: s.CardState) -> s.Visit:
    visit = s.visit_of(state)
    assert visit is not None
    return visit


def _presence(state: s.State) -> int | None:
    """The card that a state belongs to; it may be away."""
    if isinstance(state, s.NoCard | s.TakeCard):
        return state.presence
    visit = s.visit_of(state)
    return visit.presence if visit is not None else None


def _certificate(event: e.CertificateCame) -> s.Certificate:
    return s.Certificate(event.ref, event.connection, event.fingerprint, event.pin_tries, event.number_tries)


def _tries(visit: s.Visit, pin: int | None = None, number: int | None = None) -> s.Visit:
    certificate = visit.certificate
    if certificate is None:
        return visit
    if pin is not None:
        certificate = replace(certificate, pin_tries=pin)
    if number is not None:
        certificate = replace(certificate, number_tries=number)
    return replace(visit, certificate=certificate)


def _unread(visit: s.Visit) -> s.Visit:
    """A VERIFY without an answer: its connection is over and the tries that are left are unknown until read again."""
    return replace(visit, certificate=None, photo=None)


def _refuse(visit: s.Visit, method: Method) -> s.Visit:
    return visit if method in visit.refused else replace(visit, refused=(*visit.refused, method))


def _away(state: s.Looking) -> s.Visit:
    """Looking ends early. A challenge that was drawn is not drawn again: whoever leaves it leaves the face check."""
    return _refuse(state.visit, Method.FACE) if state.challenged else state.visit


def _goes_on(state: s.Problem) -> bool:
    return TABLE[state.failure].recoverable


def _over(state: s.CardState) -> bool:
    """A problem page: whoever takes the card there is done, unless confirmed work waits to be repeated."""
    return isinstance(state, s.Problem) and state.retry is None


def _with_card(state: s.CardState, certificate: s.Certificate, presence: int) -> s.CardState:
    """The same state, with the card as it lies on the reader now. An identity keeps its own connection's evidence."""
    match state:
        case s.Confirming() | s.OfferingRegistration() | s.Registering():
            return replace(state, identified=_identified(state.identified, certificate, presence))
        case s.AskingAll() | s.AskingItem() | s.CheckingAnswers():
            identified = _identified(state.eligible.identified, certificate, presence)
            return replace(state, eligible=replace(state.eligible, identified=identified))
        case s.Problem(retry=(s.RetryConfirm() | s.RetryRegister()) as retry):
            again = replace(retry, identified=_identified(retry.identified, certificate, presence))
            return replace(state, visit=again.identified.visit, retry=again)
        case _:
            return replace(state, visit=replace(state.visit, certificate=certificate, presence=presence))


def _identified(identified: s.Identified, certificate: s.Certificate, presence: int) -> s.Identified:
    return replace(identified, visit=replace(identified.visit, certificate=certificate, presence=presence))
