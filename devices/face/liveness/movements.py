"""What a movement looks like when it is one: depth and pace of a turn, lids of a blink; and what looks flat."""

from __future__ import annotations

import math

from devices.face.liveness.motion import Motion
from devices.face.liveness.solid import Solid
from devices.face.liveness.vocabulary import LivenessSettings

_PACE_SECONDS = (0.24, 0.41)  # over which the pace of a head is told: less is jitter


class Depth:
    """What the frames of one turn say together. A head shows its depth twice, each as a share of the sine of the turn:
    by how its points move against each other, and by how far the nose goes off the middle of the eyes."""

    def __init__(self) -> None:
        self._frames = 0
        self._shifts = self._offsets = self._sines = self._weight = 0.0

    def add(self, solid: Solid, offset: float, sign: float) -> None:
        """`sign` 1: the person's left; `offset`: towards that side."""
        self._frames += 1
        self._shifts += sign * solid.shift
        self._offsets += offset
        self._sines += solid.turned
        self._weight += solid.turned**2

    @property
    def ratio(self) -> float:
        return (self._shifts + self._offsets) / self._sines if self._sines else 0.0

    def enough(self, limits: LivenessSettings) -> bool:
        """Turned for long and far enough to say so: as deep as a head, to the side of the turn."""
        return (
            self._frames >= limits.frames
            and self._weight > limits.weight
            and self._shifts > limits.shift * self._sines
            and self.ratio > limits.depth
        )


class Way:
    """How a head goes to the side: by its own motion it sways as far as a small turn, but slowly, and about the
    middle."""

    def __init__(self) -> None:
        self._last: list[tuple[float, float]] = []
        self._furthest = self._fastest = self._aside = 0.0

    def add(self, at: float, way: float, aside: float) -> None:
        """Towards the side that is asked for, `way`: the offset of the nose and the shift of its depth; `aside`: the
        nose off the middle itself."""
        self._last = [each for each in self._last if at - each[0] < _PACE_SECONDS[1]]
        paces = [(way - there) / (at - then) for then, there in self._last if at - then > _PACE_SECONDS[0]]
        self._fastest = max([self._fastest, *paces])
        self._furthest = max(self._furthest, way)
        self._aside = max(self._aside, aside)
        self._last.append((at, way))

    def meant(self, limits: LivenessSettings) -> bool:
        return self._furthest > limits.far or (self._fastest > limits.swift and self._aside > limits.reach)


class Lids:
    """One blink from open to open. Lids move: whoever lays something over the eyes has nothing half closed."""

    def __init__(self) -> None:
        self._values: list[float] = []
        self._shut: float | None = None
        self._slow = False  # pictures so far apart that lids may have moved in between
        self._before: float | None = None
        self._void = False  # until they are seen open
        self.opened = False

    def untold(self, at: float) -> None:
        """A picture in which they cannot be told: nothing is known of them, but pictures came no slower for it."""
        self._before = at

    def void(self, at: float) -> None:
        """What was seen was no blink, and none begins before the eyes are open."""
        self._values, self._shut, self._slow = [], None, False
        self._before, self._void, self.opened = at, True, False

    def see(self, at: float, closed: float, limits: LivenessSettings) -> float | None:
        """When the eyes closed; None: they did not, or nothing moved like a lid. `opened`: they are open again."""
        slow = self._before is not None and at - self._before > limits.quick
        self._before, self.opened = at, False
        self._void &= closed > limits.half_open
        if self._void:
            return None
        if closed > limits.half_open:
            self._values.append(closed)
            self._slow |= slow
            if self._shut is None and closed > limits.closed:
                self._shut = at
            return self._shut
        # Half closed on the way, not by chance in between.
        ends = min(self._values[0], self._values[-1]) if self._values else 1.0
        most = max(self._values, default=0.0)
        moved = most > limits.fully and (self._slow or slow or ends < 0.75 * most)
        shut = self._shut if moved else None
        self.opened = shut is not None
        self._values, self._shut, self._slow = [], None, False
        return shut


def tipped(motion: Motion | None, solid: Solid | None, limits: LivenessSettings) -> bool:
    """Out of the picture's plane, as a face that closes its eyes is not. By both measures of it: each alone is led
    astray by points on lids that close (10 of 217 drawn people)."""
    if motion is None or solid is None:
        return False
    return motion.tilt > limits.wild and solid.turned > math.sin(math.radians(limits.wild))


def flat(motion: Motion, limits: LivenessSettings) -> bool:
    """Turned out of the picture's plane, and the nose as flat as the rest."""
    shallow = math.hypot(*motion.parallax) < limits.flat_depth * math.sin(math.radians(motion.tilt))
    return motion.tilt > limits.flat_tilt and motion.residual < limits.flat_residual and shallow
