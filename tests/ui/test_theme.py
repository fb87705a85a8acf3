"""Tokens: contrast, millimetres, icons."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from kiosk.reception.consent import Item
from kiosk.ui.pages.base import ICONS
from kiosk.ui.theme import Theme, ThemeBroken
from tests.ui.conftest import ASSETS

TEXT_ON = [
    *((ink, ground) for ink in ("ink", "ink_soft", "key_deep", "warn", "key", "bad") for ground in ("paper",)),
    *((ink, "ground") for ink in ("ink", "ink_soft", "key_deep")),
    *(("ink", tint) for tint in ("key_tint", "key_soft", "warn_tint", "warn_soft", "good_tint", "bad_tint", "focus")),
    ("paper", "key"),
    ("paper", "key_deep"),
    ("paper", "key_press"),
    ("paper", "good"),
    ("key_deep", "key_tint"),
    ("key_deep", "key_soft"),
    ("disabled_ink", "disabled"),
    ("warn", "ground"),
    ("warn", "warn_tint"),
]


def _luminance(colour: QColor) -> float:
    """WCAG 2.2 relative luminance."""
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.getRgbF()[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: QColor, other: QColor) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("ink", "ground"), TEXT_ON)
def test_text_reaches_4_5_to_1(theme: Theme, ink: str, ground: str) -> None:
    assert contrast(theme.colour(ink), theme.colour(ground)) >= 4.5


@pytest.mark.parametrize("edge", ["key", "line_strong", "warn", "good"])
def test_edges_of_controls_reach_3_to_1(theme: Theme, edge: str) -> None:
    assert contrast(theme.colour(edge), theme.colour("paper")) >= 3.0


def test_nothing_is_written_smaller_than_5_mm(theme: Theme) -> None:
    assert min(theme.tokens.text.values()) / theme.tokens.px_per_mm >= 5.0


def test_millimetres_follow_the_scale() -> None:
    assert Theme.load(ASSETS).mm(20) == 111
    assert Theme.load(ASSETS, 0.5).mm(20) == 56
    assert Theme.load(ASSETS, 0.5).size == (540, 960)


def test_every_icon_draws_something(theme: Theme, qtbot: QtBot) -> None:
    names = {path.stem for path in (ASSETS / "icons").glob("*.svg")}
    assert set(ICONS.values()) <= names
    for name in names:
        image = QImage(48, 48, QImage.Format.Format_ARGB32)
        image.fill(0)
        painter = QPainter(image)
        theme.icon(painter, name, "key", QRectF(0, 0, 48, 48))
        painter.end()
        drawn = {image.pixelColor(x, y).alpha() for x in range(48) for y in range(48)}
        assert max(drawn) == 255, name


def test_icons_are_used_and_known(theme: Theme) -> None:
    """No drawing lies about that no page shows."""
    source = "".join(path.read_text(encoding="utf-8") for path in Path(ASSETS.parent / "kiosk" / "ui").rglob("*.py"))
    items = {item.name.lower() for item in Item}
    for path in (ASSETS / "icons").glob("*.svg"):
        assert f'"{path.stem}"' in source or path.stem in items, path.stem


def test_broken_tokens_are_named(tmp_path: Path) -> None:
    (tmp_path / "theme").mkdir()
    (tmp_path / "theme" / "tokens.toml").write_text("[panel]\nwidth = 'x'\n", encoding="utf-8")
    with pytest.raises(ThemeBroken, match=r"tokens\.toml"):
        Theme.load(tmp_path)


def test_an_unknown_icon_is_named(theme: Theme, qtbot: QtBot) -> None:
    image = QImage(4, 4, QImage.Format.Format_ARGB32)
    painter = QPainter(image)
    with pytest.raises(ThemeBroken, match="no icon nothing"):
        theme.icon(painter, "nothing", "key", QRectF(0, 0, 4, 4))
    painter.end()
