"""Cuts the three lines out of the frame that make up 照合番号B: birth date, expiry, security code. Nothing else.

Each is searched around its place: prints vary by some 0.8 mm, and a blind cut would take half a digit for a whole one.
The lines are sampled from the frame itself, not from the flat picture, so that nothing is resampled twice.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from devices.ports import Image
from devices.scanner.locate import to_grid
from devices.scanner.pixels import overwrite
from devices.scanner.quads import Corners

PER_MM = 12.0  # px for a millimetre of a line; a digit is then about 36 px high


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line stands, mm. It is searched within `reach` above and below of `middle`.

    `label`: print that belongs to the box but not to the line ends before the widest gap that begins left of here.
    """

    left: float
    right: float
    middle: float
    reach: float = 2.9
    label: float | None = None


# Facts as in `devices.scanner.layout`, with 0.8 mm more to the right; to the left stands the frame of the box.
BIRTH = Place(28.2, 62.8, 24.75)
EXPIRY = Place(28.2, 70.8, 31.25)
CODE = Place(46.0, 62.8, 43.5, label=52.0)

_LOWEST, _HIGHEST = 1.7, 4.2  # mm, a line of print
_MARGIN = 0.5  # mm of paper that a line keeps around its ink


@dataclass(slots=True, eq=False)
class Cut:
    """One line of print: gray, 8 bit, dark on bright; and where its ink is, as the same picture of 0 and 255."""

    line: Image
    ink: Image

    def wipe(self) -> None:
        overwrite(self.line, self.ink)


def cut(gray: Image, corners: Corners, place: Place) -> Cut | None:
    """The line at `place` of the card at `corners` (the front, upright), or None when there is no such line."""
    top = place.middle - place.reach
    shift = np.array([[1, 0, -place.left * PER_MM], [0, 1, -top * PER_MM], [0, 0, 1]], np.float64)
    size = (round((place.right - place.left) * PER_MM), round(2 * place.reach * PER_MM))
    way = shift @ to_grid(corners, PER_MM)
    area = np.asarray(cv2.warpPerspective(gray, way, size, flags=cv2.INTER_CUBIC), np.uint8)
    tone = _evened(area)
    area.fill(0)
    ink = _strokes(tone)
    rules = _rules(ink)
    ink[rules > 0] = 0  # in the ink only, to find the line: erased from the line itself, half an 8 was a 3
    try:
        rows = _band(ink, place.reach)
        if rows is None:
            return None
        columns = _extent(ink[rows], place)
        if columns is None:
            return None
        return Cut(tone[rows, columns].copy(), ink[rows, columns].copy())
    finally:
        overwrite(tone, ink, rules)


def _evened(area: Image) -> Image:
    """Brightness against the paper around it, so that half a line under glare is as dark as the other half."""
    kernel = np.ones((round(2.4 * PER_MM), round(2.4 * PER_MM)), np.uint8)
    paper = cv2.GaussianBlur(cv2.morphologyEx(area, cv2.MORPH_CLOSE, kernel), (0, 0), PER_MM)
    tone = cv2.divide(area, paper, scale=255)
    # The darkest ink becomes black: a pale or hazy line has the contrast of a good one.
    low = float(np.percentile(tone, 2))
    span = max(40.0, 250.0 - low)
    stretched = np.clip((tone.astype(np.float32) - low) * (235.0 / span) + 20, 0, 255).astype(np.uint8)
    overwrite(np.asarray(paper), np.asarray(tone))
    return np.asarray(stretched, np.uint8)


def _strokes(tone: Image) -> Image:
    limit, _ = cv2.threshold(tone, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return np.asarray(np.where(tone < min(limit, 200), 255, 0), np.uint8)


def _rules(ink: Image) -> Image:
    """Lines of the box's frame: longer than any stroke of a character."""
    across = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((1, round(12.0 * PER_MM)), np.uint8))
    down = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((round(4.4 * PER_MM), 1), np.uint8))
    return np.asarray(cv2.dilate(cv2.bitwise_or(across, down), np.ones((5, 5), np.uint8)), np.uint8)


def _band(ink: Image, reach: float) -> slice | None:
    """Rows of the line that is nearest to the middle."""
    profile = cv2.blur((ink > 0).mean(axis=1).astype(np.float32).reshape(-1, 1), (1, 3)).ravel()
    busy = profile > max(0.02, 0.25 * float(np.percentile(profile, 90)))
    best: tuple[float, slice] | None = None
    for start, end in _runs(busy, round(0.35 * PER_MM)):
        if not _LOWEST * PER_MM <= end - start <= _HIGHEST * PER_MM:
            continue
        away = abs((start + end) / 2 - reach * PER_MM)
        if best is None or away < best[0]:
            margin = round(_MARGIN * PER_MM)
            best = away, slice(max(0, start - margin), min(len(ink), end + margin))
    return best[1] if best is not None and best[0] < 1.6 * PER_MM else None


def _extent(ink: Image, place: Place) -> slice | None:
    """Columns from the first ink to the last; with a label, from behind the gap that ends it."""
    busy = (ink > 0).sum(axis=0) >= 2
    # Characters are as high as the line; what is lower at its ends is dirt.
    runs = _runs(busy, 1)
    while runs and _low(ink, runs[-1]):
        runs.pop()
    while runs and place.label is None and _low(ink, runs[0]):
        runs.pop(0)
    if not runs:
        return None
    first = runs[0][0]
    if place.label is not None:
        gaps = [
            (after[0] - before[1], after[0])
            for before, after in itertools.pairwise(runs)
            if before[1] <= (place.label - place.left) * PER_MM
        ]
        if not gaps:
            return None
        width, first = max(gaps)
        if width < 0.7 * PER_MM:
            return None
    margin = round(_MARGIN * PER_MM)
    last = runs[-1][1]
    if last - first < PER_MM:
        return None
    return slice(max(0, first - margin), min(ink.shape[1], last + margin))


def _low(ink: Image, run: tuple[int, int]) -> bool:
    rows = np.flatnonzero((ink[:, run[0] : run[1]] > 0).any(axis=1))
    return len(rows) == 0 or rows[-1] - rows[0] < 0.35 * len(ink)


def _runs(busy: NDArray[np.bool_], bridge: int) -> list[tuple[int, int]]:
    """Where `busy` is true, as (start, end); breaks shorter than `bridge` do not count."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], busy, [False]]).astype(np.int8)))
    runs: list[tuple[int, int]] = []
    for start, end in edges.reshape(-1, 2):
        if runs and start - runs[-1][1] < bridge:
            runs[-1] = runs[-1][0], int(end)
        else:
            runs.append((int(start), int(end)))
    return runs
