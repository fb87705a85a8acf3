"""Which hint the person is given: the first at once, each later one only when it lasts, so that none contradicts
the one before while that is still being read."""

from __future__ import annotations

from collections.abc import Callable

from devices.ports import FaceHint

STANDS_SECONDS = 0.4  # a hint stands at least that long
LASTS_SECONDS = 0.1  # the frames must have agreed on another for that long


class Guide:
    """`say` hears every change of the hint. Times are those of the frames."""

    def __init__(self, say: Callable[[FaceHint], object]) -> None:
        self._say = say
        self._said: FaceHint | None = None
        self._said_at = 0.0
        self._next: FaceHint | None = None
        self._since = 0.0

    def see(self, hint: FaceHint, at: float, asked: FaceHint | None = None) -> None:
        """`asked`: what a challenge wants instead. That is never held back: the time to answer counts from here."""
        if asked is not None:
            if asked is not self._said:
                self._said, self._said_at = asked, at
                self._say(asked)
            return
        if hint is not self._next:
            self._next, self._since = hint, at
        if self._said is None or (
            hint is not self._said and at - self._since >= LASTS_SECONDS and at - self._said_at >= STANDS_SECONDS
        ):
            self._said, self._said_at = hint, at
            self._say(hint)
