"""A reception told as a story: each line is something that a person, a device or the gateway did.

    Journey().reader_up().card_put().certificate(pin_tries=1).choose("pin").at(s.LastTry)

Every step is checked against `tests.helpers.rules`. Answers go to the command that asked last, also when it is long
outdated: that is what a late answer is.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Self, TypeVar

from kiosk.reception import commands as c
from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.consent import MEDICAL, Item
from kiosk.reception.failure import FailureCode
from kiosk.reception.machine import step
from kiosk.reception.policy import Policy
from tests.helpers.rules import Rules

C = TypeVar("C")
Asked = (
    c.ReadCertificate
    | c.StartScan
    | c.ReadPhoto
    | c.SignWithPin
    | c.StartFace
    | c.CheckStaff
    | c.ConfirmEligibility
    | c.Register
    | c.SendConsents
    | c.LookUp
    | c.Postpone
    | c.WriteHandoff
)


class Journey:
    """`seen`: commands of the last step, `all_seen`: of the whole story. `card`: presence of the card on the reader."""

    def __init__(self, policy: Policy | None = None, kiosk: s.Kiosk | None = None) -> None:
        self.policy = policy or Policy()
        self.kiosk = kiosk or s.Kiosk()
        self.rules = Rules(self.policy)
        self.seen: tuple[c.Command, ...] = ()
        self.all_seen: list[c.Command] = []
        self.asked: list[Asked] = []
        self.card: int | None = None
        self.fingerprint = ""
        self.connection = 0
        self._numbers = 0

    def fork(self) -> Journey:
        """The same story so far, to be continued in another way."""
        return deepcopy(self)

    # --- telling ---------------------------------------------------------------------------------------------------

    def event(self, event: e.Event) -> Self:
        before = self.kiosk
        done = step(before, event, self.policy)
        self.kiosk = done.kiosk
        self.seen = done.commands
        self.all_seen.extend(done.commands)
        self.asked.extend(command for command in done.commands if isinstance(command, Asked))
        self.rules.after(before, event, done)
        return self

    @property
    def state(self) -> Any:
        return self.kiosk.state

    @property
    def reception(self) -> s.ReceptionId | None:
        return s.reception_of(self.kiosk.state)

    def at(self, kind: type, **values: object) -> Self:
        """The state is a `kind`, with these values in it."""
        assert isinstance(self.state, kind), f"expected {kind.__name__}, got {self.state}"
        for name, value in values.items():
            assert getattr(self.state, name) == value, f"{name}: expected {value}, got {getattr(self.state, name)}"
        return self

    def did(self, *kinds: type) -> Self:
        """The last step asked for one of each of these."""
        done = {type(command) for command in self.seen}
        assert set(kinds) <= done, f"expected {[kind.__name__ for kind in kinds]}, got {self.seen}"
        return self

    def did_only(self, *commands: c.Command) -> Self:
        assert self.seen == commands
        return self

    def did_nothing(self) -> Self:
        return self.did_only()

    def recorded(self, what: str, detail: str = "") -> Self:
        assert (what, detail) in [(each.what, each.detail) for each in self.seen if isinstance(each, c.Record)]
        return self

    def all_of(self, kind: type[C]) -> list[C]:
        """Every command of this kind since the beginning."""
        return [command for command in self.all_seen if isinstance(command, kind)]

    def number(self) -> int:
        """Never the same twice: presences, connections, handles."""
        self._numbers += 1
        return self._numbers

    def fresh(self) -> s.ReceptionId:
        return s.ReceptionId(f"reception-{self.number()}")

    def asked_last(self, kind: type[C]) -> C:
        found = [command for command in self.asked if isinstance(command, kind)]
        assert found, f"nobody asked for {kind.__name__}"
        return found[-1]

    # --- devices ---------------------------------------------------------------------------------------------------

    def reader_up(self) -> Self:
        return self.event(e.ReaderUp())

    def reader_down(self, failure: FailureCode = FailureCode.READER_MISSING) -> Self:
        self.card = None
        return self.event(e.ReaderDown(failure))

    def card_put(self, fingerprint: str = "card") -> Self:
        self.card, self.fingerprint = self.number(), fingerprint
        return self.event(e.CardPut(self.card, self.fresh()))

    def card_taken(self) -> Self:
        assert self.card is not None, "no card lies there"
        taken, self.card = self.card, None
        return self.event(e.CardTaken(taken))

    def camera(self, works: bool) -> Self:
        return self.event(e.CameraChanged(works))

    def face_process(self, works: bool) -> Self:
        return self.event(e.FaceChanged(works))

    def scanner(self, failure: FailureCode | None) -> Self:
        return self.event(e.ScannerChanged(failure))

    def blocked(self, failure: FailureCode | None = FailureCode.HANDOFF_FOREIGN) -> Self:
        return self.event(e.Blocked(failure))

    def time_over(self) -> Self:
        return self.event(e.DeadlinePassed())

    # --- the card answers ------------------------------------------------------------------------------------------

    def certificate(self, pin_tries: int | None = 3, number_tries: int | None = 10) -> Self:
        asked = self.asked_last(c.ReadCertificate)
        self.connection = self.number()
        ref = s.CertificateRef(f"certificate-{self.connection}")
        return self.event(
            e.CertificateCame(
                asked.reception, asked.job, ref, self.connection, self.fingerprint, pin_tries, number_tries
            )
        )

    def scan_hint(self, hint: str) -> Self:
        asked = self.asked_last(c.StartScan)
        return self.event(e.ScanHinted(asked.reception, asked.job, hint))

    def scanned(self) -> Self:
        asked = self.asked_last(c.StartScan)
        return self.event(e.NumberScanned(asked.reception, asked.job, s.NumberRef(f"scanned-{self.number()}")))

    def scan_fails(self, failure: FailureCode = FailureCode.SCAN_UNREADABLE) -> Self:
        asked = self.asked_last(c.StartScan)
        return self.event(e.JobFailed(asked.reception, asked.job, failure))

    def photo_progress(self, done: int, total: int) -> Self:
        asked = self.asked_last(c.ReadPhoto)
        return self.event(e.PhotoProgressed(asked.reception, asked.job, done, total))

    def photo(self, connection: int | None = None) -> Self:
        asked = self.asked_last(c.ReadPhoto)
        ref, evidence = s.PhotoRef(f"photo-{self.number()}"), s.EvidenceRef(f"presence-{self.number()}")
        return self.event(e.PhotoCame(asked.reception, asked.job, ref, evidence, connection or self.connection))

    def number_refused(self, tries_left: int) -> Self:
        asked = self.asked_last(c.ReadPhoto)
        return self.event(e.NumberRefused(asked.reception, asked.job, tries_left))

    def signature(self, connection: int | None = None) -> Self:
        asked = self.asked_last(c.SignWithPin)
        evidence = s.EvidenceRef(f"signature-{self.number()}")
        return self.event(e.SignatureCame(asked.reception, asked.job, evidence, connection or self.connection))

    def pin_refused(self, tries_left: int) -> Self:
        asked = self.asked_last(c.SignWithPin)
        return self.event(e.PinRefused(asked.reception, asked.job, tries_left))

    # --- face and staff --------------------------------------------------------------------------------------------

    def hint(self, hint: str) -> Self:
        asked = self.asked_last(c.StartFace)
        return self.event(e.FaceHinted(asked.reception, asked.job, hint))

    def matched(self) -> Self:
        asked = self.asked_last(c.StartFace)
        return self.event(e.FaceMatched(asked.reception, asked.job))

    def missed(self, unclear: bool = False) -> Self:
        asked = self.asked_last(c.StartFace)
        return self.event(e.FaceMissed(asked.reception, asked.job, unclear))

    def not_present(self) -> Self:
        asked = self.asked_last(c.StartFace)
        return self.event(e.PresenceFailed(asked.reception, asked.job))

    def staff_accepted(self) -> Self:
        asked = self.asked_last(c.CheckStaff)
        return self.event(e.StaffAccepted(asked.reception, asked.job))

    def staff_denied(self, wait_seconds: int = 0) -> Self:
        asked = self.asked_last(c.CheckStaff)
        return self.event(e.StaffDenied(asked.reception, asked.job, wait_seconds))

    # --- the gateway and the receipt computer ----------------------------------------------------------------------

    def eligible(
        self,
        questions: tuple[Item, ...] = MEDICAL,
        validity: s.Validity = s.Validity.VALID,
        certificate: s.CertificateState = s.CertificateState.VALID,
        prescriptions: tuple[s.Prescription, ...] = (),
    ) -> Self:
        eligibility = s.Eligibility(True, validity, questions, certificate, prescriptions=prescriptions)
        return self._eligibility(c.ConfirmEligibility, eligibility)

    def not_registered(self) -> Self:
        return self._eligibility(c.ConfirmEligibility, s.Eligibility(False, s.Validity.VALID))

    def registered(self, registered: bool = True, validity: s.Validity = s.Validity.VALID) -> Self:
        return self._eligibility(c.Register, s.Eligibility(registered, validity, MEDICAL))

    def _eligibility(self, kind: type[c.ConfirmEligibility | c.Register], eligibility: s.Eligibility) -> Self:
        asked = self.asked_last(kind)
        return self.event(e.EligibilityCame(asked.reception, asked.job, eligibility))

    def result(self) -> Self:
        asked = self.asked_last(c.SendConsents)
        return self.event(e.ResultCame(asked.reception, asked.job, s.ResultRef(f"result-{self.number()}")))

    def handed_off(self, number: int = 12, delayed: bool = False, substituted: int = 0) -> Self:
        asked = self.asked_last(c.WriteHandoff)
        return self.event(e.HandedOff(asked.reception, asked.job, number, delayed, substituted))

    def looked_up(self, validity: s.Validity = s.Validity.VALID, found: bool = True) -> Self:
        asked = self.asked_last(c.LookUp)
        result = s.ResultRef(f"result-{self.number()}") if found else None
        return self.event(e.LookedUp(asked.reception, asked.job, validity, result))

    def postponed(self) -> Self:
        asked = self.asked_last(c.Postpone)
        return self.event(e.Postponed(asked.reception, asked.job))

    def fails(self, failure: FailureCode, upstream: str = "") -> Self:
        """Whatever was asked for last fails; the scan beside it is told of by itself (`scan_fails`)."""
        asked = next(asked for asked in reversed(self.asked) if not isinstance(asked, c.StartScan))
        return self.event(e.JobFailed(asked.reception, asked.job, failure, upstream))

    # --- the patient -----------------------------------------------------------------------------------------------

    def no_card(self) -> Self:
        return self.event(e.NoCardChosen(self.fresh()))

    def choose(self, method: str) -> Self:
        return self.event(e.MethodChosen(s.Method(method)))

    def last_try(self) -> Self:
        return self.event(e.LastTryAccepted())

    def pin(self) -> Self:
        return self.event(e.PinEntered(s.PinRef(f"pin-{self.number()}")))

    def card_number(self) -> Self:
        return self.event(e.NumberEntered(s.NumberRef(f"number-{self.number()}")))

    def type_number(self) -> Self:
        return self.event(e.TypeNumber())

    def again(self) -> Self:
        return self.event(e.TryAgain())

    def other_method(self) -> Self:
        return self.event(e.OtherMethod())

    def register(self, yes: bool) -> Self:
        return self.event(e.RegistrationAnswered(yes))

    def all(self, answer: str) -> Self:
        return self.event(e.AllAnswered(e.All(answer)))

    def item(self, item: Item, yes: bool, dispense: tuple[str, ...] = ()) -> Self:
        return self.event(e.ItemAnswered(item, yes, dispense))

    def change(self, item: Item) -> Self:
        return self.event(e.ChangeAnswer(item))

    def confirm(self) -> Self:
        return self.event(e.AnswersConfirmed())

    def back(self) -> Self:
        return self.event(e.Back())

    def cancel(self) -> Self:
        return self.event(e.Cancelled())

    def help(self) -> Self:
        return self.event(e.HelpWanted())

    def language(self, language: str) -> Self:
        return self.event(e.LanguageChosen(language))

    def more_time(self) -> Self:
        return self.event(e.MoreTime())

    def leaflet(self) -> Self:
        return self.event(e.LeafletOpened())

    def turn(self, by: int) -> Self:
        return self.event(e.LeafletTurned(by))

    # --- staff -----------------------------------------------------------------------------------------------------

    def lookup(self) -> Self:
        return self.event(e.LookupWanted(self.fresh()))

    def lookup_pin(self) -> Self:
        return self.event(e.LookupPin(s.PinRef(f"credential-{self.number()}")))

    def paper(self, paper: str) -> Self:
        return self.event(e.PaperChosen(s.Paper(paper)))

    def card_seen(self, yes: bool = True) -> Self:
        return self.event(e.CardSeen(yes))

    def query(self) -> Self:
        return self.event(e.QueryEntered(s.QueryRef(f"query-{self.number()}")))

    def postpone(self) -> Self:
        return self.event(e.PostponeWanted())

    def staff(self, reason: s.StaffReason = s.StaffReason.OTHER) -> Self:
        return self.event(e.StaffEntered(s.PinRef(f"credential-{self.number()}"), reason))

    def staff_gesture(self) -> Self:
        return self.event(e.StaffGesture())

    def maintenance_pin(self) -> Self:
        return self.event(e.MaintenancePin(s.PinRef(f"maintenance-{self.number()}")))

    def door(self, accepted: bool, wait_seconds: int = 0) -> Self:
        return self.event(e.DoorAnswered(self.kiosk.jobs, accepted, wait_seconds))

    def test(self, device: str) -> Self:
        return self.event(e.TestWanted(e.Test(device)))

    def test_done(self, device: str, finding: str) -> Self:
        return self.event(e.TestDone(self.kiosk.jobs, e.Test(device), finding))

    def service(self, is_open: bool) -> Self:
        return self.event(e.ServiceSet(is_open))

    def leave(self) -> Self:
        return self.event(e.StaffLeft())

    # --- the end ---------------------------------------------------------------------------------------------------

    def everybody_leaves(self) -> Self:
        """Deadlines pass and the card is taken, until the kiosk is at its beginning."""
        self.kiosk = self.rules.run_out(self.kiosk)
        return self


def ready(policy: Policy | None = None) -> Journey:
    """A kiosk that waits for its next visitor."""
    return Journey(policy).reader_up().at(s.Idle)
