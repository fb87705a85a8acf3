"""What the window posts, keeps and forgets."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from devices.face.quality import OVAL
from devices.secret import SecretBytes
from kiosk.i18n import Catalogue
from kiosk.reception import events as e
from kiosk.reception.consent import Item
from kiosk.reception.states import Method, Paper, ReceptionId, StaffReason
from kiosk.reception.view import Page
from kiosk.ui.components import Press
from kiosk.ui.keypad import Dots
from kiosk.ui.pages import identity
from kiosk.ui.pages.identity import PinBody
from kiosk.ui.pages.number import FieldBox, NumberBody
from kiosk.ui.pictures import CardOnReader
from kiosk.ui.ports import Picture
from kiosk.ui.preview import DIM_PULLS, Preview
from kiosk.ui.robot import NotOnPage
from kiosk.ui.screenshots import settle
from tests.ui.conftest import Bench


def _pad(bench: Bench) -> PinBody:
    return next(body for body in bench.window.findChildren(PinBody) if body.isVisible())


@pytest.mark.parametrize(
    ("page", "name", "event"),
    [
        ("idle", "no_card", e.NoCardChosen(ReceptionId(""))),
        ("choose_method", "face", e.MethodChosen(Method.FACE)),
        ("choose_method", "pin", e.MethodChosen(Method.PIN)),
        ("choose_method", "staff", e.MethodChosen(Method.STAFF)),
        ("choose_method", "cancel", e.Cancelled()),
        ("choose_method", "help", e.HelpWanted()),
        ("last_try", "use_last_try", e.LastTryAccepted()),
        ("last_try", "other_method", e.OtherMethod()),
        ("pin", "other_method", e.OtherMethod()),
        ("face_retry", "try_again", e.TryAgain()),
        ("registration", "register", e.RegistrationAnswered(True)),
        ("registration", "decline_registration", e.RegistrationAnswered(False)),
        ("consent_all", "all_yes", e.AllAnswered(e.All.YES)),
        ("consent_all", "all_no", e.AllAnswered(e.All.NO)),
        ("consent_all", "each", e.AllAnswered(e.All.EACH)),
        ("consent_item", "item_yes", e.ItemAnswered(Item.CHECKUP, True)),
        ("consent_item", "item_no", e.ItemAnswered(Item.CHECKUP, False)),
        ("consent_item", "back", e.Back()),
        ("consent_disease", "item_use", e.ItemAnswered(Item.DISEASE, True)),
        ("consent_limit", "item_not_use", e.ItemAnswered(Item.LIMIT, False)),
        ("consent_subsidy", "item_use", e.ItemAnswered(Item.SUBSIDY, True)),
        ("consent_prescription", "prescription_electronic", e.ItemAnswered(Item.PRESCRIPTION, True)),
        ("consent_prescription", "prescription_paper", e.ItemAnswered(Item.PRESCRIPTION, False)),
        ("dispense", "dispense_all", e.ItemAnswered(Item.DISPENSE, True, ("a", "b"))),
        ("dispense", "dispense_2", e.ItemAnswered(Item.DISPENSE, True, ("b",))),
        ("dispense", "dispense_none", e.ItemAnswered(Item.DISPENSE, False)),
        ("dispense_many", "dispense_5", e.ItemAnswered(Item.DISPENSE, True, ("10",))),
        ("check_answers_eight", "change_prescription", e.ChangeAnswer(Item.PRESCRIPTION)),
        ("idle", "leaflet", e.LeafletOpened()),
        ("leaflet_card", "next_page", e.LeafletTurned(1)),
        ("leaflet_card", "previous_page", e.LeafletTurned(-1)),
        ("leaflet_card", "done", e.Back()),
        ("no_card", "lookup", e.LookupWanted(ReceptionId(""))),
        ("lookup_paper", "paper_certificate", e.PaperChosen(Paper.CERTIFICATE)),
        ("lookup_paper", "paper_portal_alone", e.PaperChosen(Paper.PORTAL_ALONE)),
        ("lookup_refused_notice_alone", "cancel", e.Cancelled()),
        ("lookup_refused_portal_alone", "back", e.Back()),
        ("lookup_card_seen", "card_seen", e.CardSeen(True)),
        ("lookup_card_seen", "card_not_seen", e.CardSeen(False)),
        ("lookup_typing", "cancel", e.Cancelled()),
        ("lookup_limit", "item_use", e.ItemAnswered(Item.LIMIT, True)),
        ("lookup_problem_gateway_down_postpone", "postpone", e.PostponeWanted()),
        ("lookup_problem_gateway_down_postpone", "try_again", e.TryAgain()),
        ("lookup_problem_folder_down", "type_again", e.Back()),
        ("problem_gateway_down_postpone", "postpone", e.PostponeWanted()),
        ("check_answers", "change_medication", e.ChangeAnswer(Item.MEDICATION)),
        ("check_answers", "confirm_answers", e.AnswersConfirmed()),
        ("no_card", "done", e.Back()),
        ("staff_room", "test_camera", e.TestWanted(e.Test.CAMERA)),
        ("staff_room", "close_kiosk", e.ServiceSet(False)),
        ("staff_room", "leave", e.StaffLeft()),
    ],
)
def test_a_button_posts_its_event_once(bench: Bench, page: str, name: str, event: e.Event) -> None:
    bench.show(page)
    bench.robot.act(name)
    assert bench.events == [event]


def test_a_finger_that_slides_off_does_nothing(bench: Bench) -> None:
    bench.show("consent_all")
    button = bench.robot.find("action:all_yes")
    assert button is not None
    QTest.mousePress(button, Qt.MouseButton.LeftButton, pos=button.rect().center())
    assert bench.events == []
    QTest.mouseMove(button, QPoint(-40, -40))
    QTest.mouseRelease(button, Qt.MouseButton.LeftButton, pos=QPoint(-40, -40))
    assert bench.events == []
    QTest.mousePress(button, Qt.MouseButton.LeftButton, pos=button.rect().center())
    QTest.mouseRelease(button, Qt.MouseButton.LeftButton, pos=button.rect().center())
    assert bench.events == [e.AllAnswered(e.All.YES)]


def test_the_second_tap_of_a_double_tap_is_not_meant(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(still=False)
    bench.show("choose_method")
    button = next(one for one in bench.window.findChildren(Press, "action:pin") if one.isVisible())
    QTest.mouseClick(button, Qt.MouseButton.LeftButton, pos=button.rect().center())
    assert bench.events == []
    bench.robot.act("pin")
    assert bench.events == [e.MethodChosen(Method.PIN)]


def test_a_double_tap_answers_one_question(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(still=False)
    view = bench.show("consent_item")
    bench.robot.act("item_yes")
    assert bench.events == [e.ItemAnswered(Item.CHECKUP, True)]
    next_yes = replace(view.actions[0], event=e.ItemAnswered(Item.MEDICATION, True))
    bench.window.present(replace(view, actions=(next_yes, view.actions[1])))
    button = next(one for one in bench.window.findChildren(Press, "action:item_yes") if one.isVisible())
    QTest.mouseClick(button, Qt.MouseButton.LeftButton, pos=button.rect().center())
    assert len(bench.events) == 1
    bench.robot.act("item_yes")
    assert bench.events[1:] == [e.ItemAnswered(Item.MEDICATION, True)]


def test_a_finger_on_a_button_stays_through_a_progress(bench: Bench) -> None:
    view = bench.show("choose_method_reading")
    button = bench.robot.find("action:face")
    assert button is not None
    QTest.mousePress(button, Qt.MouseButton.LeftButton, pos=button.rect().center())
    bench.window.present(replace(view, panel=None, language="en"))
    QTest.mouseRelease(button, Qt.MouseButton.LeftButton, pos=button.rect().center())
    assert bench.events == [e.MethodChosen(Method.FACE)]


def test_a_finger_does_not_answer_what_it_did_not_see(bench: Bench) -> None:
    view = bench.show("consent_item")
    button = bench.robot.find("action:item_yes")
    assert button is not None
    QTest.mousePress(button, Qt.MouseButton.LeftButton, pos=button.rect().center())
    other = replace(view.actions[0], event=e.ItemAnswered(Item.MEDICATION, True))
    bench.window.present(replace(view, actions=(other, view.actions[1])))
    QTest.mouseRelease(button, Qt.MouseButton.LeftButton, pos=button.rect().center())
    assert bench.events == []


def test_the_robot_does_not_press_what_is_not_there(bench: Bench) -> None:
    bench.show("choose_method_no_pin")
    with pytest.raises(NotOnPage, match="action:pin"):
        type(bench.robot)(bench.window, patience=0.05).act("pin")


def test_the_card_s_door_says_what_to_do(bench: Bench) -> None:
    bench.show("idle")
    bench.robot.press("door:card")
    assert bench.events == []


# --- secrets ---


def test_a_pin_leaves_in_a_secret(bench: Bench) -> None:
    bench.show("pin")
    bench.robot.type_pin("1234")
    assert bench.door.out == [("pin", b"1234")]


def test_a_pin_needs_four_digits(bench: Bench) -> None:
    bench.show("pin")
    bench.robot.type_digits("123")
    assert bench.robot.find("key:enter") is None
    bench.robot.press("key:4")
    assert bench.robot.find("key:5") is None
    bench.robot.press("key:clear")
    bench.robot.press("key:5")
    bench.robot.press("key:enter")
    assert bench.door.out == [("pin", b"1235")]


@pytest.mark.parametrize("page", ["pin", "staff_confirm", "staff_door", "lookup_door"])
def test_what_was_typed_is_overwritten_when_the_page_goes(bench: Bench, page: str) -> None:
    bench.show(page)
    bench.robot.type_digits("987")
    (secret,) = bench.door.made
    assert bytes(secret.view()) == b"987"
    bench.show("working")
    assert len(secret) == 0
    assert b"9" not in bytes(secret._buffer)
    assert bench.door.out == []


def test_another_language_keeps_what_was_typed(bench: Bench) -> None:
    bench.show("pin")
    bench.robot.type_digits("12")
    bench.robot.press("language:en")
    assert bench.events == [e.LanguageChosen("en")]
    bench.translate("en")
    bench.robot.type_pin("34")
    assert bench.door.out == [("pin", b"1234")]


def test_pin_keys_tell_nothing(bench: Bench) -> None:
    """Pressed and released keys look alike, and no accessible name says a digit."""
    bench.show("pin")
    settle()
    keys = [bench.robot.find(f"key:{digit}") for digit in range(10)]
    for key in keys:
        assert key is not None
        assert key.accessibleName() == ""
        assert key.text() == ""
        before = key.grab().toImage()
        key.setDown(True)
        assert key.grab().toImage() == before
        key.setDown(False)


def test_dots_tell_how_many_and_not_which(bench: Bench) -> None:
    bench.show("pin")
    dots = _pad(bench).findChild(Dots)
    assert isinstance(dots, Dots)
    pictures = []
    for digit in (1, 8):
        _pad(bench).pad.forget()
        bench.robot.press(f"key:{digit}")
        pictures.append(dots.grab().toImage())
    assert pictures[0] == pictures[1]


def test_a_numeric_keyboard_types_too(bench: Bench, qtbot: QtBot) -> None:
    bench.show("pin")
    qtbot.keyClicks(bench.window, "1239")
    qtbot.keyClick(bench.window, Qt.Key.Key_Backspace)
    qtbot.keyClicks(bench.window, "4")
    qtbot.keyClick(bench.window, Qt.Key.Key_Return)
    assert bench.door.out == [("pin", b"1234")]


def test_staff_give_a_reason_first(bench: Bench) -> None:
    bench.show("staff_confirm")
    bench.robot.type_digits("424242")
    assert bench.robot.find("key:enter") is None
    bench.robot.press("reason:cannot_reach")
    bench.robot.press("key:enter")
    assert bench.door.out == [(f"staff {StaffReason.CANNOT_REACH}", b"424242")]


def test_staff_wait_after_wrong_credentials(bench: Bench) -> None:
    bench.show("staff_confirm_wait")
    assert bench.robot.find("key:1") is None
    for door in ("staff_door_wait", "lookup_door_wait"):
        bench.show(door)
        assert bench.robot.find("key:1") is None


def test_the_maintenance_pin(bench: Bench) -> None:
    bench.show("staff_door")
    bench.robot.type_pin("135790")
    assert bench.door.out == [("maintenance", b"135790")]


def test_the_staff_credential_of_the_look_up(bench: Bench) -> None:
    bench.show("lookup_door")
    bench.robot.type_pin("424242")
    assert bench.door.out == [("lookup", b"424242")]


# --- 照合番号B ---


def _number(bench: Bench) -> NumberBody:
    (body,) = bench.window.findChildren(NumberBody)
    return body


def test_the_number_leaves_as_fourteen_digits(bench: Bench) -> None:
    bench.show("card_number")
    bench.robot.type_number("showa", 55, 2, 17, 2035, "2285")
    assert bench.door.out == [("number", b"55021720352285")]
    assert [bytes(box.digits.raw) for box in _number(bench).boxes.values()] == [b""] * 5


def test_a_western_birth_date(bench: Bench) -> None:
    bench.show("card_number")
    bench.robot.type_number("western", 1985, 6, 30, 2030, "0001")
    assert bench.door.out == [("number", b"85063020300001")]


def test_a_date_that_does_not_exist_stays_and_can_be_typed_again(bench: Bench) -> None:
    bench.show("card_number")
    bench.robot.press("field:era:showa")
    bench.robot.type_digits("550230")
    assert bench.robot.find("key:enter") is None
    bench.robot.type_digits("1720352285")
    bench.robot.press("key:enter")
    assert bench.door.out == [("number", b"55021720352285")]


def test_one_digit_is_enough_for_a_month(bench: Bench) -> None:
    bench.show("card_number")
    bench.robot.press("field:era:reiwa")
    for digit in ("1", "6", "3"):
        bench.robot.press(f"key:{digit}")
        bench.robot.press("key:enter")
    bench.robot.type_digits("20301234")
    bench.robot.press("key:enter")
    assert bench.door.out == [("number", b"01060320301234")]


def test_a_field_can_be_gone_back_to(bench: Bench) -> None:
    bench.show("card_number")
    bench.robot.press("field:era:showa")
    bench.robot.type_digits("55021720352286")
    bench.robot.press("field:code")
    bench.robot.press("key:clear")
    bench.robot.press("key:5")
    bench.robot.press("field:era")
    bench.robot.press("field:era:heisei")
    assert bench.robot.find("key:enter") is None  # Heisei has no year 55
    bench.robot.press("field:era")
    bench.robot.press("field:era:showa")
    bench.robot.press("key:enter")
    assert bench.door.out == [("number", b"55021720352285")]


def test_erasing_walks_back(bench: Bench) -> None:
    bench.show("card_number")
    bench.robot.press("field:era:showa")
    bench.robot.type_digits("5502")
    for _ in range(3):
        bench.robot.press("key:clear")
    boxes = _number(bench).boxes
    assert [len(box.digits) for box in boxes.values()] == [1, 0, 0, 0, 0]


def test_the_number_is_overwritten_when_the_page_goes(bench: Bench) -> None:
    bench.show("card_number")
    bench.robot.press("field:era:showa")
    bench.robot.type_digits("5502")
    held = [box.digits.raw for box in _number(bench).boxes.values()]
    assert bytes(held[0]) == b"55"
    bench.show("working")
    assert [bytes(raw) for raw in held] == [b""] * 5


def test_another_language_keeps_the_number(bench: Bench) -> None:
    bench.show("card_number")
    bench.robot.press("field:era:showa")
    bench.robot.type_digits("550217")
    bench.translate("en")
    bench.robot.type_digits("20352285")
    bench.robot.press("key:enter")
    assert bench.door.out == [("number", b"55021720352285")]


def test_digits_stand_in_no_text(bench: Bench) -> None:
    """Printed digits are painted, never kept as a string of a widget."""
    bench.show("card_number")
    bench.robot.press("field:era:showa")
    bench.robot.type_digits("5502172035")
    for widget in bench.window.findChildren(QWidget):
        assert "2035" not in widget.accessibleName() + widget.accessibleDescription() + widget.toolTip()
    assert all(box.text() == "" for box in bench.window.findChildren(FieldBox))


# --- overlay, camera, gesture ---


def test_the_time_warning_asks_and_stops(bench: Bench) -> None:
    bench.show("consent_all")
    bench.window.warn(25)
    settle()
    button = bench.robot.find("action:all_yes")
    assert button is not None
    covered = bench.window.childAt(button.mapTo(bench.window, QPoint(40, 40)))
    assert covered is not None
    assert covered.objectName() != "action:all_yes"
    bench.robot.act("more_time")
    assert bench.events == [e.MoreTime()]
    assert type(bench.robot)(bench.window, patience=0.05).find("action:more_time") is None


def test_the_warning_can_be_taken_back(bench: Bench) -> None:
    bench.show("pin")
    bench.window.warn(25)
    bench.window.clear_warning()
    bench.robot.type_pin("1234")
    assert bench.door.out == [("pin", b"1234")]


def test_the_preview_lets_go_of_the_picture(bench: Bench) -> None:
    bench.show("look_here")
    (preview,) = bench.window.findChildren(Preview)
    assert preview.holds_picture
    bench.show("working")
    assert not preview.holds_picture


def test_the_preview_is_a_mirror(bench: Bench) -> None:
    import numpy as np

    bench.show("look_here")
    settle()
    (preview,) = bench.window.findChildren(Preview)
    picture = np.zeros((360, 640, 3), np.uint8)
    picture[:, :320, 2] = 255  # red at the camera's left
    preview._picture = picture
    image = preview.grab().toImage()
    left = image.pixelColor(round(preview.oval().left()) + 60, round(preview.oval().center().y()))
    right = image.pixelColor(round(preview.oval().right()) - 60, round(preview.oval().center().y()))
    assert right.red() == 255
    assert left.red() == 0


@pytest.mark.parametrize(("hint", "side"), [("turn_left", -1), ("turn_right", 1), ("blink", 0)])
def test_the_arrow_stands_where_the_mirror_shows_that_side(bench: Bench, hint: str, side: int) -> None:
    """A person's left is the left of a mirror, and of the page."""
    bench.show(f"look_here_{hint}")
    settle()
    (preview,) = bench.window.findChildren(Preview)
    oval, sign = preview.oval(), preview.sign()
    if side == 0:
        assert abs(sign.center().x() - oval.center().x()) < 2
    else:
        assert side * (sign.center().x() - oval.center().x()) > oval.width() / 2
        assert not sign.intersects(oval)
    assert preview.rect().contains(sign.toRect())
    bench.show("look_here_look_straight")
    settle()
    bare = preview.grab().toImage()
    bench.show(f"look_here_{hint}")
    settle()
    assert preview.grab().toImage() != bare


def test_without_a_camera_the_page_says_so(bench: Bench) -> None:
    bench.show("look_here")
    settle()
    (preview,) = bench.window.findChildren(Preview)
    with_person = preview.grab().toImage()
    preview._picture = None
    assert preview.grab().toImage() != with_person


def test_the_idle_picture_moves_and_a_still_one_does_not(make_bench: Callable[..., Bench], qtbot: QtBot) -> None:
    for still in (False, True):
        bench = make_bench(still=still)
        bench.show("idle")
        settle()
        (picture,) = [one for one in bench.window.findChildren(CardOnReader) if one.isVisible()]
        first = picture.grab().toImage()
        if still:
            qtbot.wait(150)
            assert picture.grab().toImage() == first
        else:
            qtbot.waitUntil(lambda p=picture, f=first: p.grab().toImage() != f)


def test_staff_open_their_door_with_four_taps(bench: Bench) -> None:
    bench.show("idle")
    bench.robot.staff_gesture()
    assert bench.events == [e.StaffGesture()]


def test_the_gesture_works_nowhere_else(bench: Bench) -> None:
    bench.show("pin")
    bench.robot.staff_gesture()
    assert bench.events == []


def test_other_taps_are_no_gesture(bench: Bench) -> None:
    bench.show("idle")
    near, far = 5, bench.window.width() - 5
    for x in (near, far, far, near, far):
        QTest.mouseClick(bench.window, Qt.MouseButton.LeftButton, pos=QPoint(x, near))
    assert bench.events == []


def test_no_button_is_chosen_beforehand(bench: Bench) -> None:
    for name in ("idle", "consent_all", "registration"):
        bench.show(name)
        settle()
        assert not any(press.hasFocus() for press in bench.window.findChildren(Press))


def test_tab_and_enter_reach_every_answer(bench: Bench, qtbot: QtBot) -> None:
    bench.show("consent_all")
    bench.window.activateWindow()
    reached = set()
    for _ in range(20):
        qtbot.keyClick(bench.window.focusWidget() or bench.window, Qt.Key.Key_Tab)
        focus = bench.window.focusWidget()
        if isinstance(focus, Press):
            reached.add(focus.objectName())
    assert {"action:all_yes", "action:all_no", "action:each", "action:help", "action:cancel"} <= reached
    button = bench.robot.find("action:all_no")
    assert button is not None
    button.setFocus()
    qtbot.keyClick(button, Qt.Key.Key_Return)
    assert bench.events == [e.AllAnswered(e.All.NO)]


def test_help_is_confirmed_on_the_page(bench: Bench) -> None:
    view = bench.show("choose_method")
    height = bench.window.grab().toImage()
    bench.window.present(replace(view, help_called=True))
    settle()
    assert bench.window.grab().toImage() != height


def test_the_page_is_told(bench: Bench) -> None:
    bench.show("take_card_done")
    assert bench.robot.page() is Page.TAKE_CARD


def test_secrets_are_real(bench: Bench) -> None:
    assert isinstance(bench.door.new(4), SecretBytes)


def test_in_the_dark_the_page_is_the_lamp_until_it_goes(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    bench.show("look_here")
    settle()
    (preview,) = bench.window.findChildren(Preview)
    corner = (preview.width() // 2, 20)  # above the oval
    monkeypatch.setattr(preview._kit, "frames", Shown(np.full((480, 640, 3), 120, np.uint8)))
    for _ in range(DIM_PULLS * 2):
        preview.pull()
    assert not preview.lit
    assert preview.grab().toImage().pixelColor(*corner).lightness() < 128
    monkeypatch.setattr(preview._kit, "frames", Shown(np.full((480, 640, 3), 40, np.uint8)))
    for _ in range(DIM_PULLS):
        preview.pull()
    assert preview.lit
    assert preview.grab().toImage().pixelColor(*corner).lightness() == 255
    monkeypatch.setattr(preview._kit, "frames", Shown(np.full((480, 640, 3), 120, np.uint8)))
    preview.pull()
    assert preview.lit, "it would flicker"
    bench.show("working")
    assert not preview.lit
    bench.show("look_here_dark")
    assert preview.lit, "asked for by the face check"


def test_each_hint_is_announced_once(bench: Bench, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(identity.QAccessible, "updateAccessibility", lambda event: said.append(event.message()))
    for name in ("look_here", "look_here", "look_here_dark", "look_here_good"):
        bench.show(name)
    words = catalogue.word
    assert said == [words(f"hint.{hint}", "ja") for hint in ("closer", "too_dark", "good")]


@dataclasses.dataclass(frozen=True)
class Shown:
    """Frames that are always the same picture."""

    picture: Picture

    def latest(self) -> Picture:
        return self.picture


def test_the_oval_of_the_page_is_the_oval_of_the_gate(bench: Bench) -> None:
    """A picture fills the page's preview in its height; the gate counts in shares of that height."""
    bench.show("look_here")
    settle()
    (preview,) = bench.window.findChildren(Preview)
    assert preview.width() / preview.height() <= 4 / 3, "a picture of 4:3 fills the height"
    oval, tall = preview.oval(), preview.height()
    assert (oval.height() / tall, oval.width() / tall, oval.center().y() / tall) == pytest.approx(
        (OVAL.tall, OVAL.wide, OVAL.down), abs=0.002
    )
