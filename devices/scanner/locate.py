"""Finds a card in a frame by its outline, and lays it flat on a grid of millimetres.

An ID-1 card is 85.60 x 53.98 mm with corners of 3.18 mm radius (ISO/IEC 7810, 5). Corners are never looked for, they
are round: a line is fitted to the straight middle of each side, at the full resolution, and the lines are crossed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from devices.ports import Image
from devices.scanner.lines import from_lines
from devices.scanner.pixels import blurred, gray_of, lab_of, overwrite
from devices.scanner.quads import ASPECT, Corners, Line, aspect_of, crossed, lengths, ordered

WIDTH_MM, HEIGHT_MM = 85.60, 53.98
_SIZE_MM = np.array([[0, 0], [WIDTH_MM, 0], [WIDTH_MM, HEIGHT_MM], [0, HEIGHT_MM]], np.float64)

_SEARCH_WIDTH = 480  # px; the outline is searched in a picture of this width
_SMALLEST = 0.06  # part of the picture that a card covers at least
_STRAIGHT = 0.12  # part of a side at each end that is left out: the round corner
_PROBES = 48  # places along a side where its edge is measured
_STILL_EDGE = 0.97
_MOST = 3  # outlines that are looked at
_SURE_EDGE = 0.9  # part of the outline that shows an edge, above which no other is looked for
_CAP = 12.0  # gray levels; a stronger change than usual along a side counts no more than the usual, and this at least
_ON_EDGE = 0.5  # part of the probes that must see an edge, on each side


@dataclass(slots=True, eq=False)
class Located:
    """A card-shaped outline. `corners` in pixels of the frame, `edge`: part of the outline that shows an edge, 0..1."""

    corners: Corners
    edge: float

    @property
    def scale(self) -> float:
        """Pixels of the frame for one millimetre, along the shorter of the long sides."""
        top, right, bottom, left = lengths(self.corners)
        return float(min(min(top, bottom) / WIDTH_MM, min(left, right) / HEIGHT_MM))


def locate(image: Image, before: Corners | None = None) -> list[Located]:
    """What may be the card of a frame (height x width x 3, BGR), likeliest first. The long side lies along x.

    `before`: where it lay on the frame before. A card that still lies there, with an edge all round, is not searched.
    """
    gray = gray_of(image)
    smooth = blurred(gray, 1.2)
    same = None if before is None else _refined(smooth, before)
    if same is not None and same.edge > _STILL_EDGE:
        overwrite(gray, smooth)
        return [same]
    scale = min(1.0, _SEARCH_WIDTH / image.shape[1])
    small = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    lab = blurred(lab_of(small), 1.0)
    try:
        found: list[Located] = []
        for candidates in (_outlines, from_lines):
            for rough in candidates(lab):
                shape = _refined(smooth, rough / scale)
                if shape is not None and all(np.abs(shape.corners - other.corners).max() > 3 for other in found):
                    found.append(shape)
            if any(shape.edge > _SURE_EDGE for shape in found):
                break  # lines cost as much as all the rest; they are for a card that hardly differs from the table
        return sorted(found, key=_likely, reverse=True)[:_MOST]
    finally:
        overwrite(small, gray, smooth, lab)


def _likely(shape: Located) -> float:
    """More of an edge all round; of two alike the larger: a photo and a box on the card have outlines too."""
    whole = 1.0 if ASPECT[0] <= aspect_of(shape.corners) <= ASPECT[1] else 0.5
    return float(whole * shape.edge * cv2.contourArea(shape.corners.astype(np.float32)) ** 0.25)


def flatten(image: Image, corners: Corners, per_mm: float) -> Image:
    """The card alone, `per_mm` pixels for a millimetre, as it lies: perhaps upside down."""
    size = (round(WIDTH_MM * per_mm), round(HEIGHT_MM * per_mm))
    return np.asarray(cv2.warpPerspective(image, to_grid(corners, per_mm), size, flags=cv2.INTER_AREA), np.uint8)


def to_grid(corners: Corners, per_mm: float) -> NDArray[np.float64]:
    """The homography from the frame to the grid of `per_mm` pixels for a millimetre."""
    target = (_SIZE_MM * per_mm).astype(np.float32)
    return np.asarray(cv2.getPerspectiveTransform(corners.astype(np.float32), target), np.float64)


def _outlines(lab: Image) -> list[Corners]:
    """Rough outlines, 4 x 2, largest first: by edges, and by what differs from the table."""
    found: list[tuple[float, Corners]] = []
    for mask in (_edges(lab), _foreground(lab, 1.0), _foreground(lab, 0.6)):
        contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        for contour in contours:
            hull = cv2.convexHull(contour)
            area = cv2.contourArea(hull)
            if area < _SMALLEST * mask.size:
                continue
            corners = _four(hull)
            if corners is None:
                continue
            filled = area / max(1.0, cv2.contourArea(corners.astype(np.float32)))
            if 0.85 <= filled <= 1.1:
                found.append((area * min(filled, 1.0), corners))
        mask.fill(0)
    found.sort(key=lambda entry: entry[0], reverse=True)
    kept: list[Corners] = []
    for _, corners in found:
        if all(np.abs(corners - other).max() > 4 for other in kept):
            kept.append(corners)
    return kept[:4]


def _edges(lab: Image) -> Image:
    edges = np.zeros(lab.shape[:2], np.uint8)
    for channel in range(3):
        plane = np.ascontiguousarray(lab[:, :, channel])
        high = 90 if channel == 0 else 50
        edges |= np.asarray(cv2.Canny(plane, high // 3, high), np.uint8)
    return np.asarray(cv2.dilate(edges, np.ones((3, 3), np.uint8)), np.uint8)


def _foreground(lab: Image, strictness: float) -> Image:
    """What differs from the table, which is what the rim of the picture shows."""
    rim = np.concatenate([lab[:6].reshape(-1, 3), lab[-6:].reshape(-1, 3), lab[:, :6].reshape(-1, 3)])
    table = np.median(rim, axis=0)
    far = np.abs(lab.astype(np.int16) - table.astype(np.int16)).sum(axis=2)
    limit, _ = cv2.threshold(np.clip(far, 0, 255).astype(np.uint8), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    mask = np.where(far > limit * strictness, 255, 0).astype(np.uint8)
    far.fill(0)
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)), np.uint8)


def _four(hull: Any) -> Corners | None:
    """Four corners of a hull whose own corners are round: its four longest directions, crossed."""
    points = hull.reshape(-1, 2).astype(np.float64)
    box = cv2.boxPoints(cv2.minAreaRect(hull)).astype(np.float64)
    dense = _along(points)
    lines = []
    for index in range(4):
        start, end = box[index], box[(index + 1) % 4]
        side = end - start
        length = float(np.linalg.norm(side))
        if length < 8:
            return None
        unit = side / length
        normal = np.array([-unit[1], unit[0]])
        along = (dense - start) @ unit / length
        away = np.abs((dense - start) @ normal)
        near = dense[(along > 0.15) & (along < 0.85) & (away < 0.16 * length + 3)]
        if len(near) < 8:
            return None
        lines.append(cv2.fitLine(near.astype(np.float32), cv2.DIST_HUBER, 0, 0.01, 0.01).reshape(4).astype(np.float64))
    return ordered(crossed(lines))


def _along(points: Corners) -> Corners:
    """A closed polygon as points one pixel apart."""
    parts = []
    for start, end in zip(points, np.roll(points, -1, axis=0), strict=True):
        count = max(1, int(np.linalg.norm(end - start)))
        parts.append(start + (end - start) * (np.arange(count) / count)[:, None])
    return np.concatenate(parts)


def _refined(gray: Image, rough: Corners) -> Located | None:
    """The outline at full resolution: where the brightness changes most across each side, as a line."""
    corners = rough
    share = 0.0
    for reach in (9, 4):
        lines, shares = [], []
        for index in range(4):
            line, part = _side(gray, corners[index], corners[(index + 1) % 4], reach)
            lines.append(line)
            shares.append(part)
        # Lines cross in the corner where they begin: `crossed` takes each with the one before.
        shape = ordered(crossed(lines))
        if shape is None or np.abs(shape - corners).max() > 6 * reach:
            return None
        corners, share = shape, float(np.mean(shares))
        if min(shares) < _ON_EDGE and sorted(shares)[1] < 0.8:
            return None  # one side may be hidden, by glare or by a table of the card's colour; two may not
    return Located(corners, share)


def _side(gray: Image, start: NDArray[np.float64], end: NDArray[np.float64], reach: int) -> tuple[Line, float]:
    """A side, and the part of its probes that see an edge there.

    Looked for as a whole: of all straight lines within `reach`, the one across which the brightness changes most in
    the same direction. Probe by probe, an edge of 6 gray levels drowned in the noise of a dark room.
    """
    side = end - start
    normal = np.array([-side[1], side[0]]) / max(1e-6, float(np.linalg.norm(side)))
    share = np.linspace(_STRAIGHT, 1 - _STRAIGHT, _PROBES)
    places = start + side * share[:, None]
    grid = places[:, None, :] + normal * np.arange(-reach, reach + 1)[None, :, None]
    across = cv2.remap(
        gray,
        grid[:, :, 0].astype(np.float32),
        grid[:, :, 1].astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.float64)
    change = across[:, 2:] - across[:, :-2]
    overwrite(across)
    height, width = gray.shape
    inside = ((places >= 1) & (places < (width - 1, height - 1))).all(axis=1)
    change[~inside] = 0.0
    # As strong as the usual probe's strongest: a dot of the table's pattern counts no more than the edge of the card.
    cap = max(_CAP, float(np.median(np.abs(change).max(axis=1))))
    capped = np.clip(change, -cap, cap)
    last = change.shape[1] - 1
    first, second = (offset.ravel() for offset in np.mgrid[0 : last + 1, 0 : last + 1])
    columns = np.rint(first[:, None] * (1 - share) + second[:, None] * share).astype(int)
    rows = np.arange(_PROBES)
    sums = capped[rows, columns].sum(axis=1)
    best = int(np.abs(sums).argmax())
    column, sign = columns[best], 1.0 if sums[best] > 0 else -1.0
    noise = min(2.5, float(np.median(np.abs(change))) / 0.67) + 0.4  # a short reach shows little but the edge
    # Between pixels: the middle of the change around the line.
    near = np.clip(column[:, None] + np.arange(-2, 3), 0, last)
    weight = np.maximum(0.0, sign * change[rows[:, None], near] - 0.5 * noise)
    total = weight.sum(axis=1)
    seen = sign * capped[rows, column] > noise
    offset = (weight * near).sum(axis=1) / np.maximum(total, 1e-6) + 1 - reach
    points = (places + normal * offset[:, None])[seen & (total > 0)]
    if len(points) < 6:
        return np.array([*(side / max(1e-6, float(np.linalg.norm(side)))), *places[_PROBES // 2]]), float(seen.mean())
    line = cv2.fitLine(points.astype(np.float32), cv2.DIST_HUBER, 0, 0.01, 0.01).reshape(4).astype(np.float64)
    return line, float(seen.mean())
