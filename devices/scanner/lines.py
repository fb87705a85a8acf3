"""Outlines out of straight lines, for a card that hardly differs from the table, or whose rim glare has broken.

A closed contour needs an edge everywhere. Lines do not: four of them, two and two nearly parallel, that cross in the
shape of a card and have an edge under most of their length, are a candidate.
"""

from __future__ import annotations

import itertools

import cv2
import numpy as np
from numpy.typing import NDArray

from devices.ports import Image
from devices.scanner.pixels import overwrite
from devices.scanner.quads import Corners, Line, crossed, ordered

_SHORTEST = 0.05  # of the picture's width, a segment that counts
_MOST = 18  # lines that are combined
_PARALLEL = np.radians(14)
_PROBES = 20  # on each side
_BEST = 4


def from_lines(lab: Image) -> list[Corners]:
    """Rough outlines, 4 x 2, likeliest first. `lab`: a small picture, smoothed."""
    height, width = lab.shape[:2]
    lines = _merged(_segments(lab, _SHORTEST * width))
    slope = _slope(lab)
    shapes: list[Corners] = []
    pairs = [
        (one, other)
        for one, other in itertools.combinations(lines, 2)
        if _between(one, other) < _PARALLEL and _apart(one, other) > 0.18 * height
    ]
    for (a, b), (c, d) in itertools.combinations(pairs, 2):
        if _between(a, c) < np.radians(60):
            continue
        shape = ordered(crossed([a, c, b, d]))
        if shape is None or (shape < -0.02 * width).any() or (shape > (1.02 * width, height + 0.02 * width)).any():
            continue
        if cv2.contourArea(shape.astype(np.float32)) > 0.06 * width * height:
            shapes.append(shape)
    scored = sorted(((_support(slope, shape), index) for index, shape in enumerate(shapes)), reverse=True)
    overwrite(slope)
    return [shapes[index] for score, index in scored[:_BEST] if score > 0.5]


def _segments(lab: Image, shortest: float) -> list[tuple[float, Line]]:
    """(length, line) of straight edges, in brightness and in both colours."""
    found = []
    for channel in range(3):
        plane = np.ascontiguousarray(lab[:, :, channel])
        # Weak edges matter here: brought to full contrast, within the noise that smoothing has left.
        gain = 2.0 if channel == 0 else 3.0
        strong = np.asarray(
            cv2.convertScaleAbs(plane, alpha=gain, beta=-gain * float(np.median(plane)) + 128), np.uint8
        )
        _, lines, *_ = (None, cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(strong)[0])
        overwrite(plane, strong)
        for x0, y0, x1, y1 in [] if lines is None else lines.reshape(-1, 4).astype(np.float64):
            length = float(np.hypot(x1 - x0, y1 - y0))
            if length >= shortest:
                line = np.array([(x1 - x0) / length, (y1 - y0) / length, (x0 + x1) / 2, (y0 + y1) / 2])
                found.append((length, line))
    return found


def _merged(segments: list[tuple[float, Line]]) -> list[Line]:
    """Segments on the same line count together; the longest first."""
    segments = sorted(segments, key=lambda entry: entry[0], reverse=True)
    groups: list[tuple[float, Line]] = []
    for length, line in segments:
        for index, (total, other) in enumerate(groups):
            if _between(line, other) < np.radians(3) and _apart(other, line) < 3:
                groups[index] = total + length, other
                break
        else:
            groups.append((length, line))
    groups.sort(key=lambda entry: entry[0], reverse=True)
    return [line for _, line in groups[:_MOST]]


def _between(one: Line, other: Line) -> float:
    """Angle between two lines, 0..pi/2."""
    return float(np.arccos(min(1.0, abs(float(one[:2] @ other[:2])))))


def _apart(one: Line, other: Line) -> float:
    """How far the middle of the other lies from the first."""
    gap = other[2:] - one[2:]
    return abs(float(gap[0] * one[1] - gap[1] * one[0]))


def _slope(lab: Image) -> NDArray[np.float32]:
    """How steep the picture is at each place, 1 for an edge that is certainly one."""
    steep = np.zeros(lab.shape[:2], np.float32)
    for channel in range(3):
        plane = lab[:, :, channel].astype(np.float32)
        across, down = cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1)
        steep = np.maximum(steep, cv2.magnitude(across, down) / 8)
        overwrite(plane)
    # A pixel beside the line still counts.
    wide = np.asarray(cv2.dilate(steep, np.ones((3, 3), np.uint8)), np.float32)
    usual = max(0.6, 2.0 * float(np.median(wide)))
    return np.asarray(np.clip(wide / usual - 0.5, 0, 1), np.float32)


def _support(slope: NDArray[np.float32], shape: Corners) -> float:
    """Part of the outline that has an edge under it; the weakest side counts twice."""
    height, width = slope.shape
    steps = np.linspace(0.1, 0.9, _PROBES)[:, None]
    sides = []
    for index in range(4):
        places = shape[index] + (shape[(index + 1) % 4] - shape[index]) * steps
        columns = np.clip(places[:, 0].round().astype(int), 0, width - 1)
        rows = np.clip(places[:, 1].round().astype(int), 0, height - 1)
        sides.append(float(slope[rows, columns].mean()))
    return (sum(sides) + min(sides)) / 5
