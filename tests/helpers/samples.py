"""A way to every kind of state, and to its variants that behave differently."""

from __future__ import annotations

from collections.abc import Callable

from kiosk.reception import states as s
from kiosk.reception.consent import ORDER, Item
from kiosk.reception.failure import FailureCode
from kiosk.reception.policy import Policy
from kiosk.reception.questions import Kind
from tests.helpers.journey import Journey, ready


def read() -> Journey:
    return ready().card_put().certificate()


def face() -> Journey:
    return read().choose("face").card_number().photo()


def confirming() -> Journey:
    return face().matched()


def asking() -> Journey:
    return confirming().eligible()


def each() -> Journey:
    return asking().all("each")


def checking() -> Journey:
    return each().item(Item.MEDICATION, True).item(Item.CHECKUP, False)


LATER = Policy(postpone=True)
SCANNER = Policy(scanner=True)


def scanning() -> Journey:
    """The face was chosen, and the printed card is not read yet."""
    return ready(SCANNER).card_put().certificate().choose("face")


TOKENS = (s.Prescription("a", "20261120"), s.Prescription("b", "20261121"))
EVERYTHING = Policy(questions=tuple(Item), postpone=True)
PHARMACY = Policy(kind=Kind.PHARMACY, questions=(Item.DISPENSE,))


def identified(policy: Policy) -> Journey:
    return ready(policy).card_put().certificate().choose("staff").staff().staff_accepted()


def everything() -> Journey:
    """Every question that a clinic can have, the comprehensive one answered."""
    return identified(EVERYTHING).eligible(ORDER).all("yes")


def at_pharmacy() -> Journey:
    return identified(PHARMACY).eligible(ORDER, prescriptions=TOKENS)


def lookup_door(policy: Policy | None = None) -> Journey:
    return ready(policy).no_card().lookup()


def paper(policy: Policy | None = None) -> Journey:
    return lookup_door(policy).lookup_pin().staff_accepted()


def typing(policy: Policy | None = None) -> Journey:
    return paper(policy).paper("certificate")


def looking_up(policy: Policy | None = None) -> Journey:
    return typing(policy).query().item(Item.LIMIT, True)


def sending() -> Journey:
    return asking().all("yes")


def done() -> Journey:
    return sending().result().handed_off()


def registering() -> Journey:
    return confirming().not_registered().register(True)


def door() -> Journey:
    return ready().staff_gesture()


def room() -> Journey:
    return door().maintenance_pin().door(True)


def checking_staff() -> Journey:
    return read().choose("staff").staff()


def last_try() -> Journey:
    return ready().card_put().certificate(pin_tries=1).choose("pin")


WAYS: dict[str, tuple[type, Callable[[], Journey]]] = {
    "idle": (s.Idle, ready),
    "no card": (s.NoCard, lambda: ready().no_card()),
    "no card, registration declined": (s.NoCard, lambda: confirming().not_registered().register(False)),
    "leaflet": (s.Leaflet, lambda: ready().leaflet()),
    "lookup door": (s.LookupDoor, lookup_door),
    "lookup door, asked": (s.LookupDoor, lambda: lookup_door().lookup_pin()),
    "lookup door, refused": (s.LookupDoor, lambda: lookup_door().lookup_pin().staff_denied(30)),
    "lookup paper": (s.LookupPaper, paper),
    "lookup refused, notice": (s.LookupRefused, lambda: paper().paper("notice_alone")),
    "lookup refused, portal": (s.LookupRefused, lambda: paper().paper("portal_alone")),
    "lookup card seen": (s.LookupCardSeen, lambda: paper().paper("card_notice")),
    "lookup typing": (s.LookupTyping, typing),
    "lookup asking": (s.LookupAsking, lambda: typing().query()),
    "looking up": (s.LookingUp, looking_up),
    "lookup handing off": (s.LookupHandingOff, lambda: looking_up().looked_up()),
    "lookup problem": (s.LookupProblem, lambda: looking_up(LATER).fails(FailureCode.FOLDER_TIMEOUT)),
    "lookup problem, nobody": (s.LookupProblem, lambda: looking_up().looked_up(s.Validity.NONE, found=False)),
    "postponing, look-up": (
        s.Postponing,
        lambda: looking_up(LATER).fails(FailureCode.GATEWAY_DOWN).postpone(),
    ),
    "postponing, staff": (s.Postponing, lambda: identified(LATER).fails(FailureCode.GATEWAY_DOWN).postpone()),
    "asking item, disease": (s.AskingItem, everything),
    "asking item, dispense": (s.AskingItem, at_pharmacy),
    "take card, not valid": (s.TakeCard, lambda: confirming().eligible((), s.Validity.INVALID).result().handed_off()),
    "farewell, looked up": (s.Farewell, lambda: looking_up().looked_up().handed_off()),
    "choosing, unread": (s.Choosing, lambda: ready().card_put()),
    "choosing, read": (s.Choosing, read),
    "awaiting read": (s.AwaitingRead, lambda: ready().card_put().choose("face")),
    "last try": (s.LastTry, last_try),
    "entering pin": (s.EnteringPin, lambda: read().choose("pin")),
    "entering pin, last try accepted": (s.EnteringPin, lambda: last_try().last_try()),
    "verifying pin": (s.VerifyingPin, lambda: read().choose("pin").pin()),
    "choosing, being scanned": (s.Choosing, lambda: ready(SCANNER).card_put().certificate().scan_hint("face_down")),
    "choosing, scanned": (s.Choosing, lambda: ready(SCANNER).card_put().scanned().certificate()),
    "awaiting read, being scanned": (s.AwaitingRead, lambda: ready(SCANNER).card_put().choose("face")),
    "scanning": (s.Scanning, scanning),
    "entering number, unreadable": (s.EnteringNumber, lambda: scanning().scan_fails()),
    "reading photo, scanned": (s.ReadingPhoto, lambda: scanning().scanned()),
    "put back, scanning": (s.PutBack, lambda: scanning().card_taken()),
    "put back, scanned": (s.PutBack, lambda: ready(SCANNER).card_put().scanned().certificate().card_taken()),
    "entering number": (s.EnteringNumber, lambda: read().choose("face")),
    "reading photo": (s.ReadingPhoto, lambda: read().choose("face").card_number().photo_progress(1, 9)),
    "looking": (s.Looking, face),
    "face retry": (s.FaceRetry, lambda: face().missed()),
    "face retry, unclear": (s.FaceRetry, lambda: face().missed(unclear=True)),
    "staff confirming": (s.StaffConfirming, lambda: read().choose("staff")),
    "staff confirming, refused": (s.StaffConfirming, lambda: checking_staff().staff_denied(30)),
    "checking staff": (s.CheckingStaff, checking_staff),
    "confirming": (s.Confirming, confirming),
    "offering registration": (s.OfferingRegistration, lambda: confirming().not_registered()),
    "registering": (s.Registering, registering),
    "asking all": (s.AskingAll, asking),
    "asking item": (s.AskingItem, each),
    "asking item again": (s.AskingItem, lambda: checking().change(Item.MEDICATION)),
    "checking answers": (s.CheckingAnswers, checking),
    "sending": (s.Sending, sending),
    "sending, card gone": (s.Sending, lambda: sending().card_taken()),
    "handing off": (s.HandingOff, lambda: sending().result()),
    "take card": (s.TakeCard, done),
    "take card, alarm": (s.TakeCard, lambda: done().time_over()),
    "take card, cancelled": (s.TakeCard, lambda: read().cancel()),
    "farewell": (s.Farewell, lambda: done().card_taken()),
    "put back, choosing": (s.PutBack, lambda: read().card_taken()),
    "put back, looking": (s.PutBack, lambda: face().card_taken()),
    "put back, confirming": (s.PutBack, lambda: confirming().card_taken()),
    "put back, asking": (s.PutBack, lambda: asking().card_taken()),
    "rechecking": (s.Rechecking, lambda: asking().card_taken().card_put()),
    "problem, unread": (s.Problem, lambda: ready().card_put().fails(FailureCode.CARD_UNREADABLE)),
    "problem, the end": (s.Problem, lambda: ready().card_put().fails(FailureCode.NOT_THIS_CARD)),
    "problem, other methods": (s.Problem, lambda: face().missed().again().missed().again().missed()),
    "problem, confirm again": (s.Problem, lambda: confirming().fails(FailureCode.GATEWAY_DOWN, "E-1")),
    "problem, register again": (s.Problem, lambda: registering().fails(FailureCode.GATEWAY_ERROR)),
    "problem, send again": (s.Problem, lambda: sending().fails(FailureCode.GATEWAY_DOWN)),
    "out of service": (s.OutOfService, Journey),
    "out of service, blocked": (s.OutOfService, lambda: ready().blocked()),
    "out of service, closed": (s.OutOfService, lambda: room().service(False).leave()),
    "staff door": (s.StaffDoor, door),
    "staff door, asked": (s.StaffDoor, lambda: door().maintenance_pin()),
    "staff door, refused": (s.StaffDoor, lambda: door().maintenance_pin().door(False, 30)),
    "staff room": (s.StaffRoom, room),
    "staff room, testing": (s.StaffRoom, lambda: room().test("reader")),
}


def sample(name: str) -> Journey:
    kind, way = WAYS[name]
    return way().at(kind)
