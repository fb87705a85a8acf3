"""Every page with sample data: for the screen gallery and its checks. Made by the reception's own `view`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QFontDatabase, QRawFont
from PySide6.QtWidgets import QApplication, QWidget

from kiosk.i18n import Catalogue
from kiosk.reception import events as e
from kiosk.reception import leaflet
from kiosk.reception import states as s
from kiosk.reception.consent import MEDICAL, ORDER, Answers, Draft, Item
from kiosk.reception.failure import FailureCode
from kiosk.reception.policy import Policy
from kiosk.reception.questions import Kind
from kiosk.reception.view import Page, View, view
from kiosk.ui.components import Press, Words
from kiosk.ui.ports import Picture, Secret
from kiosk.ui.screenshots import save, settle
from kiosk.ui.theme import Theme
from kiosk.ui.window import KioskWindow

NOON = datetime(2026, 4, 1, 10, 24, tzinfo=UTC)


@dataclass(frozen=True)
class Sample:
    """`touch` presses things after the page is shown, by object name; `warn`: seconds of the time overlay."""

    name: str
    view: View
    touch: tuple[str, ...] = ()
    warn: int = 0


class SampleSecret:
    """Counts only: samples have no secrets."""

    def __init__(self) -> None:
        self._length = 0

    def append(self, byte: int) -> bool:
        self._length += 1
        return True

    def pop(self) -> bool:
        self._length = max(0, self._length - 1)
        return True

    def clear(self) -> None:
        self._length = 0

    def __len__(self) -> int:
        return self._length


class NoDoor:
    """Takes nothing."""

    def new(self, capacity: int) -> Secret:
        return SampleSecret()

    def pin_entered(self, secret: Secret) -> None: ...

    def number_entered(self, secret: Secret) -> None: ...

    def staff_entered(self, secret: Secret, reason: s.StaffReason) -> None: ...

    def maintenance_pin(self, secret: Secret) -> None: ...

    def lookup_pin(self, secret: Secret) -> None: ...

    def query_entered(self, secret: Secret) -> None: ...


class DrawnFrames:
    """A drawn person before a wall: nobody's picture. Drawn twice as large and averaged, so that edges are soft."""

    def __init__(self) -> None:
        tall, wide = 720, 1280
        y, x = np.mgrid[0 : 2 * tall, 0 : 2 * wide].astype(np.float32) / 2
        image = np.empty((2 * tall, 2 * wide, 3), np.float32)
        image[...] = np.stack([206 + 24 * y / tall, 214 + 16 * y / tall, 220 + 10 * y / tall], axis=-1)

        def blob(cx: float, cy: float, rx: float, ry: float, colour: tuple[int, int, int]) -> None:
            image[((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1] = colour

        hair, skin, shade = (74, 78, 86), (176, 205, 236), (150, 182, 218)
        blob(640, 770, 300, 240, (132, 120, 96))
        blob(640, 560, 64, 90, shade)
        blob(640, 318, 158, 186, hair)
        blob(640, 365, 132, 172, skin)
        blob(640, 222, 122, 52, hair)
        for side in (-1, 1):
            blob(640 + side * 134, 372, 17, 32, shade)
            blob(640 + side * 56, 316, 28, 5, hair)
            blob(640 + side * 54, 350, 13, 10, (62, 62, 66))
        blob(640, 408, 15, 10, shade)
        blob(640, 454, 36, 9, (128, 136, 200))
        blob(640, 446, 38, 7, skin)
        self._image: Picture = image.reshape(tall, 2, wide, 2, 3).mean(axis=(1, 3)).astype(np.uint8)

    def latest(self) -> Picture | None:
        return self._image


_CERTIFICATE = s.Certificate(s.CertificateRef("c"), 1, "sample", pin_tries=3, number_tries=10)
_NO_PIN = replace(_CERTIFICATE, pin_tries=0)
_VISIT = s.Visit(s.ReceptionId("sample"), 1, _CERTIFICATE)
_PHOTO = s.CardPhoto(s.PhotoRef("p"), s.EvidenceRef("e"), 1, _CERTIFICATE)
_IDENTIFIED = s.Identified(_VISIT, s.FaceIdentity(_PHOTO))
_TWO = (Item.MEDICATION, Item.CHECKUP)
_SPENT = {
    FailureCode.FACE_NOT_MATCHED: s.Method.FACE,
    FailureCode.PHOTO_INVALID: s.Method.FACE,
    FailureCode.NUMBER_GUARDED: s.Method.FACE,
    FailureCode.CAMERA_LOST: s.Method.FACE,
    FailureCode.EVIDENCE_INSUFFICIENT: s.Method.FACE,
    FailureCode.PIN_BLOCKED: s.Method.PIN,
}
_ASK_AGAIN = (
    FailureCode.GATEWAY_DOWN,
    FailureCode.GATEWAY_ERROR,
    FailureCode.GATEWAY_NONSENSE,
    FailureCode.GATEWAY_UNTRUSTED,
    FailureCode.STEP_TIMEOUT,
)
_LOOKUP_FAILURES = (
    FailureCode.GATEWAY_DOWN,
    FailureCode.GATEWAY_ERROR,
    FailureCode.QUALIFICATION_NONE,
    FailureCode.QUALIFICATION_SEVERAL,
    FailureCode.FOLDER_DOWN,
    FailureCode.FOLDER_TIMEOUT,
    FailureCode.FOLDER_NONSENSE,
)


_EIGHT = tuple(item for item in ORDER if item is not Item.DISPENSE)
_SEVEN = tuple(item for item in _EIGHT if item is not Item.LIMIT)
_PRESCRIPTIONS = (s.Prescription("a", "20260331"), s.Prescription("b", "20260318"))
_LOOKUP = s.ReceptionId("sample")
_QUERY = s.QueryRef("q")


def _eligible(questions: tuple[Item, ...], soon: bool = False) -> s.Eligible:
    certificate = s.CertificateState.ENDS_SOON if soon else s.CertificateState.VALID
    eligibility = s.Eligibility(True, s.Validity.VALID, questions, certificate, prescriptions=_PRESCRIPTIONS)
    return s.Eligible(_IDENTIFIED, eligibility, questions)


def _asked(item: Item, *before: Item) -> s.AskingItem:
    """The page of one item, after others."""
    questions = (*before, item)
    return s.AskingItem(_eligible(questions), Draft(questions, tuple((one, True) for one in before)), item)


def _states() -> Iterator[tuple[str, s.State, tuple[str, ...]]]:
    visit, certificate = _VISIT, _CERTIFICATE
    yield "idle", s.Idle(), ()
    yield "no_card", s.NoCard(s.ReceptionId("sample")), ()
    yield "choose_method", s.Choosing(visit, None), ()
    yield "choose_method_reading", s.Choosing(replace(visit, certificate=None), 1), ()
    yield "choose_method_no_pin", s.Choosing(replace(visit, certificate=_NO_PIN), None), ()
    turned = replace(visit, printed=s.Scan(1, "face_down"))
    yield "choose_method_face_down", s.Choosing(turned, None), ()
    for hint in ("no_card", "face_down", "other_card", "unclear", "still", "reading"):
        yield f"scan_card_{hint}", s.Scanning(replace(visit, printed=s.Scan(1, hint))), ()
    yield "reading", s.ReadingPhoto(visit, 1, 6200, 14800), ()
    yield "last_try", s.LastTry(replace(visit, certificate=replace(certificate, pin_tries=1))), ()
    yield "pin", s.EnteringPin(visit), ("key:1", "key:2")
    yield "pin_wrong", s.EnteringPin(replace(visit, certificate=replace(certificate, pin_tries=2)), wrong=True), ()
    yield "card_number", s.EnteringNumber(visit), ()
    birth = ("field:era:showa", "key:5", "key:5", "key:0", "key:2", "key:1")
    yield "card_number_birth", s.EnteringNumber(visit), birth
    rest = (*birth, "key:7", "key:2", "key:0", "key:3", "key:5", "key:2", "key:2", "key:8", "key:5")
    yield "card_number_done", s.EnteringNumber(visit), rest
    doubt = ("field:era:heisei", "key:0", "key:3", "key:0", "key:2", "key:3", "key:0")
    yield "card_number_doubt", s.EnteringNumber(visit), doubt
    yield "card_number_wrong", s.EnteringNumber(visit, s.NumberProblem.WRONG), ()
    yield "card_number_misread", s.EnteringNumber(visit, s.NumberProblem.MISREAD), ()
    for code in (FailureCode.SCAN_UNREADABLE, FailureCode.SCANNER_LOST):
        unread = replace(visit, printed=s.Unscanned(code))
        yield f"card_number_{code.name.lower()}", s.EnteringNumber(unread), ()
    yield "look_here", s.Looking(visit, _PHOTO, 1, "closer"), ()
    yield "look_here_dark", s.Looking(visit, _PHOTO, 1, "too_dark"), ()
    yield "look_here_good", s.Looking(replace(visit, face_attempts=1), _PHOTO, 1, "good"), ()
    for hint in (*s.CHALLENGE, "look_straight"):
        yield f"look_here_{hint}", s.Looking(visit, _PHOTO, 1, hint, challenged=True), ()
    yield "face_retry", s.FaceRetry(replace(visit, face_attempts=1), _PHOTO, unclear=True), ()
    yield "staff_confirm", s.StaffConfirming(visit), ("reason:cannot_reach", "key:4", "key:2", "key:1")
    yield "staff_confirm_wait", s.StaffConfirming(visit, refused=True, wait_seconds=30), ()
    yield "working", s.VerifyingPin(visit, 1), ()
    yield "working_insurance", s.Confirming(_IDENTIFIED, 1), ()
    yield "registration", s.OfferingRegistration(_IDENTIFIED), ()
    yield "consent_all", s.AskingAll(_eligible(_TWO)), ()
    yield "consent_all_four", s.AskingAll(_eligible(MEDICAL, soon=True)), ()
    draft = Draft(_TWO, ((Item.MEDICATION, True),))
    yield "consent_item", s.AskingItem(_eligible(_TWO), draft, Item.CHECKUP), ()
    given = Answers(((Item.MEDICATION, True), (Item.CHECKUP, False)), comprehensive=False)
    yield "check_answers", s.CheckingAnswers(_eligible(_TWO), draft, given), ()
    for name, items in (("four", MEDICAL), ("seven", _SEVEN), ("eight", _EIGHT)):
        every = Answers(tuple((item, item != Item.SURGERY) for item in items), comprehensive=False)
        yield f"check_answers_{name}", s.CheckingAnswers(_eligible(items), Draft(items), every), ()
    for item in (Item.DISEASE, Item.LIMIT, Item.SUBSIDY, Item.PRESCRIPTION):
        yield f"consent_{item.name.lower()}", _asked(item, Item.MEDICATION), ()
    soon = _eligible((Item.PRESCRIPTION,), soon=True)
    yield "consent_prescription_soon", s.AskingItem(soon, Draft(soon.questions), Item.PRESCRIPTION), ()
    yield from _endings()
    for place, name in enumerate(leaflet.PAGES):
        yield f"leaflet_{name}", s.Leaflet(place), ()
    yield from _lookup()
    yield "put_back", s.PutBack(visit, "sample", s.EnteringPin(visit)), ()
    for code in FailureCode:
        # As they come: the way that failed is not offered; what the gateway did not answer can be asked again.
        here = replace(visit, refused=(_SPENT[code],)) if code in _SPENT else visit
        again = s.RetryConfirm(_IDENTIFIED) if code in _ASK_AGAIN else None
        upstream = "A-0042" if code.value[0] == "G" else "scdaemon" if code is FailureCode.CARD_BUSY else ""
        yield f"problem_{code.name.lower()}", s.Problem(here, code, upstream, again), ()
    for code in (
        FailureCode.READER_MISSING,
        FailureCode.READER_DENIED,
        FailureCode.READER_VIRTUAL,
        FailureCode.READER_HUNG,
        FailureCode.SEVERAL_CARDS,
        FailureCode.CLOSED_BY_STAFF,
    ):
        yield f"out_of_service_{code.name.lower()}", s.OutOfService(code), ()
    yield "staff_door", s.StaffDoor(), ("key:1", "key:2", "key:3")
    yield "staff_door_wait", s.StaffDoor(refused=True, wait_seconds=60), ()
    yield "staff_room", s.StaffRoom(findings=(("reader", "ok"), ("camera", "camera_lost"))), ()


def _endings() -> Iterator[tuple[str, s.State, tuple[str, ...]]]:
    def take(outcome: s.Outcome, *, alarm: bool = False) -> s.TakeCard:
        return s.TakeCard(s.ReceptionId("sample"), 1, outcome, alarm)

    numbered = (s.Ending.DONE, s.Ending.DELAYED, s.Ending.NOT_VALID)
    for ending in s.Ending:
        invalid = FailureCode.QUALIFICATION_INVALID if ending is s.Ending.NOT_VALID else None
        outcome = s.Outcome(ending, 12 if ending in numbered else None, failure=invalid)
        yield f"take_card_{ending}", take(outcome), ()
    replaced = s.Outcome(s.Ending.NOT_VALID, 12, failure=FailureCode.QUALIFICATION_REPLACED)
    yield "take_card_replaced", take(replaced), ()
    lost = s.Outcome(s.Ending.FAILED, failure=FailureCode.POSTPONE_FAILED)
    yield "take_card_postpone_failed", take(lost), ()
    for notice in s.Notice:
        yield f"take_card_{notice}", take(s.Outcome(s.Ending.DONE, 12, (notice,))), ()
    soon = s.Outcome(s.Ending.DONE, 12, (s.Notice.CERTIFICATE_ENDS_SOON,))
    yield "take_card_alarm", take(soon, alarm=True), ()
    for number in range(12, 12 + len(leaflet.PAGES)):
        name = "farewell" if number == 12 else f"farewell_{number}"
        yield name, s.Farewell(s.ReceptionId("sample"), s.Outcome(s.Ending.DONE, number)), ()
    yield "farewell_cancelled", s.Farewell(s.ReceptionId("sample"), s.Outcome(s.Ending.CANCELLED)), ()
    yield "farewell_not_valid", s.Farewell(s.ReceptionId("sample"), replaced), ()
    yield "farewell_later", s.Farewell(s.ReceptionId("sample"), s.Outcome(s.Ending.LATER)), ()


def _lookup() -> Iterator[tuple[str, s.State, tuple[str, ...]]]:
    one = _LOOKUP
    paper = s.Paper.CERTIFICATE
    yield "lookup_door", s.LookupDoor(one), ("key:1", "key:2")
    yield "lookup_door_wait", s.LookupDoor(one, refused=True, wait_seconds=30), ()
    yield "lookup_door_checking", s.LookupDoor(one, 1), ()
    yield "lookup_paper", s.LookupPaper(one), ()
    for refused in s.NOT_ENOUGH:
        yield f"lookup_refused_{refused}", s.LookupRefused(one, refused), ()
    yield "lookup_card_seen", s.LookupCardSeen(one, s.Paper.CARD_NOTICE), ()
    typing = s.LookupTyping(one, paper)
    insurer = tuple(f"key:{digit}" for digit in "99999997")
    yield "lookup_typing", typing, ()
    yield "lookup_typing_check_digit", typing, (*insurer[:7], "key:1")
    yield "lookup_typing_symbol", typing, insurer
    kana = (*insurer, "key:kana", "kana:ア", "kana:カ", "kana:voice")
    yield "lookup_typing_kana", typing, kana
    yield "lookup_typing_hiragana", typing, (*kana, "kana:switch", "kana:イ")
    person = (*kana, "kana:done", "key:hyphen", "key:1", "key:2", "key:enter")
    number = (*person, *(f"key:{digit}" for digit in "3456789"), "key:enter")
    yield "lookup_typing_branch", typing, number
    era = (*number, "key:0", "key:1")
    yield "lookup_typing_era", typing, era
    doubt = (*era, "field:era:showa", *(f"key:{digit}" for digit in "550230"))
    yield "lookup_typing_doubt", typing, doubt
    yield "lookup_typing_done", typing, (*doubt, "key:1", "key:7")
    no_symbol = (*insurer, "key:none", *(f"key:{digit}" for digit in "12345"), "key:enter", "key:none")
    yield "lookup_typing_no_symbol", typing, no_symbol
    yield "lookup_limit", s.LookupAsking(one, paper, _QUERY), ()
    yield "working_lookup", s.LookingUp(one, paper, _QUERY, True, 1), ()
    yield "working_lookup_handing", s.LookupHandingOff(one, s.Validity.VALID, 1), ()
    yield "working_postponing", s.Postponing(one, 1), ()
    for code in _LOOKUP_FAILURES:
        again = code not in s.NOBODY.values()
        upstream = "A-0042" if code is FailureCode.GATEWAY_ERROR else ""
        problem = s.LookupProblem(one, paper, _QUERY, None, code, upstream, again)
        yield f"lookup_problem_{code.name.lower()}", problem, ()


def _postpone(policy: Policy, language: str) -> Iterator[Sample]:
    """With the queue for a line that is down."""
    queue = replace(policy, postpone=True)
    down = FailureCode.GATEWAY_DOWN
    staff = s.Identified(_VISIT, s.StaffIdentity(_CERTIFICATE, s.StaffReason.UNWELL))
    states: tuple[tuple[str, s.State], ...] = (
        ("problem_gateway_down_postpone", s.Problem(_VISIT, down, "", s.RetryConfirm(staff))),
        (
            "lookup_problem_gateway_down_postpone",
            s.LookupProblem(_LOOKUP, s.Paper.CERTIFICATE, _QUERY, None, down, "", again=True),
        ),
    )
    for name, state in states:
        yield Sample(name, view(s.Kiosk(state, s.Health(None), language), queue))


def _pharmacy(language: str) -> Iterator[Sample]:
    """調剤 and 歯科 have their own words."""
    pharmacy = Policy(kind=Kind.PHARMACY, institution_name="見本薬局")
    dental = Policy(kind=Kind.DENTAL, institution_name="見本歯科")
    one = replace(_asked(Item.DISPENSE, Item.MEDICATION))
    single = replace(one.eligible.eligibility, prescriptions=_PRESCRIPTIONS[:1])
    many = tuple(s.Prescription(str(day), f"202603{day}") for day in (31, 28, 18, 11, 10))
    five = replace(one.eligible.eligibility, prescriptions=many)
    answers = Answers(((Item.MEDICATION, True), (Item.DISPENSE, True)), comprehensive=True, dispense=("a",))
    states: tuple[tuple[str, s.State, Policy], ...] = (
        ("dispense", one, pharmacy),
        ("dispense_one", replace(one, eligible=replace(one.eligible, eligibility=single)), pharmacy),
        ("dispense_many", replace(one, eligible=replace(one.eligible, eligibility=five)), pharmacy),
        ("check_answers_pharmacy", s.CheckingAnswers(one.eligible, one.draft, answers), pharmacy),
        ("consent_all_pharmacy", s.AskingAll(_eligible(_TWO)), pharmacy),
        ("consent_all_dental", s.AskingAll(_eligible(_TWO)), dental),
        ("consent_item_dental", _asked(Item.CHECKUP, Item.MEDICATION), dental),
        ("consent_disease_pharmacy", _asked(Item.DISEASE, Item.MEDICATION), pharmacy),
    )
    for name, state, policy in states:
        yield Sample(name, view(s.Kiosk(state, s.Health(None), language), policy))


def samples(policy: Policy, language: str) -> list[Sample]:
    """Every page and its important variants."""
    found = [
        Sample(name, view(s.Kiosk(state, s.Health(None), language), policy), touch) for name, state, touch in _states()
    ]
    asking = next(sample for sample in found if sample.name == "consent_all")
    closed = s.Kiosk(s.StaffRoom(), s.Health(None, open=False), language)
    away = s.PutBack(_VISIT, "sample", s.EnteringPin(_VISIT))
    tested = s.StaffRoom(findings=(("camera", "ok"), ("reader", "ok"), ("scanner", "scanner_lost")))
    scanner = replace(policy, scanner=True)
    turned = s.PutBack(_VISIT, "sample", s.Scanning(_VISIT))
    return [
        *found,
        Sample("staff_room_closed", view(closed, policy)),
        Sample("put_back_front", view(s.Kiosk(turned, s.Health(None), language), scanner)),
        Sample("staff_room_scanner", view(s.Kiosk(tested, s.Health(None), language), scanner)),
        *(
            Sample(f"put_back_{code.name.lower()}", view(s.Kiosk(away, s.Health(code), language), policy))
            for code in (FailureCode.READER_HUNG, FailureCode.READER_SERVICE_DOWN, FailureCode.SEVERAL_CARDS)
        ),
        *_postpone(policy, language),
        *_pharmacy(language),
        Sample("help_called", replace(asking.view, help_called=True)),
        Sample("time_warning", asking.view, warn=25),
    ]


@dataclass(frozen=True)
class Flaw:
    """What is wrong with a rendered page."""

    page: str
    what: str


def _visible(window: QWidget) -> list[QWidget]:
    return [child for child in window.findChildren(QWidget) if child.isVisible()]


def _texts(widget: QWidget) -> tuple[str, ...]:
    if isinstance(widget, Words):
        return (widget.text,)
    texts = getattr(widget, "texts", ())
    return tuple(texts)


def rect_in(widget: QWidget, window: QWidget) -> QRect:
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


def flaws(window: QWidget, page: str, theme: Theme) -> list[Flaw]:
    """Clipped or overlapping text, glyphs that the font lacks, targets that are too small."""
    found: list[Flaw] = []
    shown = _visible(window)
    for widget in shown:
        rect = rect_in(widget, window)
        if not window.rect().contains(rect):
            found.append(Flaw(page, f"{_name(widget)} leaves the window"))
        parent = widget.parentWidget()
        if parent is not None and isinstance(widget, (Words, Press)) and not rect_in(parent, window).contains(rect):
            found.append(Flaw(page, f"{_name(widget)} leaves its parent"))
        if isinstance(widget, (Words, Press)) and widget.clipped():
            found.append(Flaw(page, f"text is clipped: {_name(widget)}"))
        if isinstance(widget, Press) and min(rect.width(), rect.height()) < theme.mm(15):
            found.append(Flaw(page, f"target under 15 mm: {_name(widget)}"))
        for text in _texts(widget):
            found.extend(Flaw(page, f"no glyph for {char!r}") for char in missing_glyphs(text, theme))
    solid = [widget for widget in shown if isinstance(widget, (Words, Press))]
    for place, one in enumerate(solid):
        for other in solid[place + 1 :]:
            if one.parentWidget() is other.parentWidget() and rect_in(one, window).intersects(rect_in(other, window)):
                found.append(Flaw(page, f"{_name(one)} lies over {_name(other)}"))
    return found


def _name(widget: QWidget) -> str:
    return widget.objectName() or " ".join(_texts(widget))[:24] or type(widget).__name__


_KNOWN: dict[str, bool] = {}


def missing_glyphs(text: str, theme: Theme) -> list[str]:
    """Characters that no installed family of the stack can show."""
    families = [name for name in theme.tokens.families if name in QFontDatabase.families()]
    fonts = [QRawFont.fromFont(theme.font("body"))] if not families else []
    for name in families:
        font = theme.font("body")
        font.setFamilies([name])
        fonts.append(QRawFont.fromFont(font))
    missing = []
    for char in sorted(set(text) - set(" \n\u3000")):
        known = _KNOWN.get(char)
        if known is None:
            known = _KNOWN[char] = any(font.supportsCharacter(ord(char)) for font in fonts)
        if not known:
            missing.append(char)
    return missing


def application() -> QApplication:
    """The process's Qt application; offscreen unless the environment names another platform."""
    running = QApplication.instance()
    return running if isinstance(running, QApplication) else QApplication(["kiosk"])


def make_window(catalogue: Catalogue, theme: Theme, policy: Policy, *, simulated: bool = True) -> KioskWindow:
    """A still window with sample doors."""
    return KioskWindow(catalogue, theme, policy, _drop, NoDoor(), DrawnFrames(), simulated, clock=_noon, still=True)


def _drop(event: e.Event) -> None:
    """Samples go nowhere."""


def _noon() -> datetime:
    return NOON


def stage(window: KioskWindow, sample: Sample) -> None:
    """Show a sample and do its touches."""
    window.clear_warning()
    window.present(replace(sample.view, page=Page.WORKING, panel=None))  # forget what the sample before typed
    window.present(sample.view)
    settle()
    for name in sample.touch:
        for press in window.findChildren(Press, name):
            if press.isVisible():
                press.click()
    if sample.warn:
        window.warn(sample.warn)
    settle()


def render_all(
    catalogue: Catalogue,
    theme: Theme,
    policy: Policy,
    out: Path,
    only: str = "",
    tell: Callable[[Path], None] | None = None,
) -> tuple[list[Path], list[Flaw]]:
    """Write `<language>/<name>.png` for every sample whose name contains `only`."""
    pictures: list[Path] = []
    found: list[Flaw] = []
    window = make_window(catalogue, theme, policy)
    window.show()
    for language in policy.languages:
        for sample in samples(policy, language):
            if only not in sample.name:
                continue
            stage(window, sample)
            path = out / language / f"{sample.name}.png"
            save(window, path)
            pictures.append(path)
            found.extend(flaws(window, f"{language}/{sample.name}", theme))
            if tell is not None:
                tell(path)
    window.close()
    return pictures, found
