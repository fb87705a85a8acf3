"""Design tokens: colours by purpose, text sizes, millimetres. Nothing else in the UI knows a pixel or a colour."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter
from PySide6.QtSvg import QSvgRenderer


class ThemeBroken(Exception):
    """tokens.toml or an icon cannot be used: which one and why."""


@dataclass(frozen=True)
class Tokens:
    """`text` and `radius` in px at scale 1, `colours` as #rrggbb."""

    width: int
    height: int
    px_per_mm: float
    families: tuple[str, ...]
    text: Mapping[str, int]
    radius: Mapping[str, int]
    colours: Mapping[str, str]


def _tokens(path: Path) -> Tokens:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return Tokens(
            width=int(table["panel"]["width"]),
            height=int(table["panel"]["height"]),
            px_per_mm=float(table["panel"]["px_per_mm"]),
            families=tuple(table["font"]["families"]),
            text=dict(table["text"]),
            radius=dict(table["radius"]),
            colours=dict(table["colour"]),
        )
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise ThemeBroken(f"{path.name}: {error}") from error


class Theme:
    """`scale` shrinks everything alike, for a desktop display that is smaller than the panel."""

    def __init__(self, tokens: Tokens, icons: Path, scale: float = 1.0) -> None:
        self.tokens = tokens
        self.scale = scale
        self._icons = icons
        self._renderers: dict[tuple[str, str], QSvgRenderer] = {}
        self._fonts: dict[tuple[str, bool], QFont] = {}

    @classmethod
    def load(cls, assets: Path, scale: float = 1.0) -> Theme:
        """`assets` holds theme/tokens.toml and icons/*.svg. Raises `ThemeBroken`."""
        return cls(_tokens(assets / "theme" / "tokens.toml"), assets / "icons", scale)

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height of the window, px."""
        return round(self.tokens.width * self.scale), round(self.tokens.height * self.scale)

    def mm(self, millimetres: float) -> int:
        """Millimetres on the panel in px."""
        return round(millimetres * self.tokens.px_per_mm * self.scale)

    def px(self, pixels: float) -> float:
        """Px at scale 1 in px here: line widths and radii."""
        return pixels * self.scale

    def radius(self, name: str) -> float:
        return self.px(self.tokens.radius[name])

    def colour(self, name: str, alpha: float = 1.0) -> QColor:
        colour = QColor(self.tokens.colours[name])
        colour.setAlphaF(alpha)
        return colour

    def font(self, size: str, bold: bool = False) -> QFont:
        """A font of the stack; letter spacing 0.02 em as the design system asks."""
        found = self._fonts.get((size, bold))
        if found is None:
            found = QFont(list(self.tokens.families))
            found.setPixelSize(max(1, round(self.px(self.tokens.text[size]))))
            found.setBold(bold)
            found.setLetterSpacing(QFont.SpacingType.PercentageSpacing, 102.0)
            self._fonts[(size, bold)] = found
        return QFont(found)

    def metrics(self, size: str, bold: bool = False) -> QFontMetricsF:
        return QFontMetricsF(self.font(size, bold))

    def icon(self, painter: QPainter, name: str, colour: str, rect: QRectF) -> None:
        """Draw assets/icons/<name>.svg; its `currentColor` becomes the colour token."""
        renderer = self._renderers.get((name, colour))
        if renderer is None:
            try:
                drawing = (self._icons / f"{name}.svg").read_text(encoding="utf-8")
            except OSError as error:
                raise ThemeBroken(f"no icon {name}") from error
            drawing = drawing.replace("currentColor", self.tokens.colours[colour])
            renderer = QSvgRenderer(QByteArray(drawing.encode("utf-8")))
            if not renderer.isValid():
                raise ThemeBroken(f"icon {name} is not valid SVG")
            self._renderers[(name, colour)] = renderer
        renderer.render(painter, rect)
