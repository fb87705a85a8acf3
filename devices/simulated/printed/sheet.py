"""A sheet of plastic or paper to print on, in millimetres, and the fonts of the machine to print with.

Fonts are packages of the system, never part of the project: one is what the kiosk's own pages need too, the others
are there for variety in tests.
"""

from __future__ import annotations

import functools
import math
import os
import random
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]  # RGB

PX = 20  # per millimetre
ID1 = (85.6, 53.98)  # ISO/IEC 7810, millimetres
CORNER = 3.18  # radius, millimetres

# What a font is called here -> its file, and the Debian package that brings it. Their ASCII is half an em wide, as
# card printers set it; the letters of proportional fonts would touch.
FONTS = {
    "bizud": ("BIZUDGothic-Regular.ttf", "fonts-morisawa-bizud-gothic"),
    "bizud-bold": ("BIZUDGothic-Bold.ttf", "fonts-morisawa-bizud-gothic"),
    "ipa-gothic": ("ipag.ttf", "fonts-ipafont-gothic"),
    "ipa-mincho": ("ipam.ttf", "fonts-ipafont-mincho"),
    "motoya-cedar": ("MTLc3m.ttf", "fonts-motoya-l-cedar"),
    "motoya-maruberi": ("MTLmr3m.ttf", "fonts-motoya-l-maruberi"),
}


class FontMissing(Exception):
    """No font to print cards with; names the package that brings one."""


@functools.cache
def _files() -> dict[str, Path]:
    roots = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts"]
    there = {name: Path(folder) / name for root in roots for folder, _, names in os.walk(root) for name in names}
    return {font: there[file] for font, (file, _) in FONTS.items() if file in there}


def fonts() -> tuple[str, ...]:
    """Names of the fonts of `FONTS` that this machine has. Raises `FontMissing` when there is none."""
    if not _files():
        raise FontMissing(f"no font to print cards with; package {FONTS['bizud'][1]} brings one")
    return tuple(_files())


@functools.lru_cache(maxsize=256)
def _face(font: str, pixels: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_files()[font], pixels)


@functools.lru_cache(maxsize=4096)
def _drawn(character: str, font: str) -> str:
    """The font to print this character with: this one, else any that has it. Characters beyond all get 〓, as printers
    do it."""
    for each in (font, *fonts()):
        face = _face(each, 24)
        if bytes(face.getmask(character)) != bytes(face.getmask("\uffff")):
            return each
    return ""


class Sheet:
    """Drawn on from back to front; all positions and sizes in millimetres from the top left corner."""

    def __init__(self, colour: Colour, size: tuple[float, float] = ID1) -> None:
        self.image = Image.new("RGB", (round(size[0] * PX), round(size[1] * PX)), colour)
        self._draw = ImageDraw.Draw(self.image)

    def box(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        fill: Colour | None,
        outline: Colour | None = None,
        *,
        radius: float = 0.0,
        line: float = 0.15,
    ) -> None:
        shape = (left * PX, top * PX, right * PX, bottom * PX)
        self._draw.rounded_rectangle(shape, radius * PX, fill, outline, max(1, round(line * PX)))

    def line(self, points: list[tuple[float, float]], colour: Colour, width: float) -> None:
        self._draw.line([(x * PX, y * PX) for x, y in points], colour, max(1, round(width * PX)), joint="curve")

    def text(self, left: float, top: float, text: str, em: float, colour: Colour, font: str = "bizud") -> float:
        """On a grid as card printers set it: one em for each character, half for ASCII. Returns where it ends.

        `top` is the upper edge of the em square, not of the ink.
        """
        pixels = max(4, round(em * PX))
        for character in text:
            wide = em / 2 if character.isascii() else em
            if not character.isspace():
                having = _drawn(character, font if font in fonts() else fonts()[0])
                face = _face(having or fonts()[0], pixels)
                character = character if having else "〓"
                self._draw.text(((left + wide / 2) * PX, (top + em * 0.86) * PX), character, colour, face, anchor="ms")
            left += wide
        return left

    def stamp(
        self, text: str, centre: tuple[float, float], em: float, colour: Colour, angle: float, ink: float
    ) -> None:
        """Large letters across; `ink` 0..1 is how much they cover, `angle` in degrees counter-clockwise."""
        face = _face(fonts()[0], round(em * PX))
        width, height = round(em * PX * len(text)), round(em * PX * 1.2)
        mask = Image.new("L", (width, height), 0)
        ImageDraw.Draw(mask).text((width / 2, height / 2), text, round(255 * ink), face, anchor="mm")
        mask = mask.rotate(angle, Image.Resampling.BICUBIC, expand=True)
        place = (round(centre[0] * PX - mask.width / 2), round(centre[1] * PX - mask.height / 2))
        self.image.paste(Image.new("RGB", mask.size, colour), place, mask)

    def paste(self, picture: Picture, left: float, top: float, right: float, bottom: float) -> None:
        """A picture (BGR or gray), scaled to fill."""
        rgb = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB if picture.ndim == 2 else cv2.COLOR_BGR2RGB)
        size = (round((right - left) * PX), round((bottom - top) * PX))
        self.image.paste(
            Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS), (round(left * PX), round(top * PX))
        )

    def tint(self, field: NDArray[np.float32]) -> None:
        """Multiply by `field`, height x width x 3 (RGB) of any size, 1 leaves as it is."""
        large = cv2.resize(field, self.image.size, interpolation=cv2.INTER_CUBIC)
        pixels = np.asarray(self.image, np.float32) * large
        self.image = Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8))
        self._draw = ImageDraw.Draw(self.image)

    def waves(self, draw: random.Random, colour: Colour, count: int, width: float = 0.1) -> None:
        """Fine curves side by side, as printed against copying."""
        size = (self.image.width / PX, self.image.height / PX)
        base, swing, length = draw.uniform(0, size[1]), draw.uniform(2, 7), draw.uniform(25, 60)
        for index in range(count):
            phase = index * draw.uniform(0.05, 0.12)
            points = [
                (x / 2, base + index * 0.9 + swing * math.sin(x / 2 / length * 2 * math.pi + phase))
                for x in range(0, round(size[0] * 2) + 2)
            ]
            self.line(points, colour, width)

    def picture(self) -> Picture:
        """BGR, height x width x 3, 20 px for a millimetre."""
        return np.ascontiguousarray(np.asarray(self.image, np.uint8)[..., ::-1])


def scribble(
    sheet: Sheet, draw: random.Random, digits: str, left: float, top: float, em: float, colour: Colour
) -> None:
    """Digits as a ball pen leaves them."""
    for digit in digits:
        for stroke in _STROKES.get(digit, ()):
            slant = draw.uniform(0.05, 0.2)
            points = [
                (
                    left + (x + (1 - y) * slant + draw.gauss(0, 0.025)) * em * 0.55,
                    top + (y + draw.gauss(0, 0.025)) * em,
                )
                for x, y in stroke
            ]
            sheet.line(points, colour, 0.28)
        left += em * 0.72


_STROKES: dict[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "0": (((0.5, 0), (0.1, 0.2), (0.05, 0.6), (0.4, 1), (0.8, 0.8), (0.9, 0.3), (0.5, 0)),),
    "1": (((0.5, 0), (0.5, 0.5), (0.48, 1)),),
    "2": (((0.1, 0.2), (0.5, 0), (0.85, 0.25), (0.5, 0.65), (0.1, 1), (0.9, 0.95)),),
    "3": (((0.1, 0.1), (0.6, 0), (0.8, 0.25), (0.4, 0.48), (0.85, 0.7), (0.6, 0.98), (0.1, 0.9)),),
    "4": (((0.5, 0), (0.1, 0.6), (0.9, 0.6)), ((0.65, 0.35), (0.6, 1))),
    "5": (((0.2, 0.05), (0.15, 0.45), (0.6, 0.4), (0.85, 0.7), (0.5, 1), (0.1, 0.9)), ((0.2, 0.05), (0.85, 0))),
    "6": (((0.7, 0), (0.2, 0.45), (0.15, 0.85), (0.5, 1), (0.85, 0.75), (0.5, 0.5), (0.2, 0.7)),),
    "7": (((0.1, 0.05), (0.9, 0), (0.45, 1)),),
    "8": (((0.75, 0.1), (0.3, 0.1), (0.4, 0.45), (0.8, 0.7), (0.5, 1), (0.15, 0.75), (0.75, 0.1)),),
    "9": (((0.8, 0.2), (0.4, 0), (0.15, 0.3), (0.5, 0.5), (0.8, 0.2), (0.7, 1)),),
    ".": (((0.3, 0.95), (0.36, 1)),),
}
