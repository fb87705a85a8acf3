"""Drawn cards under the camera above the tray, for tests of the scanner."""

from __future__ import annotations

import functools
from dataclasses import replace
from datetime import date

from devices.ports import Image
from devices.simulated.printed.other import OtherKind, other
from devices.simulated.printed.shot import Glare, Shot, shoot
from devices.simulated.printed.sides import Calendar, Printed, back, front, portrait

TODAY = date(2026, 11, 29)
SPECIMEN = Printed(
    birth=date(1980, 2, 17),
    calendar=Calendar.SHOWA,
    expiry=date(2035, 2, 17),
    code="2285",
    sex="女",
    name="試験　花子",
    address="見本県見本市一丁目2-3",
    photo=portrait(3),
)
NUMBER = b"55021720352285"
PLAIN = Shot(width=820, table=1, noise=3.0, defocus=0.6)


def poses(shot: Shot = PLAIN, count: int = 4) -> list[Shot]:
    """The same card put right by a hand: it moves and turns a little from frame to frame."""
    return [
        replace(shot, rotation=shot.rotation + 0.6 * step, x=shot.x + 7 * step, y=shot.y - 4 * step, seed=step)
        for step in range(count)
    ]


@functools.cache
def fronts(turned: bool = False) -> list[Image]:
    sheet = front(SPECIMEN, 1)
    return [shoot(sheet, shot) for shot in poses(replace(PLAIN, rotation=180.0 if turned else 0.0))]


@functools.cache
def still_fronts() -> list[Image]:
    """A card that lies dead still: noise only."""
    sheet = front(SPECIMEN, 1)
    return [shoot(sheet, replace(PLAIN, seed=seed)) for seed in range(4)]


@functools.cache
def backs() -> list[Image]:
    return [shoot(back(1), shot) for shot in poses()]


@functools.cache
def others(kind: OtherKind) -> list[Image]:
    return [shoot(other(kind, 1), shot) for shot in poses(count=3)]


@functools.cache
def empty_tables() -> list[Image]:
    return [shoot(None, replace(PLAIN, seed=seed)) for seed in range(3)]


@functools.cache
def glaring_fronts() -> list[Image]:
    """The security code cannot be read: a lamp stands on it."""
    sheet = front(SPECIMEN, 1)
    glare = Glare(x=100, y=170, long=90, wide=50, angle=0, strength=1.0)
    return [shoot(sheet, replace(shot, x=0, y=0, glare=(glare,))) for shot in poses()]
