"""One frame after the other, until two of them agree: find the card, tell its side, cut three lines, read, compare.

The order is the point. The side is told by layout before any line is cut (`layout`), so nothing of a back or of
another card ever enters the recogniser; `Scanner.inputs` counts what did. Every picture that is made on the way is
overwritten before `look` returns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from devices.ports import Image, ScanHint
from devices.scanner import boxes, layout
from devices.scanner.agree import Agreement, Rules, Vote
from devices.scanner.boxes import Cut
from devices.scanner.layout import Side
from devices.scanner.locate import Located, flatten, locate
from devices.scanner.pixels import blurred, gray_of, overwrite
from devices.scanner.quads import ASPECT, Corners, aspect_of, stretched, turned
from devices.scanner.reading import Reading, read, same
from devices.scanner.recogniser import Line, Recogniser

SMALLEST = 64  # px; nothing is looked for in a smaller picture
DARK = 22  # mean brightness, of 255, below which nothing is expected to be legible
_GONE_SECONDS = 0.8  # without the front of a card, when the table is empty: what was read is forgotten
_COVERED_SECONDS = 4.0  # the same while something is there, a hand that puts the card right
_SOMETHING = 0.10  # part of the picture that differs from the table when something lies there
_WITHOUT_STRIPE = 1.72  # long side / short side above which an outline may end below the stripe: 1.99 flat
_STRETCH = 1.4  # of the second reading: two equal digits side by side stand farther apart


@dataclass(slots=True, eq=False)
class Outcome:
    """What one look at one frame brought.

    `raw`: the 14 digits that this frame alone reads as, unconfirmed, None when it does not read as a number. `number`:
    the 14 digits that were accepted with this frame. Both are the caller's to wipe.
    """

    side: Side | None
    hint: ScanHint
    raw: bytearray | None = None
    number: bytearray | None = None

    def wipe(self) -> None:
        for digits in (self.raw, self.number):
            if digits is not None:
                _zero(digits)

    def __repr__(self) -> str:
        return f"Outcome({self.side}, {self.hint})"


class Scanner:
    """Looks at frames of one camera, in order. One thread only.

    `options`: `model` (file of the recogniser, otherwise the one of the installed package). `today` gives the day for
    the plausibility of dates. `seen` is called with every line that enters the recogniser. Raises `ModelMissing`.
    """

    def __init__(
        self,
        options: Mapping[str, Any] | None = None,
        *,
        today: Callable[[], date] | None = None,
        seen: Callable[[Image], None] | None = None,
    ) -> None:
        cv2.setNumThreads(1)
        self.inputs = 0
        self._seen = seen
        model = (options or {}).get("model")
        self._recogniser = Recogniser(Path(model) if model else None, self._count)
        self._today = today or _today
        self._agreement = Agreement(Rules())
        self._corners: Corners | None = None
        self._seen_at = float("-inf")
        self._foreign = 0
        self._illegible = 0

    def warm(self) -> None:
        """Run the network once: the first run of a process takes three times as long."""
        self._recogniser.read([np.full((24, 200), 255, np.uint8)])
        self.inputs = 0

    def look(self, image: Image, at: float) -> Outcome:
        """`image`: height x width x 3, BGR, 8 bit, not changed. `at`: seconds, monotonic."""
        if min(image.shape[:2]) < SMALLEST:
            return self._lost(None, ScanHint.UNCLEAR, at)
        gray = gray_of(image)
        try:
            if float(gray[::8, ::8].mean()) < DARK:
                return self._lost(None, ScanHint.UNCLEAR, at)
            shapes = locate(image, self._corners)
            self._corners = None
            if not shapes:
                return self._lost(None, ScanHint.UNCLEAR if _something(image) else ScanHint.NO_CARD, at)
            side, corners = _side_of(image, shapes)
            match side:
                case Side.FRONT:
                    return self._front(gray, corners, at)
                case Side.BACK:
                    self.forget()
                    return Outcome(Side.BACK, ScanHint.FACE_DOWN)
                case Side.OTHER:
                    self._foreign += 1
                    # A front is taken for another card while a hand still covers it: said when it lasts.
                    lasts = self._foreign >= 2
                    return self._lost(Side.OTHER, ScanHint.OTHER_CARD if lasts else ScanHint.UNCLEAR, at)
                case Side.UNCLEAR:
                    return self._lost(Side.UNCLEAR, ScanHint.UNCLEAR, at)
        finally:
            gray.fill(0)

    def forget(self) -> None:
        """Overwrite what was read so far: another card comes, or none."""
        self._agreement.forget()
        self._corners = None
        self._foreign = self._illegible = 0

    def _lost(self, side: Side | None, hint: ScanHint, at: float) -> Outcome:
        """No front on this frame. A hand may cover it for a while; an empty table means that it is gone."""
        if side is not Side.OTHER:
            self._foreign = 0
        if at - self._seen_at > (_GONE_SECONDS if hint is ScanHint.NO_CARD else _COVERED_SECONDS):
            self._agreement.forget()
        return Outcome(side, hint)

    def _front(self, gray: Image, corners: Corners, at: float) -> Outcome:
        self._seen_at, self._foreign = at, 0
        reading, raw = self._read(gray, corners)
        if reading is None:
            self._illegible += 1
            return Outcome(Side.FRONT, ScanHint.READING if self._illegible < 4 else ScanHint.UNCLEAR, raw)
        self._illegible = 0
        self._corners = corners  # what could be read lies where it was found; anything else is searched anew
        number = self._agreement.add(Vote(reading, corners, np.ascontiguousarray(gray[::12, ::12])))
        # A reader sees the chip when the card has come to rest; without a word it would lie there for ever.
        still = number is None and self._agreement.waits
        return Outcome(Side.FRONT, ScanHint.STILL if still else ScanHint.READING, raw, number)

    def _read(self, gray: Image, corners: Corners) -> tuple[Reading | None, bytearray | None]:
        """The reading that two passes over the same frame agree on, and the digits of the first pass."""
        cuts: list[Cut] = []
        lines: list[Line] = []
        try:
            # The code first: it is the shortest, and where it is not legible the others need not be read.
            for place in (boxes.CODE, boxes.BIRTH, boxes.EXPIRY):
                cut = boxes.cut(gray, corners, place)
                if cut is None:
                    return None, None
                cuts.append(cut)
            for cut in cuts:
                lines += self._recogniser.read([cut.line])
            code, birth, expiry = lines
            first = read(birth, expiry, code, self._today())
            if first is None:
                return None, None
            raw = bytearray(first.digits)
            again = [_second(cut.line) for cut in cuts]
            lines = [*lines, *(line for picture in again for line in self._recogniser.read([picture]))]
            for picture in again:
                picture.fill(0)
            second = read(lines[4], lines[5], lines[3], self._today())
            if second is None:
                first.wipe()
                return None, raw
            return same(first, second), raw
        finally:
            for cut in cuts:
                cut.wipe()
            for line in lines:
                line.wipe()

    def _count(self, line: Image) -> None:
        self.inputs += 1
        if self._seen is not None:
            self._seen(line)


def _second(line: Image) -> Image:
    """The line for the second reading: wider and sharper, so that the network meets other pictures."""
    wide = np.asarray(cv2.resize(line, None, fx=_STRETCH, fy=1.0, interpolation=cv2.INTER_CUBIC), np.uint8)
    soft = blurred(wide, 3.0)
    sharp = np.asarray(cv2.addWeighted(wide, 1.8, soft, -0.8, 0), np.uint8)
    overwrite(wide, soft)
    return sharp


def _side_of(image: Image, shapes: list[Located]) -> tuple[Side, Corners]:
    """What the outlines show, with the corners in reading order. A back wins over everything; of several fronts the
    one on which the lines stand best, because an outline may have caught the table or a box on the card."""
    best: tuple[layout.Seen, Corners] | None = None
    for shape in shapes:
        seen = _classified(image, shape.corners)
        if seen.side is Side.BACK:
            return Side.BACK, shape.corners
        if not ASPECT[0] <= aspect_of(shape.corners) <= ASPECT[1]:
            seen = layout.Seen(Side.OTHER)
        if best is None or (seen.side is Side.FRONT and (best[0].side is not Side.FRONT or seen.fit > best[0].fit)):
            best = seen, turned(shape.corners) if seen.turned else shape.corners
    assert best is not None, "called with at least one outline"
    if best[0].side is Side.FRONT:
        return Side.FRONT, best[1]
    for shape in shapes:
        if aspect_of(shape.corners) < _WITHOUT_STRIPE:
            continue
        # On a black table the magnetic stripe looks like the table, and the outline ends below it.
        for corners in stretched(shape.corners, layout.BELOW_STRIPE):
            if _classified(image, corners).side is Side.BACK:
                return Side.BACK, corners
    return best[0].side, best[1]


def _classified(image: Image, corners: Corners) -> layout.Seen:
    flat = flatten(image, corners, layout.PER_MM)
    seen = layout.classify(flat)
    overwrite(flat)
    return seen


def _something(image: Image) -> bool:
    """Whether something lies there that is no whole card: a hand, a card half out of view."""
    small = blurred(np.asarray(cv2.resize(image, (160, 90), interpolation=cv2.INTER_AREA), np.uint8), 1.5)
    rim = np.concatenate([small[:3].reshape(-1, 3), small[-3:].reshape(-1, 3), small[:, :3].reshape(-1, 3)])
    far = np.abs(small.astype(np.int16) - np.median(rim, axis=0).astype(np.int16)).max(axis=2)
    share = float((far > 45).mean())
    overwrite(small, rim, far)
    return share > _SOMETHING


def _today() -> date:
    return datetime.now().astimezone().date()


def _zero(digits: bytearray) -> None:
    for index in range(len(digits)):
        digits[index] = 0
