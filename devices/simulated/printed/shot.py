"""What the camera above the tray sees of a flat print: pose, lens, light, sensor.

A pinhole camera looks straight down; the card is a plane before it. Everything follows from the numbers of a `Shot`,
so the same shot gives the same picture. About 30 ms for one on the machine of `docs/measurements.md`.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from devices.simulated.printed.sheet import CORNER, PX, Picture

WIDTH, HEIGHT = 1280, 720
_FOCAL = 1150.0  # pixels: a lens that sees 58 degrees across
_CARD_WIDTH = 85.6
TABLES = 7
_Float = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Glare:
    """A lamp mirrored in the plastic. `x`, `y`: pixels from the middle, where a card that lies flat mirrors it;
    `long` and `wide`: extent in pixels (one standard deviation), `angle` in degrees; `strength` 1 hides the print."""

    x: float
    y: float
    long: float
    wide: float
    angle: float
    strength: float


@dataclass(frozen=True, slots=True)
class Hand:
    """Fingers on the card: their tip in millimetres from the card's middle, where they come from in degrees."""

    x: float
    y: float
    angle: float
    tone: float  # 0..1


@dataclass(frozen=True, slots=True)
class Shot:
    """`tilt` of the card in degrees towards `direction`; `rotation` in the plane, clockwise; `width` of the untilted
    card in pixels; `x`, `y`: its middle, pixels from that of the picture. `defocus`: sigma in pixels; `motion`: path in
    pixels during the exposure, along `motion_angle`. `noise`: sigma in gray levels. `light`: 1 is well lit; `slope`:
    how much darker the dark side is, towards `slope_angle`; `warmth` -1..1. `jpeg`: quality, 0 for none. `table`:
    which of `TABLES`. `seed`: of the noise."""

    tilt: float = 0.0
    direction: float = 0.0
    rotation: float = 0.0
    width: float = 900.0
    x: float = 0.0
    y: float = 0.0
    defocus: float = 0.0
    motion: float = 0.0
    motion_angle: float = 0.0
    noise: float = 2.0
    light: float = 1.0
    slope: float = 0.0
    slope_angle: float = 0.0
    warmth: float = 0.0
    glare: tuple[Glare, ...] = ()
    hand: Hand | None = None
    jpeg: int = 0
    table: int = 0
    seed: int = 0


def corners(shot: Shot, size: tuple[float, float] = (_CARD_WIDTH, 53.98)) -> _Float:
    """Where the corners of a sheet of `size` millimetres are seen: 4 x 2, pixels, from the top left clockwise."""
    w, h = size
    plane = np.array([(-w / 2, -h / 2, 0), (w / 2, -h / 2, 0), (w / 2, h / 2, 0), (-w / 2, h / 2, 0)], np.float64)
    depth = _FOCAL * _CARD_WIDTH / shot.width
    turned = plane @ _rotation(shot).T + (shot.x * depth / _FOCAL, shot.y * depth / _FOCAL, depth)
    return np.asarray(turned[:, :2] / turned[:, 2:] * _FOCAL + (WIDTH / 2, HEIGHT / 2), np.float32)


def mirrored(tilt: float, direction: float) -> tuple[float, float]:
    """How far a tilt moves what the card mirrors, pixels: it turns the ray by twice the angle."""
    reach = math.tan(2 * math.radians(tilt)) * _FOCAL
    return reach * math.cos(math.radians(direction)), reach * math.sin(math.radians(direction))


def _rotation(shot: Shot) -> NDArray[np.float64]:
    turn, tilt, towards = (math.radians(v) for v in (shot.rotation, shot.tilt, shot.direction))
    inplane = np.array([[math.cos(turn), -math.sin(turn), 0], [math.sin(turn), math.cos(turn), 0], [0, 0, 1]])
    axis = np.array([-math.sin(towards), math.cos(towards), 0.0])
    cross = np.array([[0, 0, axis[1]], [0, 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.asarray((np.eye(3) + math.sin(tilt) * cross + (1 - math.cos(tilt)) * cross @ cross) @ inplane)


def shoot(sheet: Picture | None, shot: Shot) -> Picture:
    """720 x 1280 x 3, BGR, of a sheet (20 px for a millimetre) or of the empty table."""
    draw = np.random.default_rng(shot.seed)
    image = _table(shot.table % TABLES).copy()
    plate = np.zeros((HEIGHT, WIDTH), np.uint8)
    if sheet is not None:
        matrix = _lay(image, plate, sheet, shot)
        if shot.hand is not None:
            _fingers(image, shot.hand, matrix, shot.width / _CARD_WIDTH)
    elif shot.hand is not None:
        _fingers(image, shot.hand, np.array([[PX, 0, WIDTH / 2], [0, PX, HEIGHT / 2], [0, 0, 1]]) / PX * 10, 10)
    if shot.defocus > 0.2:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), shot.defocus), np.uint8)
    if shot.motion > 1:
        image = np.asarray(cv2.filter2D(image, -1, _path(shot.motion, shot.motion_angle)), np.uint8)
    lit = cv2.multiply(image, _light(shot), dtype=cv2.CV_32F)
    if shot.glare:
        shine = cv2.multiply(_shine(shot), plate, scale=1 / 255, dtype=cv2.CV_32F)
        lit = cv2.add(lit, cv2.cvtColor(shine, cv2.COLOR_GRAY2BGR))
    if shot.noise > 0:
        bank = _noise()
        top, left = draw.integers(0, bank.shape[0] - HEIGHT), draw.integers(0, bank.shape[1] - WIDTH)
        lit = cv2.addWeighted(lit, 1, bank[top : top + HEIGHT, left : left + WIDTH], shot.noise, 0.0)
    seen = np.asarray(cv2.add(lit, np.zeros(4), dtype=cv2.CV_8U), np.uint8)  # saturates
    if shot.jpeg:
        _, packed = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, shot.jpeg])
        seen = np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)
    return seen


def _lay(image: Picture, plate: Picture, sheet: Picture, shot: Shot) -> NDArray[np.float64]:
    """Put the sheet on the table: its shadow, then itself. `plate` becomes where it is. Returns mm -> pixels."""
    size = (sheet.shape[1] / PX, sheet.shape[0] / PX)
    where = corners(shot, size)
    # Close to the size in which it is seen: the warp samples single pixels and would show moiré.
    scale = min(1.0, 1.1 * shot.width / _CARD_WIDTH / PX)
    near = cv2.resize(sheet, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = near.shape[:2]
    outlined = cv2.merge((near, _outline(width, height, CORNER * PX * scale)))
    source = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix = cv2.getPerspectiveTransform(source, where)

    # Only where it comes to lie, and its shadow.
    low, high = np.floor(where.min(axis=0)).astype(int), np.ceil(where.max(axis=0)).astype(int)
    left, top = max(0, int(low[0]) - 1), max(0, int(low[1]) - 1)
    right, bottom = min(WIDTH, int(high[0]) + 20), min(HEIGHT, int(high[1]) + 20)
    if right > left and bottom > top:
        moved = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]], np.float64) @ matrix
        card = np.asarray(cv2.warpPerspective(outlined, moved, (right - left, bottom - top)), np.uint8)
        mask = np.ascontiguousarray(card[..., 3])
        plate[top:bottom, left:right] = mask
        part = image[top:bottom, left:right]
        part[...] = _covered(part, np.ascontiguousarray(card[..., :3]), mask)
    scaling = np.diag([PX * scale, PX * scale, 1.0])
    middle = np.array([[1, 0, size[0] / 2], [0, 1, size[1] / 2], [0, 0, 1]])
    return np.asarray(matrix @ scaling @ middle, np.float64)


def _covered(table: Picture, card: Picture, mask: Picture) -> Picture:
    """The card over the table, with its shadow to the lower right."""
    high, wide = mask.shape
    small = cv2.resize(mask, (max(1, wide // 4), max(1, high // 4)), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), 2.5)
    aside = cv2.warpAffine(soft, np.array([[1, 0, 1.5], [0, 1, 2.0]], np.float32), (small.shape[1], small.shape[0]))
    shade = cv2.subtract(255 - cv2.resize(aside, (wide, high)) // 3, mask)
    dark = cv2.multiply(table, cv2.cvtColor(shade, cv2.COLOR_GRAY2BGR), scale=1 / 255)
    cover = cv2.multiply(card, cv2.cvtColor(mask, cv2.COLOR_GRAY2BGR), scale=1 / 255)
    return np.asarray(cv2.add(dark, cover), np.uint8)


@functools.lru_cache(maxsize=8)
def _outline(width: int, height: int, radius: float) -> Picture:
    mask, r = np.zeros((height, width), np.uint8), max(1, round(radius))
    cv2.rectangle(mask, (r, 0), (width - r - 1, height - 1), 255, -1)
    cv2.rectangle(mask, (0, r), (width - 1, height - r - 1), 255, -1)
    for x in (r, width - r - 1):
        for y in (r, height - r - 1):
            cv2.circle(mask, (x, y), r, 255, -1)
    return mask


def _fingers(image: Picture, hand: Hand, matrix: NDArray[np.float64], scale: float) -> None:
    """A thumb's and fingers' tips and the hand behind them, which comes from outside the picture."""
    tip = matrix @ (hand.x, hand.y, 1)
    x, y = tip[0] / tip[2] / 4, tip[1] / tip[2] / 4
    unit = scale / 4  # drawn at a quarter of the size: skin has no edge that would show it
    away = np.array([math.cos(math.radians(hand.angle)), math.sin(math.radians(hand.angle))])
    side = np.array([-away[1], away[0]])
    light = np.zeros((HEIGHT // 4, WIDTH // 4), np.float32)
    for along, back, wide in ((0.0, 0.0, 7.5), (14.0, 6.0, 6.5), (26.0, 12.0, 6.5)):
        finger = np.zeros(light.shape, np.uint8)
        begin = np.array([x, y]) + side * along * unit + away * (back + wide) * unit
        cv2.line(finger, _point(begin), _point(begin + away * 60 * unit), 255, round(2 * wide * unit), cv2.LINE_AA)
        depth = np.asarray(cv2.distanceTransform(finger, cv2.DIST_L2, 5), np.float32) / (wide * unit)
        light = np.maximum(light, np.sqrt(np.clip(depth, 0, 1)) * 0.42 + 0.58 * (depth > 0))
    palm = np.zeros(light.shape, np.uint8)
    middle = np.array([x, y]) + side * 14 * unit + away * 95 * unit
    cv2.ellipse(palm, (_point(middle), (110 * unit, 76 * unit), hand.angle), 255, -1)
    light = np.maximum(light, palm.astype(np.float32) / 255 * 0.97)
    light = np.asarray(cv2.GaussianBlur(light, (0, 0), 1.2 * unit), np.float32)
    rows, columns = np.nonzero(light.max(axis=1) > 0.3)[0], np.nonzero(light.max(axis=0) > 0.3)[0]
    if not rows.size or not columns.size:
        return  # the hand is out of the picture
    small = np.ascontiguousarray(light[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    part = image[4 * rows[0] : 4 * rows[-1] + 4, 4 * columns[0] : 4 * columns[-1] + 4]
    large = cv2.resize(small, (part.shape[1], part.shape[0]), interpolation=cv2.INTER_CUBIC)
    alpha = np.clip((large - 0.3) * 6, 0, 1)[..., None]
    skin = np.array([148, 178, 222], np.float32) * np.float32(0.6 + 0.4 * hand.tone)
    tone = np.clip(large, 0.5, 1)[..., None] ** 1.5 * skin
    part[...] = np.clip(part + (tone - part) * alpha, 0, 255)


def _point(place: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(place[0])), round(float(place[1]))


def _path(length: float, angle: float) -> _Float:
    side = max(3, 2 * math.ceil(length / 2) + 1)
    kernel, middle = np.zeros((side, side), np.float32), side // 2
    dx, dy = math.cos(math.radians(angle)) * length / 2, math.sin(math.radians(angle)) * length / 2
    ends = (round(middle - dx), round(middle - dy)), (round(middle + dx), round(middle + dy))
    cv2.line(kernel, *ends, 1.0, 1, cv2.LINE_AA)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _light(shot: Shot) -> _Float:
    across, down = np.meshgrid(np.linspace(-1, 1, 32, dtype=np.float32), np.linspace(-0.6, 0.6, 18, dtype=np.float32))
    angle = math.radians(shot.slope_angle)
    field = shot.light * (1 - shot.slope * (0.5 + 0.5 * (across * math.cos(angle) + down * math.sin(angle))))
    field = field * (1 - 0.12 * (across**2 + down**2))  # lenses are darker towards the corners
    tint = np.array([1 - 0.08 * shot.warmth, 1.0, 1 + 0.08 * shot.warmth], np.float32)
    return np.asarray(cv2.resize(np.asarray(field[..., None] * tint, np.float32), (WIDTH, HEIGHT)), np.float32)


def _shine(shot: Shot) -> _Float:
    """Gray levels to add."""
    dx, dy = mirrored(shot.tilt, shot.direction)
    across, down = np.meshgrid(
        np.arange(0, WIDTH, 8, dtype=np.float32) - WIDTH / 2, np.arange(0, HEIGHT, 8, dtype=np.float32) - HEIGHT / 2
    )
    total = np.zeros(across.shape, np.float32)
    for lamp in shot.glare:
        angle = math.radians(lamp.angle)
        x, y = across - lamp.x - dx, down - lamp.y - dy
        u = (x * math.cos(angle) + y * math.sin(angle)) / lamp.long
        v = (y * math.cos(angle) - x * math.sin(angle)) / lamp.wide
        # A lamp has an edge: flat in the middle, then falling quickly.
        total += 260 * lamp.strength * np.minimum(1, 1.5 * np.exp(-((u * u + v * v) ** 1.5) / 2))
    return np.asarray(cv2.resize(total, (WIDTH, HEIGHT)), np.float32)


@functools.cache
def _noise() -> _Float:
    """Unit noise of a sensor with a colour filter: neighbours share a little of it."""
    noise = np.random.default_rng(9).standard_normal((HEIGHT + 80, WIDTH + 120, 3), np.float32)
    soft = np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.55), np.float32)
    return np.asarray(soft / soft.std(), np.float32)


@functools.lru_cache(maxsize=TABLES)
def _table(kind: int) -> Picture:
    """A dark tray, felt, laminate, wood light and dark, a desk mat with lines, a cloth with dots."""
    draw = np.random.default_rng(kind)
    colour = (
        (46, 44, 42),
        (92, 86, 78),
        (222, 224, 222),
        (128, 168, 198),
        (52, 74, 98),
        (118, 138, 96),
        (176, 170, 204),
    )
    image = np.full((HEIGHT, WIDTH, 3), colour[kind], np.float32)
    grain = draw.standard_normal((HEIGHT, WIDTH), np.float32)
    if kind in (3, 4):
        rings = cv2.GaussianBlur(draw.standard_normal((HEIGHT, 48), np.float32), (0, 0), sigmaX=14, sigmaY=2.5)
        image += cv2.resize(rings, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)[..., None] * 42
        grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), sigmaX=12, sigmaY=0.7), np.float32) * 4
    image += np.asarray(cv2.GaussianBlur(grain, (0, 0), 0.8), np.float32)[..., None] * (2.0, 9, 2, 6, 6, 4, 4)[kind]
    if kind == 0:
        cv2.rectangle(image, (70, 30), (WIDTH - 70, HEIGHT - 30), (70, 68, 66), 3)
    if kind == 5:
        for x in range(40, WIDTH, 96):
            cv2.line(image, (x, 0), (x, HEIGHT), (136, 156, 116), 2)
        for y in range(20, HEIGHT, 96):
            cv2.line(image, (0, y), (WIDTH, y), (136, 156, 116), 2)
    if kind == 6:
        for x in range(30, WIDTH, 74):
            for y in range(30 + x % 2, HEIGHT, 74):
                cv2.circle(image, (x + y % 37, y), 9, (214, 208, 232), -1, cv2.LINE_AA)
    return np.asarray(np.clip(image, 0, 255), np.uint8)
