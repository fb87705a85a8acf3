"""When is a number believed: two frames that differ in pose and in noise say the same, and none contradicts. Pure.

One frame can be wrong, and the same frame twice is wrong twice: a stuck camera never counts as two. A card that lies
in another place is sampled by other pixels, under other glare.
"""

from __future__ import annotations

import hmac
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from devices.ports import Image
from devices.scanner.quads import Corners
from devices.scanner.reading import Reading


@dataclass(frozen=True, slots=True)
class Rules:
    """What two frames need in order to count as two."""

    shift: float = 2.0  # px that the farthest corner must have moved; corners are found to about 0.5 px
    noise: float = 0.4  # mean absolute difference of the patches, of 255; a stuck frame has 0
    sure: float = 0.75  # probability that the weakest symbol of a reading needs to count
    contradict: float = 0.5  # a reading this probable that says otherwise stands in the way
    recent: int = 8  # readings that are kept
    frames: int = 2  # that must say the same
    still: int = 3  # frames of one pose after which the card is to be moved
    frames_without_birthday: int = 3  # where month and day were not confirmed by the expiry date


@dataclass(slots=True, eq=False)
class Vote:
    """A reading of one frame, and what tells that frame from others: its corners and a patch of its pixels."""

    reading: Reading
    corners: Corners
    patch: Image

    def wipe(self) -> None:
        self.reading.wipe()
        self.corners.fill(0)
        self.patch.fill(0)


@dataclass(slots=True, eq=False)
class Agreement:
    """Collects the readings of one card."""

    rules: Rules = field(default_factory=Rules)
    _votes: deque[Vote] = field(default_factory=deque)

    def add(self, vote: Vote) -> bytearray | None:
        """The number, when this vote makes it certain. The vote is taken over and wiped in time."""
        if vote.reading.sure < self.rules.contradict:
            vote.wipe()
            return None
        self._votes.append(vote)
        while len(self._votes) > self.rules.recent:
            self._votes.popleft().wipe()
        return self._settled(vote)

    @property
    def waits(self) -> bool:
        """Whether a card that lies still has said the same often enough: only another pose can settle it."""
        newest = [vote for vote in self._votes if vote.reading.sure >= self.rules.sure][-self.rules.still :]
        return (
            len(newest) == self.rules.still
            and all(hmac.compare_digest(vote.reading.digits, newest[0].reading.digits) for vote in newest)
            and not any(self._differ(vote, newest[0]) for vote in newest)
        )

    def _settled(self, vote: Vote) -> bytearray | None:
        number = vote.reading.digits
        if any(not hmac.compare_digest(other.reading.digits, number) for other in self._votes):
            return None
        needed = self.rules.frames if vote.reading.birthday else self.rules.frames_without_birthday
        apart: list[Vote] = []
        for other in reversed(self._votes):
            if other.reading.sure >= self.rules.sure and all(self._differ(other, chosen) for chosen in apart):
                apart.append(other)
        return bytearray(number) if len(apart) >= needed else None

    def _differ(self, one: Vote, other: Vote) -> bool:
        moved = float(np.linalg.norm(one.corners - other.corners, axis=1).max())
        noise = float(np.abs(one.patch.astype(np.int16) - other.patch.astype(np.int16)).mean())
        return moved >= self.rules.shift and noise >= self.rules.noise

    def forget(self) -> None:
        """Another card, or none: what was read is not of the card that comes next."""
        while self._votes:
            self._votes.popleft().wipe()

    def __len__(self) -> int:
        return len(self._votes)
