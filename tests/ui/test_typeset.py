"""Lines break between phrases, and nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QFontMetricsF
from pytestqt.qtbot import QtBot

from kiosk.ui.theme import Theme
from kiosk.ui.typeset import lay_out, phrases

KANA = st.text("あいかをはにです。、（）「」カード写真顔確認ABC12 ", min_size=1, max_size=60)


@pytest.fixture(autouse=True)
def _gui(qtbot: QtBot) -> None:
    """Fonts need an application."""


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("カードを置いてください", ["カードを", "置いて", "ください"]),
        ("顔で確認する", ["顔で", "確認する"]),
        ("お持ちの方（資格確認書）へ", ["お持ちの方", "（資格確認書）へ"]),
        ("Take your card", ["Take ", "your ", "card"]),
        ("読み取り機", ["読み取り機"]),
        ("この機械の中だけでくらべます", ["この機械の中だけでくらべます"]),
        ("次は「係を呼ぶ」を押す", ["次は", "「係を呼ぶ」を", "押す"]),
    ],
)
def test_phrases(text: str, pieces: list[str]) -> None:
    assert phrases(text) == pieces


@given(KANA)
def test_phrases_lose_nothing(text: str) -> None:
    assert "".join(phrases(text)) == text


@settings(deadline=None, max_examples=60)
@given(text=KANA, width=st.integers(80, 700), balance=st.booleans())
def test_lines_lose_nothing_and_fit(text: str, width: int, balance: bool) -> None:
    theme = _theme()
    block = lay_out(text, theme.font("body"), width, balance=balance)
    assert "".join(block.lines).replace(" ", "") == text.replace(" ", "")
    metrics = QFontMetricsF(theme.font("body"))
    for line in block.lines:
        assert metrics.horizontalAdvance(line) <= width or len(line) <= 3


@settings(deadline=None, max_examples=60)
@given(text=KANA, width=st.integers(150, 700))
def test_balancing_adds_no_line(text: str, width: int) -> None:
    font = _theme().font("body")
    assert len(lay_out(text, font, width, balance=True).lines) == len(lay_out(text, font, width).lines)


def test_no_line_begins_with_closing_punctuation() -> None:
    font = _theme().font("body")
    for width in range(120, 600, 20):
        lines = lay_out("番号を、確かめてください。（かならず）おねがいします。", font, width).lines
        assert not any(line[:1] in "、。）" for line in lines)


def test_a_paragraph_break_is_kept() -> None:
    assert lay_out("一\n二", _theme().font("body"), 500).lines == ("一", "二")


def _theme() -> Theme:
    from tests.ui.conftest import ASSETS

    return Theme.load(ASSETS)
