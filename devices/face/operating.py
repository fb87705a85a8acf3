"""The operating point: which distance passes, which is unclear, and how many strangers pass in one reception.

The numbers are in `assets/face/operating.toml`, each with its source; docs/face.md explains them.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from devices.errors import ModelMissing
from devices.ports import FaceBand

DEFAULT_OPERATING = Path(__file__).parents[2] / "assets" / "face" / "operating.toml"
USUAL_FRAMES = 3


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Distances up to `accept` pass, up to `grey` call for another try or a person, above they are refused.

    `frames` is the number of frames behind one score: thresholds hold for that number only. `fmr`: false match rate
    of one comparison that `accept` was chosen for, None where none is stated. `measured`: the limits for each number
    of frames, ascending; `strictest`: what a setting allows at most, whatever the number.
    """

    accept: float
    grey: float
    frames: int
    fmr: float | None = None
    measured: tuple[Thresholds, ...] = ()
    strictest: float = math.inf

    def band(self, distance: float) -> FaceBand:
        if distance <= self.accept:
            return FaceBand.ACCEPT
        return FaceBand.GREY if distance <= self.grey else FaceBand.REJECT

    def at(self, frames: int) -> Thresholds:
        """Limits for the mean of `frames` frames: those of the next larger number that was measured, because a mean
        of more frames is nearer to everybody; of the largest one beyond. Raises `ValueError` below 1."""
        if frames < 1:
            raise ValueError("frames must be 1 or more")
        known = self.measured or (self,)
        point = next((each for each in known if each.frames >= frames), known[-1])
        return replace(self, accept=min(point.accept, self.strictest), grey=point.grey, frames=frames, fmr=point.fmr)

    def within(self, options: Mapping[str, Any]) -> Thresholds:
        """With `average` (frames behind one score), `accept` and `grey` of the options. Raises `ValueError` when a
        distance is laxer than what was measured for that number."""
        point = self.at(int(options.get("average", self.frames)))
        accept = float(options.get("accept", point.accept))
        grey = float(options.get("grey", point.grey))
        if not 0 < accept <= point.accept or not accept <= grey <= point.grey:
            raise ValueError(
                f"accept must be within (0, {point.accept}], grey within [accept, {point.grey}] "
                f"for the mean of {point.frames}"
            )
        return replace(point, accept=accept, grey=grey, strictest=accept if accept < point.accept else math.inf)

    def per_reception(self, attempts: int, comparisons: int = 1) -> float | None:
        """Share of strangers that one reception may let through at most: `attempts` x `comparisons` x `fmr`.

        The sum of all comparisons bounds their union whether they depend on each other or not (Boole's inequality).
        """
        return None if self.fmr is None else min(1.0, attempts * comparisons * self.fmr)


def load_thresholds(engine: str, path: Path = DEFAULT_OPERATING, frames: int = USUAL_FRAMES) -> Thresholds:
    """The limits of `engine` for the mean of `frames`. Raises `ModelMissing` unless the file holds them, ascending
    by frames, with accept <= grey and the same or stricter limits for more frames."""
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8"))[engine]
        points = tuple(
            Thresholds(
                float(row["accept"]),
                float(row["grey"]),
                int(row["frames"]),
                None if row.get("fmr") is None else float(row["fmr"]),
            )
            for row in rows
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ModelMissing(path.name) from None
    last = Thresholds(math.inf, math.inf, 0)
    for point in points:
        if not last.frames < point.frames or not 0 < point.accept <= min(point.grey, last.accept):
            raise ModelMissing(path.name)
        if point.fmr is not None and not 0 < point.fmr < 1:
            raise ModelMissing(path.name)
        last = point
    if not points:
        raise ModelMissing(path.name)
    return replace(points[0], measured=points).at(frames)
