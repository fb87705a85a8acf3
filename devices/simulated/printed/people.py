"""Cards to try a scanner with: all eras, the days on which they change, every font there is, worn and new ones.

`specimen` and `decoy` follow from their numbers alone. Nobody is real; codes and dates are drawn by chance.
"""

from __future__ import annotations

import calendar
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import cv2
import numpy as np

from devices.simulated.printed.laying import Laying
from devices.simulated.printed.other import OtherKind, other
from devices.simulated.printed.sheet import PX, Picture, fonts
from devices.simulated.printed.sides import Calendar, Printed, back, front, portrait

_FACES = (22, 34, 103, 66, 97, 88, 6, 143, 42, 60)
_NAMES = ("花子", "太郎", "みお", "健一", "美咲", "重信", "さくら", "彩", "一郎", "千代")
SHIFTS_EVERY = 2.0  # seconds after which the hand shifts a card that was not read

_SPANS = {
    Calendar.TAISHO: (date(1912, 7, 30), date(1926, 12, 25)),
    Calendar.SHOWA: (date(1926, 12, 25), date(1989, 1, 7)),
    Calendar.HEISEI: (date(1989, 1, 8), date(2019, 4, 30)),
    Calendar.REIWA: (date(2019, 5, 1), date.max),
    Calendar.WESTERN: (date(1935, 1, 1), date.max),
}


@dataclass(frozen=True, slots=True, repr=False)
class Specimen:
    """One card and how it is laid down. `worn`: 0 new, 1 has seen ten years of wallets."""

    printed: Printed
    run: int
    worn: float
    laying: Laying

    def sheet(self) -> Picture:
        return wear(front(self.printed, self.run), self.worn, self.run)


@dataclass(frozen=True, slots=True, repr=False)
class Decoy:
    """Something that must not be read. `sheet` is None for the empty tray."""

    kind: str
    sheet: Callable[[], Picture | None]
    laying: Laying


def specimen(index: int, seed: int, today: date) -> Specimen:
    """Number `index` of the cards of `seed`. Calendars and fonts in turn, a fifth of the births on the edges of an era
    or in its first year."""
    draw = random.Random(f"specimen {seed} {index}")  # noqa: S311 - for variety
    calendars, having = tuple(Calendar), fonts()
    calendar_ = calendars[index % len(calendars)]
    birth = _birth(draw, calendar_, today)
    printed = Printed(
        birth=birth,
        calendar=calendar_,
        expiry=_expiry(draw, birth, calendar_, today),
        code=f"{draw.randrange(10000):04}",
        sex=draw.choice("男女"),
        name="試験　" + draw.choice(_NAMES),
        address=f"見本県試験市架空町{draw.randrange(1, 99)}-{draw.randrange(1, 30)}-{draw.randrange(1, 15)}",
        photo=portrait(draw.choice(_FACES)) if draw.random() < 0.95 else None,
        gannen=draw.random() < 0.5,
        font=having[index // len(calendars) % len(having)],
    )
    worn = draw.random() if draw.random() < 0.35 else 0.0
    return Specimen(printed, draw.randrange(1 << 30), worn, _laying(draw))


def decoy(index: int, seed: int) -> Decoy:
    """Number `index` of what is no front. Two in five are backs, the rest other things in turn, the empty tray too."""
    draw = random.Random(f"decoy {seed} {index}")  # noqa: S311 - for variety
    laying, run = _laying(draw), draw.randrange(1 << 30)
    turn, place = divmod(index, 5)
    if place in (0, 2):
        return Decoy("back", _Back(run, draw.choice(fonts()), draw.random() * (draw.random() < 0.35)), laying)
    kinds = (*OtherKind, None)
    kind = kinds[(turn * 3 + (1, 3, 4).index(place)) % len(kinds)]
    return Decoy("empty tray" if kind is None else kind, _Other(kind, run), laying)


def _laying(draw: random.Random) -> Laying:
    return Laying(draw.randrange(1 << 30), shifts_every=SHIFTS_EVERY)


@dataclass(frozen=True, slots=True)
class _Back:
    run: int
    font: str
    worn: float

    def __call__(self) -> Picture:
        return wear(back(self.run, font=self.font), self.worn, self.run)


@dataclass(frozen=True, slots=True)
class _Other:
    kind: OtherKind | None
    seed: int

    def __call__(self) -> Picture | None:
        return None if self.kind is None else other(self.kind, self.seed)


def _birth(draw: random.Random, calendar_: Calendar, today: date) -> date:
    first, last = _SPANS[calendar_]
    last = min(last, today - timedelta(days=1))
    way = draw.random()
    if way < 0.1 and calendar_ is not Calendar.WESTERN:
        return draw.choice((first, last, first + timedelta(days=1), last - timedelta(days=1)))
    if way < 0.2:
        last = min(last, date(first.year, 12, 31))
    return first + timedelta(days=draw.randrange((last - first).days + 1))


def _expiry(draw: random.Random, birth: date, calendar_: Calendar, today: date) -> date:
    """On a birthday, except where a residence ends before; a few have run out lately."""
    if calendar_ is Calendar.WESTERN and draw.random() < 0.5:
        return today + timedelta(days=draw.randrange(30, 3600))
    year = today.year + (draw.randrange(-1, 1) if draw.random() < 0.05 else draw.randrange(0, 11))
    return date(year, birth.month, min(birth.day, calendar.monthrange(year, birth.month)[1]))


def wear(sheet: Picture, worn: float, seed: int) -> Picture:
    """The same print after `worn` 0..1 of a life: paler, with specks, and scratched."""
    if worn <= 0:
        return sheet
    draw = np.random.default_rng(seed)
    height, width = sheet.shape[:2]
    paper = cv2.GaussianBlur(cv2.resize(sheet, (width // 20, height // 20), interpolation=cv2.INTER_AREA), (0, 0), 3)
    pale = cv2.resize(paper, (width, height))
    old = np.asarray(cv2.addWeighted(sheet, 1 - 0.45 * worn, pale, 0.45 * worn, 0), np.uint8)
    for _ in range(round(160 * worn)):
        place = (int(draw.integers(width)), int(draw.integers(height)))
        tone = int(draw.integers(60, 150) if draw.random() < 0.5 else draw.integers(215, 250))
        cv2.circle(old, place, int(draw.integers(1, round(0.16 * PX) + 1)), (tone, tone, tone), -1, cv2.LINE_AA)
    for _ in range(round(16 * worn)):
        begin = (int(draw.integers(width)), int(draw.integers(height)))
        angle, long = draw.uniform(0, np.pi), draw.uniform(5, 40) * PX
        end = (round(begin[0] + long * float(np.cos(angle))), round(begin[1] + long * float(np.sin(angle))))
        tone = int(draw.integers(205, 245))
        cv2.line(old, begin, end, (tone, tone, tone), int(draw.integers(1, 4)), cv2.LINE_AA)
    return old
