"""The judge of one attempt. One thread; the clock is passed in."""

from __future__ import annotations

import random
from collections.abc import Sequence

from devices.face.liveness.vocabulary import LivenessSettings, Mode, Prompt, Verdict
from devices.face.models import Descriptor, FoundFace
from devices.ports import Image


class Liveness:
    """`draw` chooses what is asked; in the kiosk a `random.SystemRandom`."""

    def __init__(self, settings: LivenessSettings, draw: random.Random) -> None:
        self._settings = settings
        self._draw = draw

    def see(self, gray: Image, face: FoundFace, at: float) -> None:
        """Every frame with exactly one dominant face, also those that the quality gate refuses.

        `gray`: height x width, as the camera sees it; `at` in seconds of the clock of all calls."""

    def lost(self, at: float) -> None:
        """The face is gone, or there are several: whoever comes next may be another person."""

    def prompt(self, at: float) -> Prompt | None:
        """What the person is asked now; None: nothing."""
        return None

    def matchable(self, at: float) -> bool:
        """May the frame that was seen last count for the comparison? In challenge mode: only inside the challenge."""
        return self._settings.mode is not Mode.CHALLENGE

    def witness(self, at: float) -> bool:
        """Is the descriptor of the frame that was seen last wanted for `same_person`, though it does not count?"""
        return False

    def same_person(self, descriptors: Sequence[Descriptor]) -> bool:
        """Whether all frames of the decision, `witness` frames among them, show one person."""
        return True

    def verdict(self, at: float) -> Verdict:
        return Verdict.UNDECIDED if self._settings.mode is Mode.CHALLENGE else Verdict.LIVE

    def wipe(self) -> None:
        """Overwrite the patches that are held."""
