"""What holds after every step of every reception, whatever happened. As far as possible in events and commands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from kiosk.reception import commands as c
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.consent import Item
from kiosk.reception.failure import FailureCode
from kiosk.reception.machine import Transition, deadline, step
from kiosk.reception.policy import Policy
from kiosk.reception.questions import Known
from kiosk.reception.view import Action, view

NAMES_SOMEBODY = (*s.VALID, *s.NOT_VALID)
QUIET = s.Idle | s.Leaflet | s.OutOfService | s.StaffDoor | s.StaffRoom
AFTER_WIPE = s.NoCard | s.TakeCard | s.Farewell


def parts(value: object) -> Iterator[object]:
    """`value` and every dataclass inside it."""
    if isinstance(value, tuple):
        for each in value:
            yield from parts(each)
    elif is_dataclass(value):
        yield value
        for each in fields(value):
            yield from parts(getattr(value, each.name))


class Rules:
    """Watches one kiosk from its start. `after` raises AssertionError with the rule that was broken."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.begun: list[s.ReceptionId] = []
        self.wiped: set[s.ReceptionId] = set()
        self.jobs: dict[int, c.Command] = {}
        self.connections: dict[str, int] = {}  # handle of a certificate, photo or signature -> its connection
        self.pins_entered = 0
        self.numbers_entered = 0
        self.verified_pin = 0
        self.verified_number = 0
        self.pin_unknown = False  # a VERIFY of the PIN has no answer, and the tries were not read again
        self.number_unknown = False
        self.last_try_accepted = False
        self.registered: set[s.ReceptionId] = set()
        self.sent: dict[s.ReceptionId, int] = {}
        self.looking: int | None = None
        self.scanning: int | None = None
        self.scanned: set[str] = set()  # numbers that a scan gave and that nobody used or wiped yet
        self.queries: set[s.QueryRef] = set()
        self.looked_up: dict[s.ReceptionId, s.ResultRef] = {}
        self.limit_answered = False

    # --- one step --------------------------------------------------------------------------------------------------

    def after(self, before: s.Kiosk, event: e.Event, done: Transition) -> None:
        self._notice(before, event)
        for command in done.commands:
            self._command(before, event, done.kiosk, command)
        self._state(done.kiosk)
        self._other_card(before, event)
        self._identities(done)
        self._page(done.kiosk)

    def _notice(self, before: s.Kiosk, event: e.Event) -> None:
        """What the outside world said in this event."""
        match event:
            case e.PinEntered():
                self.pins_entered += 1
            case e.NumberEntered():
                self.numbers_entered += 1
            case e.NumberScanned() if event.reception in self.begun and event.reception not in self.wiped:
                self.scanned.add(event.number)
            case e.LastTryAccepted() if isinstance(before.state, s.LastTry):
                self.last_try_accepted = True
            case e.CertificateCame():
                self.connections.setdefault(event.ref, event.connection)
                if event.job == getattr(before.state, "job", None):
                    self.pin_unknown = self.number_unknown = False
            case e.PhotoCame():
                self.connections.setdefault(event.ref, event.connection)
                self.connections.setdefault(event.evidence, event.connection)
            case e.SignatureCame():
                self.connections.setdefault(event.evidence, event.connection)
            case e.EligibilityCame():
                asked = self.jobs.get(event.job)
                if isinstance(asked, c.ConfirmEligibility | c.Register) and asked.reception == event.reception:
                    good = event.eligibility.registered and event.eligibility.validity in NAMES_SOMEBODY
                    self.registered |= {event.reception} if good else set()
            case e.LookedUp():
                asked = self.jobs.get(event.job)
                if isinstance(asked, c.LookUp) and asked.reception == event.reception and event.result is not None:
                    self.looked_up[event.reception] = event.result
            case e.QueryEntered():
                self.queries.add(event.query)
            case e.ItemAnswered():
                self.limit_answered = event.item is Item.LIMIT
            case _:
                pass
        if isinstance(event, e.PinRefused | e.SignatureCame | e.NumberRefused | e.PhotoCame | e.JobFailed):
            self._verified(before, event)
        over = (e.NumberScanned, e.JobFailed)
        if isinstance(event, over) and event.job == self.scanning and event.reception == self.begun[-1]:
            self.scanning = None
        ended = (e.FaceMatched, e.FaceMissed, e.PresenceFailed, e.JobFailed)
        if isinstance(event, ended) and event.job == self.looking and event.reception == self.begun[-1]:
            self.looking = None

    def _verified(
        self,
        before: s.Kiosk,
        event: e.PinRefused | e.SignatureCame | e.NumberRefused | e.PhotoCame | e.JobFailed,
    ) -> None:
        """The card told what became of its tries."""
        if event.job != getattr(before.state, "job", None):
            return
        told = not isinstance(event, e.JobFailed) or event.failure in (
            # The card was asked and said no by itself; after anything else nobody knows.
            FailureCode.PIN_BLOCKED,
            FailureCode.NUMBER_GUARDED,
            FailureCode.PHOTO_INVALID,
        )
        if told and isinstance(before.state, s.VerifyingPin):
            self.pin_unknown = False
        if told and isinstance(before.state, s.ReadingPhoto):
            self.number_unknown = False

    # --- commands --------------------------------------------------------------------------------------------------

    def _command(self, before: s.Kiosk, event: e.Event, after: s.Kiosk, command: c.Command) -> None:
        reception = getattr(command, "reception", None)
        if isinstance(command, c.Record) and command.what == "reception_started":
            assert reception is not None
            assert reception not in self.begun, "a reception begins once"
            assert set(self.begun) <= self.wiped, "the one before was wiped first"
            self.begun.append(reception)
        if reception is not None:
            assert reception in self.begun, f"{command}: the reception was never begun"
        if reception in self.wiped:
            assert isinstance(command, c.Wipe | c.Record), f"{command}: the reception was wiped"
        job = getattr(command, "job", None)
        if job is not None:
            assert job > max(self.jobs, default=0), "every job has a number of its own"
            self.jobs[job] = command
        match command:
            case c.Wipe():
                self.wiped.add(command.reception)
                self.looking = self.scanning = None
                self.scanned.clear()
            case c.StartScan():
                assert self.policy.scanner, "the scanner is for who has one"
                self.scanning = command.job
            case c.StopScan():
                assert command.scan == self.scanning, "only what runs is stopped"
                self.scanning = None
            case c.ForgetNumber():
                assert command.number in self.scanned
                self.scanned.remove(command.number)
            case c.StartFace():
                assert self.looking is None, "one look at a time"
                self.looking = command.job
            case c.StopFace():
                self.looking = None
            case c.SignWithPin():
                self._sign(before, event, command)
            case c.ReadPhoto():
                self._read_photo(before, event, after, command)
            case c.SendConsents():
                self._send(after, command)
            case c.LookUp():
                assert command.query in self.queries, "a look-up asks for what was typed"
                asked = bool(self.policy.asked((), Known.NUMBER))
                assert (command.limit is not None) == asked, "限度額 is asked before it is looked up"
            case c.Postpone():
                assert self.policy.postpone, "the queue is for who wants it"
                if isinstance(command.late, s.LateConsents):
                    assert command.reception in self.sent, "only what was on its way"
            case c.WriteHandoff():
                self._hand_off(event, command)
            case _:
                pass

    def _sign(self, before: s.Kiosk, event: e.Event, command: c.SignWithPin) -> None:
        assert isinstance(event, e.PinEntered), "a PIN is sent when the patient entered it, and only then"
        assert command.pin == event.pin
        self.verified_pin += 1
        assert self.verified_pin <= self.pins_entered, "one VERIFY for each entered PIN"
        assert not self.pin_unknown, "the tries are read from the card before a PIN is sent"
        self.pin_unknown = True
        visit = s.visit_of(before.state)
        assert visit is not None
        assert visit.certificate is not None
        tries = visit.certificate.pin_tries
        assert tries, "no PIN is sent without a try left"
        assert tries > 1 or self.last_try_accepted, "the last try is asked for first"
        assert command.presence == visit.presence

    def _read_photo(self, before: s.Kiosk, event: e.Event, after: s.Kiosk, command: c.ReadPhoto) -> None:
        if isinstance(event, e.NumberEntered):
            assert command.number == event.number
            self.verified_number += 1
            assert self.verified_number <= self.numbers_entered, "one VERIFY for each entered number"
        else:
            assert command.number in self.scanned, "照合番号B is sent when it was entered or scanned, once"
            self.scanned.remove(command.number)
            chose = isinstance(event, e.MethodChosen) and event.method is s.Method.FACE
            waited = isinstance(before.state, s.Scanning | s.Rechecking) or (
                isinstance(before.state, s.AwaitingRead) and before.state.method is s.Method.FACE
            )
            assert chose or waited, "and only when the patient chose the face"
        assert not self.number_unknown, "the tries are read from the card before a number is sent"
        self.number_unknown = True
        visit = s.visit_of(after.state)
        assert visit is not None
        assert visit.certificate is not None
        tries = visit.certificate.number_tries
        assert tries is None or tries > 3, "three tries stay on the card"
        assert command.presence == visit.presence

    def _send(self, after: s.Kiosk, command: c.SendConsents) -> None:
        assert command.reception in self.registered, "consents follow a confirmed, registered insurance"
        assert isinstance(after.state, s.Sending)
        eligible = after.state.eligible
        assert isinstance(eligible.identified.identity, s.FaceIdentity | s.PinIdentity | s.StaffIdentity)
        assert tuple(item for item, _ in command.answers.given) == eligible.questions, "an answer to every question"
        assert set(eligible.questions) <= set(self.policy.questions), "nothing that the institution does not use"
        told = eligible.eligibility
        if told.certificate is s.CertificateState.GRACE or told.validity not in s.VALID:
            assert not eligible.questions, "the qualification only"
        assert bool(command.answers.dispense) == command.answers.allows(Item.DISPENSE)
        self.sent[command.reception] = command.job

    def _hand_off(self, event: e.Event, command: c.WriteHandoff) -> None:
        if command.reception in self.looked_up:
            assert command.result == self.looked_up[command.reception]
            return
        assert command.reception in self.registered
        assert isinstance(event, e.ResultCame), "the file follows the gateway's result"
        assert self.sent.get(command.reception) == event.job, "and the result the consents of this reception"
        assert event.reception == command.reception
        assert command.result == event.result

    # --- states ----------------------------------------------------------------------------------------------------

    def _state(self, after: s.Kiosk) -> None:
        state = after.state
        if not isinstance(state, s.EnteringPin):
            self.last_try_accepted = False
        open_ones = [reception for reception in self.begun if reception not in self.wiped]
        assert len(open_ones) <= 1
        reception = s.reception_of(state)
        assert (reception is None) == isinstance(state, QUIET)
        if isinstance(state, QUIET):
            assert not open_ones, "nothing of anyone is left"
        elif isinstance(state, AFTER_WIPE):
            assert reception in self.begun
            if not isinstance(state, s.NoCard):
                assert not open_ones, "nothing personal is left"
        else:
            assert open_ones == [reception]
        job = getattr(state, "job", None)
        if job is not None:
            assert getattr(self.jobs[job], "reception", None) == reception, "a state waits for a job of its own"
        scans = {scan.job for scan in parts(state) if isinstance(scan, s.Scan)}
        assert scans == ({self.scanning} if self.scanning is not None else set()), "a scan that runs is waited for"
        ahead = isinstance(state, s.Choosing | s.Scanning) or (
            isinstance(state, s.AwaitingRead) and state.method is s.Method.FACE
        )
        assert ahead or self.scanning is None, "nobody looks at the card of who chose another way"
        away = isinstance(state, s.PutBack | s.Rechecking)
        assert ahead or away or not self.scanned, "and nothing of it is kept"
        assert not isinstance(state, s.Scanning) or scans
        assert self.looking is None or isinstance(state, s.Looking), "the camera looks only while the page says so"
        if isinstance(state, s.Looking):
            assert self.looking == state.job
        presences = {visit.presence for visit in parts(state) if isinstance(visit, s.Visit)}
        if not isinstance(state, s.PutBack | s.Rechecking):
            assert len(presences) <= 1, "one card"

    def _other_card(self, before: s.Kiosk, event: e.Event) -> None:
        state = before.state
        if isinstance(state, s.Rechecking) and isinstance(event, e.CertificateCame) and event.job == state.job:
            same = event.fingerprint == state.fingerprint
            assert same or event.reception in self.wiped, "another card ends the reception of the first"

    def _identities(self, done: Transition) -> None:
        for part in parts((done.kiosk.state, done.commands)):
            match part:
                case s.CardPhoto():
                    of = {part.ref, part.evidence, part.certificate.ref}
                    assert {self.connections[handle] for handle in of} == {part.connection}
                case s.PinIdentity():
                    of = {part.signature, part.certificate.ref}
                    assert {self.connections[handle] for handle in of} == {part.connection}
                case _:
                    pass

    def _page(self, kiosk: s.Kiosk) -> None:
        page = view(kiosk, self.policy)
        for action in (*page.actions, *([page.back] if page.back is not None else [])):
            self._button(kiosk, action)
        if page.can_cancel:
            self._button(kiosk, Action("cancel", page.title, e.Cancelled()))
        if not isinstance(kiosk.state, s.Idle | s.OutOfService):
            ways = [action for action in page.actions if action.enabled]
            assert ways or page.back or page.can_cancel or deadline(kiosk.state, self.policy) is not None, "a way out"
        assert page.help_called == kiosk.help_called
        assert page.language in self.policy.languages

    def _button(self, kiosk: s.Kiosk, action: Action) -> None:
        event = action.event
        if isinstance(event, e.NoCardChosen | e.LookupWanted):
            event = type(event)(s.ReceptionId("fresh"))
        done = step(kiosk, event, self.policy)
        changed = done.kiosk != kiosk or bool(done.commands)
        assert changed or not action.enabled, f"{action.name}: an enabled button does something"
        view(done.kiosk, self.policy)

    # --- the end ---------------------------------------------------------------------------------------------------

    def run_out(self, kiosk: s.Kiosk) -> s.Kiosk:
        """Everybody walks away: deadlines pass and the card is taken. Ends at the beginning, with nothing left."""
        for _ in range(20):
            state = kiosk.state
            if isinstance(state, s.Idle | s.OutOfService):
                assert set(self.begun) == self.wiped, "every reception that began was wiped"
                return kiosk
            event: e.Event = e.CardTaken(state.presence) if isinstance(state, s.TakeCard) else e.DeadlinePassed()
            assert deadline(state, self.policy) is not None, "no state that belongs to someone lasts for ever"
            done = step(kiosk, event, self.policy)
            self.after(kiosk, event, done)
            kiosk = done.kiosk
        raise AssertionError(f"never ends: {type(kiosk.state).__name__}")
