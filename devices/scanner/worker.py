"""The scanner process: frames of the camera above the card come in, hints and at most one number go out.

A process of its own, not the face process: a native crash of the recogniser must not cost the face check, nor the
other way round, and it is ended after each reception. The arrays that the recogniser works in are not all ours to
overwrite; ending the process is the only complete way to forget.
"""

from __future__ import annotations

import mmap
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from devices.blob import Blob
from devices.errors import DeviceError, DeviceFault
from devices.feed import Cancel, Offer
from devices.ports import Image, NumberScanned, ScanFailed, ScanHint, ScanHinted
from devices.scanner.layout import Side
from devices.scanner.look import Outcome, Scanner
from devices.supervisor import Channel, ChildSpec, Options


@dataclass(frozen=True, slots=True)
class Greet:
    """Answered by `ModelsLoaded`, or not at all when there are none."""


@dataclass(frozen=True, slots=True)
class ModelsLoaded:
    pass


@dataclass(frozen=True, slots=True)
class Begin:
    """Look for a number. `memory` is where the frames will stand, one at a time."""

    job: int
    memory: Blob


@dataclass(frozen=True, slots=True)
class FrameDone:
    """The frame was looked at and overwritten. `back`: it showed the 12-digit number; every copy has to go at once."""

    job: int
    sequence: int
    back: bool


TO_CHILD = (Greet, Begin, Offer, Cancel)
TO_PARENT = (ModelsLoaded, FrameDone, ScanHinted, NumberScanned, ScanFailed)

HINT_SECONDS = 0.4  # a hint stands at least that long, so that it can be read
_LONGEST = 4  # times `seconds`, however long the card lies face down


@dataclass(frozen=True, slots=True)
class Limits:
    """The search ends after `seconds`; turning a card round is not counted."""

    seconds: float = 12.0


def spec(options: Options) -> ChildSpec:
    """How to start the scanner process.

    `options`: `seconds` (see `Limits`), `model` (file of the recogniser), `today` (ISO date instead of the clock's).
    """
    return ChildSpec("scanner", "devices.scanner.worker:serve", TO_CHILD, TO_PARENT, dict(options))


def serve(channel: Channel, options: Options) -> None:
    """Serve until the channel closes. The model is loaded first, so that a warm spare is really warm."""
    limits = limits_of(options)
    scanner: Scanner | None
    try:
        scanner = load(options)
    except DeviceError:
        scanner = None
    search: Search | None = None
    try:
        while True:
            message = channel.receive(timeout=None if search is None else 0.2)
            match message:
                case Greet() if scanner is not None:
                    channel.send(ModelsLoaded())
                case Begin(job, memory):
                    if search is not None:
                        search.wipe()
                    search = None
                    if scanner is None:
                        memory.close()
                        channel.send(ScanFailed(job, DeviceFault.MODEL_MISSING))
                    else:
                        search = Search(job, scanner, limits, memory, channel)
                case Offer(job, sequence, width, height) if search is not None and job == search.job:
                    back = search.look(width, height)
                    channel.send(FrameDone(job, sequence, back))
                case Cancel(job) if search is not None and job == search.job:
                    search.wipe()
                    search = None
                case _:
                    pass  # an offer or a cancel that crossed the end of its search
            if search is not None and (search.found is not None or search.over()):
                number, job = search.found, search.job
                search.wipe()
                search = None
                channel.send(
                    ScanFailed(job, DeviceFault.SCAN_UNREADABLE) if number is None else NumberScanned(job, number)
                )
    finally:
        if search is not None:
            search.wipe()


def load(options: Mapping[str, Any]) -> Scanner:
    """Raises `ModelMissing`."""
    day = options.get("today")
    fixed = date.fromisoformat(str(day)) if day else None
    scanner = Scanner(options, today=None if fixed is None else lambda: fixed)
    scanner.warm()
    return scanner


def limits_of(options: Mapping[str, Any]) -> Limits:
    return Limits(seconds=float(options.get("seconds", Limits().seconds)))


@dataclass(slots=True, eq=False)
class Search:
    """One job: looks at what it is offered until the number is found or the time is over."""

    job: int
    scanner: Scanner
    limits: Limits
    memory: Blob
    channel: Channel
    found: Blob | None = None
    _area: mmap.mmap = field(init=False)
    _hint: ScanHint | None = None
    _hint_at: float = 0.0
    _begun: float = 0.0
    _counted: float = 0.0
    _picture: int = 0

    def __post_init__(self) -> None:
        self._area = self.memory.map()
        self._begun = self._counted = time.monotonic()

    def look(self, width: int, height: int) -> bool:
        """Look at the frame that stands in the memory, then overwrite it. True when it showed a back."""
        size = width * height * 3
        if width <= 0 or height <= 0 or size > len(self._area):
            return False
        frame = np.frombuffer(self._area, np.uint8, size)
        try:
            return self._look(frame.reshape(height, width, 3))
        finally:
            frame.fill(0)

    def _look(self, image: Image) -> bool:
        picture = zlib.crc32(image[::8, ::8].tobytes())
        if picture == self._picture or self.found is not None:
            return False  # a stuck camera's frame, again
        self._picture = picture
        now = time.monotonic()
        outcome = self.scanner.look(image, now)
        try:
            self._take(outcome)
        finally:
            outcome.wipe()
        if outcome.side is Side.BACK:
            self._counted = time.monotonic()
        return outcome.side is Side.BACK

    def _take(self, outcome: Outcome) -> None:
        if outcome.number is not None:
            self.found = Blob.of(outcome.number)
        now = time.monotonic()
        if outcome.hint is not self._hint and now - self._hint_at >= HINT_SECONDS:
            self._hint, self._hint_at = outcome.hint, now
            self.channel.send(ScanHinted(self.job, outcome.hint))

    def over(self) -> bool:
        now = time.monotonic()
        return now - self._counted > self.limits.seconds or now - self._begun > _LONGEST * self.limits.seconds

    def wipe(self) -> None:
        """Overwrite what was read and the frame memory; the number that was found has gone, or goes now."""
        self.scanner.forget()
        self._area.close()
        self.memory.wipe()
