"""The one window: heading, page, bottom bar, and what lies over them (time warning, word of notice)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import QElapsedTimer, QPoint, QRectF, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from kiosk.i18n import Catalogue
from kiosk.reception.events import Cancelled, Event, HelpWanted, LanguageChosen, MoreTime, StaffGesture
from kiosk.reception.policy import Policy
from kiosk.reception.view import Action, Page, Text, View, Weight
from kiosk.ui.components import (
    CENTRE,
    LEFT,
    ActionButton,
    Button,
    Icon,
    Notice,
    Panel,
    Words,
    grow_with_text,
    paint_sheet,
)
from kiosk.ui.pages.answers import AnswersBody, ConsentBody
from kiosk.ui.pages.base import SIDE, Body, Kit
from kiosk.ui.pages.ending import ProblemBody, ResultBody
from kiosk.ui.pages.identity import ChoiceBody, LookBody, PinBody, StaffBody, WaitBody, Whose
from kiosk.ui.pages.leaflet import LeafletBody
from kiosk.ui.pages.maintenance import RoomBody
from kiosk.ui.pages.number import NumberBody
from kiosk.ui.pages.query import QueryBody
from kiosk.ui.pages.refused import RefusedBody
from kiosk.ui.pages.scan import ScanBody
from kiosk.ui.pages.start import ClosedBody, IdleBody, NoCardBody
from kiosk.ui.pictures import Motion
from kiosk.ui.ports import FrameSource, SecretDoor
from kiosk.ui.theme import Theme
from kiosk.ui.typeset import lay_out

GESTURE_SECONDS = 3.0
_CORNER_MM = 22
# Pages whose leads stand in the body, not under the title.
_OWN_LEADS = frozenset(
    {
        Page.CONSENT_ALL,
        Page.CONSENT_ITEM,
        Page.LEAFLET,
        Page.LOOKUP_LIMIT,
        Page.LOOKUP_REFUSED,
        Page.TAKE_CARD,
        Page.FAREWELL,
        Page.PROBLEM,
        Page.PRACTICE_MACHINE,
        Page.OUT_OF_SERVICE,
        Page.READER_WAIT,
        Page.ONE_CARD,
    }
)
# Where nobody's reception can be disturbed by the staff's gesture.
_GESTURE = frozenset({Page.IDLE, Page.OUT_OF_SERVICE, Page.READER_WAIT, Page.ONE_CARD})


_CALM = frozenset({"notice.tries", "notice.certificate_ends_soon", "notice.welfare_unregistered"})
_NO_CARD_THERE = frozenset({Page.LOOKUP_PAPER, Page.LOOKUP_CARD_SEEN, Page.LOOKUP_TYPING, Page.LOOKUP_LIMIT})
_BACK_ICONS = {"back": "back", "other_method": "list", "done": "leave"}


class Deck(QWidget):
    """Shows one body. Unlike a stacked widget it never grows to the largest."""

    def __init__(self) -> None:
        super().__init__()
        self._current: Body | None = None
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)

    def add(self, body: Body) -> None:
        body.setParent(self)
        body.hide()

    @property
    def current(self) -> Body | None:
        return self._current

    def close_body(self) -> None:
        """Hide what is shown and let it forget. Also before the same body: what is shown again settles again."""
        if self._current is not None:
            self._current.hide()
            self._current.leave()
            self._current = None

    def open_body(self, body: Body) -> None:
        self._current = body
        body.setGeometry(self.rect())
        body.show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self._current is not None:
            self._current.setGeometry(self.rect())


class Header(QWidget):
    """Institution, language, help: on every page at the same place."""

    language = Signal(str)
    help = Signal()

    def __init__(self, kit: Kit, simulated: bool) -> None:
        super().__init__()
        self._kit, self._simulated = kit, simulated
        mm = kit.theme.mm
        self._name = Words(kit.theme, "lead", bold=True, colour="ink", leading=1.25)
        self._languages: dict[str, Button] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(mm(SIDE), mm(4), mm(SIDE), mm(3))
        row.setSpacing(mm(3))
        row.addWidget(self._name, 1, Qt.AlignmentFlag.AlignVCenter)
        for language in kit.policy.languages:
            button = LanguageButton(kit.theme, language)
            button.say(kit.catalogue.word("ui.name", language))
            button.clicked.connect(self._language)
            row.addWidget(button)
            self._languages[language] = button
        self._help = Button(kit.theme, "action:help", height=17, size="body", icon="bell", icon_mm=7)
        self._help.setFixedWidth(mm(52))
        self._help.clicked.connect(self._call)
        row.addWidget(self._help)

    def show_view(self, view: View) -> None:
        self._name.say(self._kit.policy.institution_name)
        self._help.say(self._kit.word("ui.help"))
        for language, button in self._languages.items():
            button.setChecked(language == view.language)
            button.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._kit.theme.colour("paper"))
        painter.fillRect(0, self.height() - 2, self.width(), 2, self._kit.theme.colour("line"))

    @Slot()
    def _language(self) -> None:
        button = self.sender()
        for language, known in self._languages.items():
            if known is button:
                self.language.emit(language)

    @Slot()
    def _call(self) -> None:
        self.help.emit()


class LanguageButton(Button):
    """A language in its own script; the one in use is underlined."""

    def __init__(self, theme: Theme, language: str) -> None:
        super().__init__(theme, f"language:{language}", height=17, size="body")
        self.setCheckable(True)
        self.setFixedWidth(theme.mm(30))

    def nextCheckState(self) -> None:
        """The view decides."""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme = self.theme
        chosen = self.isChecked()
        if chosen or self.isDown():
            paint_sheet(
                painter,
                theme,
                QRectF(self.rect()).adjusted(0, 3, 0, -7),
                "key_tint",
                "key_tint",
                radius="button",
                shadow=False,
            )
        self.paint_focus(painter, QRectF(self.rect()), theme.radius("button"))
        painter.setPen(theme.colour("key_deep" if chosen else "ink_soft"))
        block = lay_out(self.label, theme.font("body", bold=chosen), self.width())
        block.draw(painter, QRectF(self.rect()).adjusted(0, 0, 0, -4), CENTRE)
        if chosen:
            wide = block.width
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("key"))
            line = QRectF((self.width() - wide) / 2, self.height() / 2 + theme.mm(4), wide, theme.px(4))
            painter.drawRoundedRect(line, 2, 2)


class Heading(QWidget):
    """The question, what belongs to it, and a notice."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        mm = kit.theme.mm
        self.title = Words(kit.theme, "title", bold=True, leading=1.3, balance=True)
        self._leads = [Words(kit.theme, "lead", colour="ink_soft", leading=1.45) for _ in range(2)]
        self._notice = Notice(kit.theme, "warn", "lead")
        column = QVBoxLayout(self)
        column.setContentsMargins(mm(SIDE), mm(7), mm(SIDE), mm(4))
        column.setSpacing(mm(3.5))
        column.addWidget(self.title)
        column.addSpacing(mm(1))
        for words in self._leads:
            column.addWidget(words)
        column.addSpacing(mm(1))
        column.addWidget(self._notice)
        grow_with_text(self)

    def show_view(self, view: View) -> None:
        self.title.say(self._kit.text(view.title))
        leads = () if view.page in _OWN_LEADS else view.lead
        for place, words in enumerate(self._leads):
            words.say(self._kit.text(leads[place]) if place < len(leads) else "")
        notice = view.notice
        calm = notice is not None and notice.key in _CALM
        self._notice.say(self._kit.text(notice) if notice else "", "info" if calm else "warn")


class Bar(QWidget):
    """Back at the left, stop at the right."""

    chosen = Signal(object)

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        mm = kit.theme.mm
        self._back = ActionButton(
            kit.theme, "back", height=21, size="lead", icon="back", icon_mm=7, weight=Weight.QUIET
        )
        self._cancel = ActionButton(
            kit.theme, "cancel", height=21, size="lead", icon="eject", icon_mm=8, weight=Weight.QUIET
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(mm(SIDE), mm(4), mm(SIDE), mm(7))
        row.setSpacing(mm(5))
        row.addWidget(self._back)
        row.addStretch(1)
        row.addWidget(self._cancel)
        for button in (self._back, self._cancel):
            button.chosen.connect(self._chosen)
        self.setFixedHeight(mm(32))

    def show_view(self, view: View) -> None:
        back = view.back
        self._back.setVisible(back is not None)
        if back is not None:
            self._back.setObjectName(f"action:{back.name}")
            self._back.set_icon(_BACK_ICONS[back.name])
            self._back.offer(back, self._kit.text(back.text))
        self._cancel.setVisible(view.can_cancel)
        if view.can_cancel:
            card = view.page not in _NO_CARD_THERE
            self._cancel.set_icon("eject" if card else "leave")
            stop = Action("cancel", Text("action.cancel" if card else "action.stop"), Cancelled(), Weight.QUIET)
            self._cancel.offer(stop, self._kit.text(stop.text))
        self.setVisible(back is not None or view.can_cancel)

    @Slot(object)
    def _chosen(self, event: Event) -> None:
        self.chosen.emit(event)


class Veil(QWidget):
    """Time is running out: one sentence, one button, seconds that count down."""

    more = Signal()

    def __init__(self, kit: Kit, parent: QWidget) -> None:
        super().__init__(parent)
        self._kit, self._window = kit, parent
        self._left = 0
        mm = kit.theme.mm
        self._sheet = Panel(kit.theme)
        inside = QVBoxLayout(self._sheet)
        inside.setContentsMargins(mm(11), mm(12), mm(11), mm(12))
        inside.setSpacing(mm(6))
        icon = QHBoxLayout()
        icon.addStretch(1)
        icon.addWidget(Icon(kit.theme, "clock", "warn", 24))
        icon.addStretch(1)
        inside.addLayout(icon)
        self._title = Words(kit.theme, "title", bold=True, align=CENTRE, leading=1.3)
        self._lead = Words(kit.theme, "lead", align=CENTRE, balance=True)
        self._button = Button(kit.theme, "action:more_time", height=30, size="heading", weight=Weight.MAIN)
        self._button.clicked.connect(self._more)
        for widget in (self._title, self._lead, self._button):
            inside.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(mm(15), 0, mm(15), 0)
        column.addStretch(1)
        column.addWidget(self._sheet)
        column.addStretch(1)
        self._second = QTimer(self)
        self._second.setInterval(1000)
        self._second.timeout.connect(self._tick)
        self.hide()

    def warn(self, seconds: int) -> None:
        self._left = max(0, seconds)
        self.translate()
        self.setGeometry(self._window.rect())
        self.show()
        self.raise_()
        self._second.start()

    def clear(self) -> None:
        self._second.stop()
        self.hide()

    def translate(self) -> None:
        word = self._kit.word
        self._title.say(word("time.title"))
        self._lead.say(word("time.lead", seconds=self._left))
        self._button.say(word("action.more_time"))

    @Slot()
    def _tick(self) -> None:
        self._left = max(0, self._left - 1)
        self.translate()

    @Slot()
    def _more(self) -> None:
        self.clear()
        self.more.emit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), self._kit.theme.colour("key_press", 0.6))


class Toast(QWidget):
    """One sentence for a few seconds."""

    def __init__(self, kit: Kit, parent: QWidget) -> None:
        super().__init__(parent)
        self._kit, self._window = kit, parent
        self._words = Words(kit.theme, "lead", bold=True, colour="paper", align=CENTRE, balance=True)
        edge = kit.theme.mm(6)
        column = QVBoxLayout(self)
        column.setContentsMargins(edge, edge, edge, edge)
        column.addWidget(self._words)
        self._gone = QTimer(self)
        self._gone.setSingleShot(True)
        self._gone.setInterval(5000)
        self._gone.timeout.connect(self.hide)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def say(self, text: str) -> None:
        self._words.say(text)
        parent = self._window
        edge = self._kit.theme.mm(SIDE)
        wide = parent.width() - 2 * edge
        tall = self._words.heightForWidth(wide - self._kit.theme.mm(12)) + self._kit.theme.mm(13)
        self.setGeometry(edge, parent.height() - tall - self._kit.theme.mm(12), wide, tall)
        self.show()
        self.raise_()
        self._gone.start()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_sheet(painter, self._kit.theme, QRectF(self.rect()), "key_press", "key_press", shadow=False)


class Watermark(QWidget):
    """「模擬」 at the top edge of a simulated kiosk."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self.words = Words(kit.theme, "small", bold=True, colour="warn", align=CENTRE, leading=1.1)
        row = QVBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addStretch(1)
        row.addWidget(self.words)
        row.addStretch(1)
        self.setFixedHeight(kit.theme.mm(8))

    def translate(self) -> None:
        self.words.say(self._kit.word("ui.simulated_long"))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._kit.theme.colour("warn_tint"))
        painter.fillRect(0, self.height() - 2, self.width(), 2, self._kit.theme.colour("warn"))


def _system_time() -> datetime:
    return datetime.now().astimezone()


class KioskWindow(QWidget):
    """Renders views and posts events. Knows no reception: what it shows is what `present` was given last.

    `still`: no animation and no settling time (pictures, tests). `clock` gives local time.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        theme: Theme,
        policy: Policy,
        post: Callable[[Event], None],
        secrets: SecretDoor,
        frames: FrameSource,
        simulated: bool,
        *,
        clock: Callable[[], datetime] = _system_time,
        still: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("still", still)
        self._theme, self._simulated = theme, simulated
        self._post = post
        self._kit = Kit(
            theme=theme,
            catalogue=catalogue.with_defaults(institution=policy.institution_name),
            policy=policy,
            post=post,
            secrets=secrets,
            frames=frames,
            clock=clock,
            notify=self.notify,
        )
        self._view: View | None = None
        self._ground: QPixmap | None = None
        self._taps: list[str] = []
        self._since = QElapsedTimer()
        self.setFixedSize(*theme.size)
        self.setWindowTitle(policy.institution_name)

        self._watermark = Watermark(self._kit)
        self._header = Header(self._kit, simulated)
        self._called = Notice(theme, "good", "lead")
        self._heading = Heading(self._kit)
        self._deck = Deck()
        self._bar = Bar(self._kit)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._watermark)
        column.addWidget(self._header)
        called = QHBoxLayout()
        called.setContentsMargins(theme.mm(SIDE), theme.mm(3), theme.mm(SIDE), 0)
        called.addWidget(self._called)
        column.addLayout(called)
        column.addWidget(self._heading)
        column.addWidget(self._deck, 1)
        column.addWidget(self._bar)
        self._watermark.setVisible(simulated)
        self._veil = Veil(self._kit, self)
        self._toast = Toast(self._kit, self)

        self._header.language.connect(self._choose_language)
        self._header.help.connect(self._call_help)
        self._bar.chosen.connect(self._chosen)
        self._veil.more.connect(self._more_time)
        self._bodies = self._make_bodies()
        for body in set(self._bodies.values()):
            self._deck.add(body)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    def _make_bodies(self) -> dict[Page, Body]:
        kit = self._kit
        choice, wait, consent, result, problem = (
            ChoiceBody(kit),
            WaitBody(kit),
            ConsentBody(kit),
            ResultBody(kit),
            ProblemBody(kit),
        )
        return {
            Page.IDLE: IdleBody(kit),
            Page.NO_CARD: NoCardBody(kit),
            Page.CHOOSE_METHOD: choice,
            Page.READING: wait,
            Page.LAST_TRY: choice,
            Page.PIN: PinBody(kit),
            Page.SCAN_CARD: ScanBody(kit),
            Page.CARD_NUMBER: NumberBody(kit),
            Page.LOOK_HERE: LookBody(kit),
            Page.FACE_RETRY: choice,
            Page.STAFF_CONFIRM: StaffBody(kit),
            Page.WORKING: wait,
            Page.REGISTRATION: choice,
            Page.CONSENT_ALL: consent,
            Page.CONSENT_ITEM: consent,
            Page.CHECK_ANSWERS: AnswersBody(kit),
            Page.TAKE_CARD: result,
            Page.FAREWELL: result,
            Page.PUT_BACK: WaitBody(kit, Motion.PUT),
            Page.READER_WAIT: problem,
            Page.ONE_CARD: problem,
            Page.PROBLEM: problem,
            Page.PRACTICE_MACHINE: problem,
            Page.OUT_OF_SERVICE: ClosedBody(kit),
            Page.STAFF_DOOR: PinBody(kit, Whose.MAINTENANCE),
            Page.LEAFLET: LeafletBody(kit),
            Page.LOOKUP_DOOR: PinBody(kit, Whose.LOOKUP),
            Page.LOOKUP_PAPER: ChoiceBody(kit, height=34),
            Page.LOOKUP_REFUSED: RefusedBody(kit),
            Page.LOOKUP_CARD_SEEN: choice,
            Page.LOOKUP_TYPING: QueryBody(kit),
            Page.LOOKUP_LIMIT: consent,
            Page.STAFF_ROOM: RoomBody(kit),
        }

    # --- what the runtime calls ---

    @Slot(object)
    def present(self, view: View) -> None:
        """Show `view`. The same page again (another language, another hint) keeps what was typed."""
        turned = self._view is None or self._view.page != view.page
        if turned:
            self._toast.hide()
            self._deck.close_body()
        self._view = view
        self._kit.language = view.language
        self._watermark.translate()
        self._header.show_view(view)
        self._called.say(self._kit.word("ui.help_called") if view.help_called else "")
        self._heading.show_view(view)
        self._bar.show_view(view)
        body = self._bodies[view.page]
        body.apply(view)
        if turned:
            self._deck.open_body(body)
        if self._veil.isVisible():
            self._veil.translate()
        if turned:
            self._taps.clear()
            self.setFocus()  # no button of the new page is chosen beforehand

    def warn(self, seconds: int) -> None:
        """`seconds` are left on this page; one button asks for more."""
        self._veil.warn(seconds)

    def clear_warning(self) -> None:
        self._veil.clear()

    def notify(self, text_key: str) -> None:
        """A sentence of the catalogue over the page, for 5 seconds."""
        self._toast.say(self._kit.word(text_key))

    @property
    def view(self) -> View | None:
        """What is shown."""
        return self._view

    def simulation_words(self) -> str:
        """What the band of a simulated kiosk says."""
        return self._kit.word("ui.simulated_long")

    # --- people ---

    @Slot(str)
    def _choose_language(self, language: str) -> None:
        self._post(LanguageChosen(language))

    @Slot()
    def _call_help(self) -> None:
        self._post(HelpWanted())

    @Slot(object)
    def _chosen(self, event: Event) -> None:
        self._post(event)

    @Slot()
    def _more_time(self) -> None:
        self._post(MoreTime())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A numeric keyboard types into the page's pad."""
        body = self._deck.current
        key = event.key()
        if body is None or self._veil.isVisible() or event.isAutoRepeat():
            return
        if Qt.Key.Key_0 <= key <= Qt.Key.Key_9:
            body.type_digit(key - Qt.Key.Key_0)
        elif key in (Qt.Key.Key_Backspace, Qt.Key.Key_Delete):
            body.erase()
        elif key == Qt.Key.Key_Minus:
            body.type_hyphen()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            body.enter()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._tap(event.position().toPoint())

    def _tap(self, at: QPoint) -> None:
        """Staff's hidden gesture: upper left, upper right, upper left, upper right within 3 s."""
        if self._view is None or self._view.page not in _GESTURE:
            return
        corner = self._theme.mm(_CORNER_MM)
        left = at.y() < corner and at.x() < corner
        right = at.y() < corner and at.x() > self.width() - corner
        wanted = "LRLR"[len(self._taps)]
        tapped = "L" if left else "R" if right else ""
        if tapped != wanted:
            self._taps = ["L"] if tapped == "L" else []
        else:
            self._taps.append(tapped)
        if self._taps == ["L"]:
            self._since.start()
        elif self._taps and self._since.elapsed() > GESTURE_SECONDS * 1000:
            self._taps.clear()
        if len(self._taps) == 4:
            self._taps.clear()
            self._post(StaffGesture())

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._ground is None:
            self._ground = QPixmap(self.size())
            self._ground.fill(self._theme.colour("ground"))
            if self._simulated:
                painter = QPainter(self._ground)
                self._mark(painter)
                painter.end()
        QPainter(self).drawPixmap(event.rect(), self._ground, event.rect())

    def _mark(self, painter: QPainter) -> None:
        """「模擬」 faintly all over the ground, under everything: also a cropped photograph shows it."""
        theme = self._theme
        font = theme.font("display", bold=True)
        font.setPixelSize(max(1, theme.mm(20)))
        block = lay_out(self._kit.word("ui.simulated"), font, 1e6)
        painter.setPen(theme.colour("warn", 0.05))
        pitch_x, pitch_y = theme.mm(74), theme.mm(56)
        for row in range(-1, 9):
            for column in range(-1, 5):
                painter.save()
                shift = pitch_x / 2 if row % 2 else 0
                painter.translate(column * pitch_x + shift, row * pitch_y)
                painter.rotate(-24)
                block.draw(painter, QRectF(0, 0, block.width, block.height), LEFT)
                painter.restore()
