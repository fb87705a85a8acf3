"""Tells front, back and other cards apart by where something is printed. Nothing is read here.

The back of the card bears the 12-digit number. So this comes first, and in doubt it is not the front: every test of
`_front` has to hold, and each sign of a back forbids it.

Where things are, in millimetres from the top left corner of an ID-1 card, follows public sample pictures
(docs/sources.md, Card). **(unverified)**: to be measured on real cards. Everything may be 0.8 mm off.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from devices.ports import Image
from devices.scanner.pixels import Floats, blurred, lab_of, overwrite

PER_MM = 5.0  # px for a millimetre in the pictures that are looked at here

Box = tuple[float, float, float, float]  # left, top, right, bottom, mm


class Side(StrEnum):
    FRONT = "front"
    BACK = "back"
    OTHER = "other"
    UNCLEAR = "unclear"  # too dark, too much glare or blur to say


@dataclass(frozen=True, slots=True)
class Seen:
    """`turned`: the card lies upside down in the flat picture. `fit`: how well the lines of a front stand, 0..1."""

    side: Side
    turned: bool = False
    fit: float = 0.0


# Front
PHOTO: Box = (4, 21, 26, 50)
ROWS: tuple[Box, ...] = ((30, 22.5, 60, 27), (30, 29, 60, 33.5), (30, 35, 56, 39), (30, 41, 61, 46))
_NAME: Box = (10, 3.5, 30, 9.5)
_ADDRESS: Box = (10, 10, 30, 19)
_EMPTY: Box = (64, 40.4, 81, 45.8)  # right of the security code, below the certificate's date
_LEFT_EDGE: Box = (0.8, 22, 2.6, 49)
_FAINT = 0.10  # of the paper's brightness: strokes fainter than that are noise
# Back
STRIPE: Box = (1.5, 3.8, 84, 10.2)
BELOW_STRIPE = 53.98 / (53.98 - 11)  # the height of a card to what lies below its stripe
_CHIP: Box = (8.8, 19.8, 19.7, 29.2)
_SQUARE: Box = (61.8, 31.8, 78.2, 48.2)


@dataclass(frozen=True, slots=True)
class Signs:
    """What a flat picture shows, each 0..1. `rows`: see `_rows`."""

    stripe: float
    chip: float
    square: float
    photo: float
    rows: float
    head: float
    empty: float
    margin: float
    glare: float
    contrast: float


def classify(flat: Image) -> Seen:
    """`flat`: a card on the grid of `PER_MM`, BGR."""
    upright = signs(flat)
    upside = signs(np.ascontiguousarray(flat[::-1, ::-1]))
    for view in (upright, upside):
        if is_back(view):
            return Seen(Side.BACK)
    if upright.contrast < 0.12:
        return Seen(Side.UNCLEAR)
    if is_front(upright) and not marked_back(upside):
        return Seen(Side.FRONT, fit=upright.rows)
    if is_front(upside) and not marked_back(upright):
        return Seen(Side.FRONT, turned=True, fit=upside.rows)
    if upright.glare > 0.12 or (upright.glare > 0.008 and max(_like_front(upright), _like_front(upside)) > 0.3):
        return Seen(Side.UNCLEAR)
    return Seen(Side.OTHER)


def is_back(view: Signs) -> bool:
    """Two of the three signs; the stripe vanishes on a dark table, and with it the upper edge of the card."""
    if view.square > 0.8:
        return view.stripe > 0.6 or view.chip > 0.33
    return view.stripe > 0.6 and view.chip > 0.4


def marked_back(view: Signs) -> bool:
    """Anything at all that a front does not have."""
    return view.stripe > 0.35 or view.chip > 0.7


def is_front(view: Signs) -> bool:
    return (
        not marked_back(view)
        and view.square < 0.35
        and view.rows > 0.35
        and (view.photo > 0.35 or view.rows > 0.7)
        and view.empty < 0.12
        and view.margin < 0.6
    )


def _like_front(view: Signs) -> float:
    """For the hint only: a front on which a lamp hides some of the signs."""
    return 0.0 if marked_back(view) else max(view.rows, min(view.photo, view.head))


def signs(flat: Image) -> Signs:
    """Measure everything once. `flat`: height x width x 3, BGR, at `PER_MM`."""
    lab = lab_of(flat)
    gray = np.ascontiguousarray(lab[:, :, 0])
    paper = _paper(gray)
    tone = np.clip(gray.astype(np.float32) / np.maximum(paper, 1), 0, 1.2)
    ink = _ink(gray, paper)
    dark = (tone < 0.55).astype(np.float32)
    strip = _cut(dark, STRIPE)
    colour = lab[:, :, 2].astype(np.float32) - float(np.median(lab[:, :, 2]))
    result = Signs(
        stripe=float((strip.mean(axis=0) > 0.75).mean()),
        chip=float((_cut(colour, _CHIP) > 10).mean()),
        square=_checkered(_cut(tone, _SQUARE)),
        photo=_pictured(tone),
        rows=_rows(ink),
        head=min(1.0, 6 * min(float(_cut(ink, _NAME).mean()), float(_cut(ink, _ADDRESS).mean()))),
        empty=float(_cut(ink, _EMPTY).mean()),
        margin=float((_cut(tone, _LEFT_EDGE) < 0.7).mean()),
        glare=float((gray > 250).mean()),
        contrast=float(np.percentile(gray, 95) - np.percentile(gray, 5)) / 255,
    )
    overwrite(lab, gray, paper, tone, ink, dark, colour)
    return result


def _paper(gray: Image) -> Floats:
    """How bright the bare card would be at each place: uneven light is not print."""
    small = cv2.resize(gray, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    # A lamp in the plastic is no paper: what is brighter than most of the card's upper half counts as that.
    small = np.minimum(small, 1.12 * float(np.percentile(small, 70))).astype(np.uint8)
    # The brightest of a wide neighbourhood; wider than a magnetic stripe is high.
    wide = cv2.dilate(small, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11)))
    smooth = cv2.GaussianBlur(wide.astype(np.float32), (0, 0), 3)
    return np.asarray(cv2.resize(smooth, (gray.shape[1], gray.shape[0])), np.float32)


def _ink(gray: Image, paper: Floats) -> Floats:
    """1 where a stroke is: darker than what surrounds it within 3 mm, as dark as strokes on this picture are."""
    smooth = blurred(gray, 0.7)
    stroke = cv2.morphologyEx(smooth, cv2.MORPH_BLACKHAT, np.ones((15, 15), np.uint8)).astype(np.float32)
    stroke /= np.maximum(paper, 1)
    full = max(_FAINT, float(np.percentile(stroke, 97)))
    overwrite(smooth)
    return np.asarray(np.clip(2.0 * stroke / full - 0.7, 0, 1), np.float32)


def _checkered(tone: Floats) -> float:
    """A two-dimensional code: half black, half white, and many changes in both directions."""
    black = tone < 0.5
    share = float(black.mean())
    if not 0.25 < share < 0.75:
        return 0.0
    across = float((black[:, 1:] != black[:, :-1]).mean())
    down = float((black[1:] != black[:-1]).mean())
    return min(1.0, 12 * min(across, down))


def _pictured(tone: Floats) -> float:
    """Part of the photo's place that is neither paper nor print on paper: darker over whole patches."""
    place = _cut(tone, (PHOTO[0] + 1, PHOTO[1] + 1, PHOTO[2] - 1, PHOTO[3] - 1))
    patches = cv2.resize(place, (10, 14), interpolation=cv2.INTER_AREA)
    return float((patches < 0.88).mean())


def _rows(ink: Floats) -> float:
    """How well the four lines right of the photo stand where they belong: print in each, nothing between them."""
    profile = _cut(ink, (29.5, 20, 61.5, 48)).mean(axis=1)
    best = 0.0
    for shift in np.arange(-1.2, 1.21, 0.2):
        filled, empty = [], []
        for _, top, _, bottom in ROWS:
            middle = (top + bottom) / 2 - 20 + shift
            filled.append(float(_span(profile, middle - 1.0, middle + 1.0).mean()))
        for above, below in itertools.pairwise(ROWS):
            gap = (above[3] + below[1]) / 2 - 20 + shift
            empty.append(float(_span(profile, gap - 0.5, gap + 0.5).mean()))
        best = max(best, min(1.0, min(filled) * 8) - 2.0 * max(empty))
    return max(0.0, best)


def _span(profile: Floats, start: float, end: float) -> Floats:
    return profile[max(0, round(start * PER_MM)) : max(1, round(end * PER_MM))]


def _cut(picture: Floats, box: Box) -> Floats:
    left, top, right, bottom = (round(edge * PER_MM) for edge in box)
    return picture[top:bottom, left:right]
