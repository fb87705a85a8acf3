"""The page on which staff copy a 資格確認書: what arrives, what is noticed at once, what is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from kiosk.reception.insured import Query, QueryField, check_digit
from kiosk.ui.components import Press, Words
from kiosk.ui.fields import Box, Letters
from kiosk.ui.gallery import NOON
from kiosk.ui.kana import hiragana, marked, strokes
from kiosk.ui.pages.query import CAPACITY, QueryBody, Step, compose
from kiosk.ui.robot import NotOnPage
from tests.ui.conftest import Bench

TODAY = NOON.date()
EIGHT, SIX = "99999997", "999995"


def _body(bench: Bench) -> QueryBody:
    (body,) = bench.window.findChildren(QueryBody)
    return body


def _arrived(bench: Bench) -> Query:
    ((what, data),) = bench.door.out
    assert what == "query"
    return Query.from_json(data, TODAY)


def _asked(bench: Bench) -> str:
    return _body(bench)._ask.words.text


def test_the_numbers_of_the_tests_are_right() -> None:
    assert [check_digit(number[:-1]) for number in (EIGHT, SIX)] == [int(number[-1]) for number in (EIGHT, SIX)]


@pytest.mark.parametrize(
    ("query", "birth"),
    [
        (Query(EIGHT, "12-34", "567", "01", "19800217"), date(1980, 2, 17)),
        (Query(SIX, "", "1234567", "", "20190501"), date(2019, 5, 1)),
        (Query(EIGHT, "アガぱ-1", "ヴっ・9", "", "19261226"), date(1926, 12, 26)),
        (Query(EIGHT, "", "1", "10", "19121231"), date(1912, 12, 31)),
    ],
)
def test_a_whole_query_typed_by_touches(bench: Bench, query: Query, birth: date) -> None:
    bench.show("lookup_typing")
    bench.robot.type_query(query.insurer, query.symbol, query.number, query.branch, birth)
    assert _arrived(bench) == query
    assert bench.events == []  # the handle is posted by whoever keeps the secret
    for box in _body(bench).digits.values():
        assert bytes(box.digits.raw) == b""
    for written in _body(bench).letters.values():
        assert bytes(written.letters.raw) == b""


@given(
    st.text(st.sampled_from("0123456789-アがッ・ー"), max_size=20),
    st.text(st.sampled_from("0123456789-アがッ・ー"), min_size=1, max_size=20),
    st.sampled_from(["", "01"]),
)
def test_what_is_composed_is_a_query_and_fits(symbol: str, number: str, branch: str) -> None:
    """The longest field of every kind, too."""
    query = Query(EIGHT, symbol, number, branch, "19800217")
    data = bytes(compose((field, map(ord, getattr(query, field.value))) for field in QueryField))
    assert data.isascii()
    assert len(data) <= CAPACITY
    assert Query.from_json(data, TODAY) == query


def test_the_check_digit_is_noticed_at_once(bench: Bench) -> None:
    bench.show("lookup_typing")
    bench.robot.type_digits(EIGHT[:-1] + "1")
    assert "保険者番号がちがいます" in _asked(bench)
    assert bench.robot.find("key:enter") is None
    assert _body(bench).digits[Step.INSURER].doubtful
    bench.robot.press("key:clear")
    bench.robot.press(f"key:{EIGHT[-1]}")
    assert "記号を入力" in _asked(bench)
    shown = [words.text for words in bench.window.findChildren(Words) if words.isVisible()]
    assert "番号の形は正しいです" in shown


def test_six_digits_may_be_a_number_or_a_beginning(bench: Bench) -> None:
    bench.show("lookup_typing")
    bench.robot.type_digits(SIX)
    assert "6けた" in _asked(bench)
    bench.robot.type_digits("0")
    assert bench.robot.find("key:enter") is None
    bench.robot.press("key:clear")
    bench.robot.press("key:enter")
    assert "記号を入力" in _asked(bench)


def test_a_field_left_half_typed_is_pointed_at(bench: Bench) -> None:
    bench.show("lookup_typing")
    bench.robot.type_digits("9999")
    bench.robot.press("field:symbol")
    assert _asked(bench) == "けた数が足りません"
    bench.robot.press("field:insurer")
    bench.robot.type_digits("9997")
    bench.robot.press("key:none")
    bench.robot.press("field:branch")
    assert _asked(bench) == "番号が空いています"
    bench.robot.press("field:number")
    bench.robot.type_digits("12")
    bench.robot.press("field:branch")
    bench.robot.press("key:1")
    bench.robot.press("field:symbol")
    assert _asked(bench) == "けた数が足りません"
    bench.robot.press("field:branch")
    bench.robot.press("key:enter")  # 1 becomes 01
    assert bytes(_body(bench).digits[Step.BRANCH].digits.raw) == b"01"


def test_a_birth_date_that_cannot_be(bench: Bench) -> None:
    bench.show("lookup_typing")
    bench.robot.type_digits(EIGHT)
    bench.robot.press("key:none")
    bench.robot.press("key:7")
    bench.robot.press("key:enter")
    bench.robot.press("key:none")
    bench.robot.press("field:era:western")
    bench.robot.type_digits("1890")
    assert _asked(bench) == "その生年月日は、ありえません"
    bench.robot.press("field:era")
    bench.robot.press("field:era:showa")
    bench.robot.type_digits("550230")
    assert "その日は、ありません" in _asked(bench)
    assert bench.robot.find("key:enter") is None
    bench.robot.type_digits("17")
    bench.robot.press("field:year")
    bench.robot.press("key:enter")
    assert _arrived(bench).birth == "19800217"


def test_none_can_be_taken_back(bench: Bench) -> None:
    bench.show("lookup_typing")
    bench.robot.type_digits(EIGHT)
    bench.robot.press("key:none")
    bench.robot.press("field:symbol")
    bench.robot.type_letters("ぎ")
    assert list(_body(bench).letters[Step.SYMBOL].letters) == [ord("ぎ")]
    bench.robot.press("key:clear")
    assert bench.robot.find("key:enter") is None
    bench.robot.press("key:hyphen")
    bench.robot.press("key:none")
    assert len(_body(bench).letters[Step.SYMBOL].letters) == 0


def test_kanji_has_no_key_and_the_page_says_where_it_goes(bench: Bench) -> None:
    bench.show("lookup_typing")
    bench.robot.type_digits(EIGHT)
    with pytest.raises(NotOnPage):
        type(bench.robot)(bench.window, patience=0.05).type_letters("公")
    assert "漢字は入力できません" in _asked(bench)
    assert "レセコン" in _asked(bench)


def test_a_trembling_finger_types_once(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(still=False)
    bench.show("lookup_typing")
    for digit in EIGHT:
        if digit == "9":
            QTest.qWait(130)  # the same key again, and meant
        bench.robot.press(f"key:{digit}")
    bench.robot.press("key:kana")
    (key,) = bench.window.findChildren(Press, "kana:ア")
    key.click()
    key.click()
    assert list(_body(bench).letters[Step.SYMBOL].letters) == [ord("ア")]
    bench.robot.press("kana:イ")
    assert len(_body(bench).letters[Step.SYMBOL].letters) == 2


def test_a_numeric_keyboard_types_a_query_too(bench: Bench, qtbot: QtBot) -> None:
    bench.show("lookup_typing")
    qtbot.keyClicks(bench.window, EIGHT + "12-3")
    qtbot.keyClick(bench.window, Qt.Key.Key_Return)
    qtbot.keyClicks(bench.window, "45")
    qtbot.keyClick(bench.window, Qt.Key.Key_Backspace)
    qtbot.keyClick(bench.window, Qt.Key.Key_Return)
    qtbot.keyClicks(bench.window, "02")
    qtbot.keyClicks(bench.window, "1")  # the era has no digit: nothing happens
    bench.robot.press("field:era:heisei")
    qtbot.keyClicks(bench.window, "010108")
    qtbot.keyClick(bench.window, Qt.Key.Key_Return)
    assert _arrived(bench) == Query(EIGHT, "12-3", "4", "02", "19890108")


def test_tab_reaches_every_field_and_key(bench: Bench, qtbot: QtBot) -> None:
    bench.show("lookup_typing")
    bench.robot.type_digits(EIGHT)
    bench.window.activateWindow()
    reached = set()
    for _ in range(60):
        qtbot.keyClick(bench.window.focusWidget() or bench.window, Qt.Key.Key_Tab)
        focus = bench.window.focusWidget()
        if isinstance(focus, Press):
            reached.add(focus.objectName())
    wanted = {
        press.objectName() for press in bench.window.findChildren(Press) if press.isVisible() and press.isEnabled()
    }
    assert wanted <= reached
    assert {"field:insurer", "field:symbol", "key:hyphen", "key:kana", "key:none", "action:back"} <= wanted


def test_the_keyboard_walks_as_the_paper_reads(bench: Bench, qtbot: QtBot) -> None:
    bench.show("lookup_typing")
    bench.window.activateWindow()
    fields = []
    for _ in range(40):
        qtbot.keyClick(bench.window.focusWidget() or bench.window, Qt.Key.Key_Tab)
        focus = bench.window.focusWidget()
        if isinstance(focus, Press) and focus.objectName().startswith("field:") and focus.objectName() not in fields:
            fields.append(focus.objectName())
    assert fields == [f"field:{step}" for step in Step]


def test_what_was_typed_is_overwritten_when_the_page_goes(bench: Bench) -> None:
    bench.show("lookup_typing")
    bench.robot.type_digits(EIGHT)
    bench.robot.type_letters("アガ-1")
    held = [box.digits.raw for box in _body(bench).digits.values()]
    held += [written.letters.raw for written in _body(bench).letters.values()]
    assert sum(map(len, held)) == 8 + 8
    bench.show("working")
    assert [bytes(raw) for raw in held] == [b""] * len(held)
    assert bench.door.made == []
    bench.show("lookup_typing")
    assert "保険者番号を入力" in _asked(bench)


def test_letters_are_overwritten_before_they_are_let_go() -> None:
    letters = Letters(2)
    for code in map(ord, "アイウ"):
        letters.append(code)
    assert list(letters) == [ord("ア"), ord("イ")]  # no more than its capacity
    view = memoryview(letters.raw)
    for index in range(len(view)):
        view[index] = 0
    view.release()
    letters.pop()
    assert letters.last() == 0
    letters.pop()
    letters.pop()
    assert letters.last() is None


def test_another_language_keeps_the_query(bench: Bench) -> None:
    bench.show("lookup_typing")
    bench.robot.type_digits(EIGHT + "12")
    bench.translate("en")
    assert list(_body(bench).letters[Step.SYMBOL].letters) == [ord("1"), ord("2")]
    assert _asked(bench).startswith("Enter the symbol")


def test_nothing_typed_stands_in_a_text(bench: Bench) -> None:
    bench.show("lookup_typing")
    bench.robot.type_digits(EIGHT)
    bench.robot.type_letters("ガ-98765")
    for widget in bench.window.findChildren(QWidget):
        told = widget.accessibleName() + widget.accessibleDescription() + widget.toolTip()
        assert "98765" not in told
        assert EIGHT not in told
    assert all(box.text() == "" for box in bench.window.findChildren(Box))


# --- kana ---


@pytest.mark.parametrize(
    ("before", "mark", "after"),
    [("カ", "voice", "ガ"), ("ガ", "voice", "カ"), ("か", "voice", "が"), ("は", "semi", "ぱ"), ("ウ", "voice", "ヴ")],
)
def test_marks_go_on_and_off(before: str, mark: str, after: str) -> None:
    assert marked(ord(before), mark) == ord(after)


@pytest.mark.parametrize(("letter", "mark"), [("ア", "voice"), ("カ", "semi"), ("ン", "small"), ("1", "voice")])
def test_a_mark_that_does_not_fit_changes_nothing(bench: Bench, letter: str, mark: str) -> None:
    assert marked(ord(letter), mark) is None


def test_the_small_letters() -> None:
    for plain, small in zip("アイウエオツヤユヨワあっ", "ァィゥェォッャュョヮぁつ", strict=True):
        assert marked(ord(plain), "small") == ord(small)


def test_the_sheet_writes_every_letter() -> None:
    """Every kana of both scripts can be written with at most four keys."""
    for code in [*range(ord("ァ"), ord("ヴ") + 1), *range(ord("ぁ"), ord("ん") + 1)]:
        letter = chr(code)
        if letter not in "ヰヱゐゑ":
            assert 1 <= len(strokes(letter)) <= 4
    assert hiragana("ー") == "ー"
    assert hiragana("ガ") == "が"
