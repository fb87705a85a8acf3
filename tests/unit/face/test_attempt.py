"""An attempt on a clock of our own, over drawn people: which frames count, what is said, what is left."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest

from devices.face.attempt import Attempt, Limits
from devices.face.enhance import DIM, WANTED, brighten
from devices.face.guide import STANDS_SECONDS, Guide
from devices.face.liveness import Liveness, LivenessSettings, Mode, Verdict
from devices.face.models import Descriptor, FoundFace, Models
from devices.face.operating import load_thresholds
from devices.face.quality import measure
from devices.face.template import DEFAULT_CENTRE, Centre, CentredEngine, Enrolled
from devices.ports import FaceBand, FaceGuidance, FaceHint, FacePresence, Image
from devices.simulated.faces import FAR_SEEDS, card_photo
from devices.simulated.people import Actor
from tests.contract.face.booth import live

FRAME = 1 / 30
PERSON, STRANGER = FAR_SEEDS["employee"], FAR_SEEDS["pinless"]


@pytest.fixture(scope="module")
def engine() -> CentredEngine:
    return CentredEngine(Models(), Centre.load(DEFAULT_CENTRE), load_thresholds(CentredEngine.name))


class Stage:
    """Shows frames at 30 Hz."""

    def __init__(self, engine: CentredEngine, *, enrolled: bool = True, frames: int = 9) -> None:
        self.said: list[FaceGuidance] = []
        photo = engine.enrol(card_photo(PERSON)) if enrolled else None
        self.attempt = Attempt(1, engine, Limits(seconds=100, frames=frames), photo, self.said.append, 0.0)
        self.at = 0.0
        self._noise = np.random.default_rng(1)

    def show(self, pictures: list[Image], seconds: float) -> float:
        """Until the attempt is over, at most `seconds`; returns how long that took."""
        begun = self.at
        while self.at < begun + seconds and not self.attempt.over(self.at):
            image = pictures[round(self.at / FRAME) % len(pictures)].copy()
            image[::8, ::8] ^= self._noise.integers(0, 4, image[::8, ::8].shape, np.uint8)
            self.attempt.look(image, self.at)
            self.at += FRAME
        return self.at - begun


def test_three_windows_decide_within_a_second(engine: CentredEngine) -> None:
    stage = Stage(engine)
    assert stage.show(live(PERSON), 5) <= 1.0
    assert stage.attempt.decide().band is FaceBand.ACCEPT
    assert stage.said == [FaceGuidance(1, FaceHint.GOOD)]


def test_three_descriptors_a_second(engine: CentredEngine) -> None:
    stage = Stage(engine, frames=100)
    stage.show(live(STRANGER), 2.0)
    assert stage.attempt.decide().frames >= 6


@pytest.mark.parametrize(("mode", "share"), [(Mode.PASSIVE, (0.25, 0.4)), (Mode.CHALLENGE, (1.0, 1.0))])
def test_only_faces_that_were_found_are_judged_and_described(
    engine: CentredEngine, mode: Mode, share: tuple[float, float]
) -> None:
    """In passive mode the detector looks at every third picture; in a challenge it misses none."""
    actor = Actor(PERSON)
    film = [actor.frame(number * FRAME) for number in range(30)]
    noted: list[float] = []
    described: list[float] = []

    class Noting(Liveness):
        def see(self, gray: Image, face: FoundFace, at: float, good: bool = True) -> bool:
            noted.append(at)
            return super().see(gray, face, at, good)

    stage = Stage(engine, frames=100)
    stage.attempt.liveness = Noting(LivenessSettings(mode=mode), random.Random(1))
    for _ in film:
        stage.show(film, FRAME / 2)
        if stage.attempt._candidate is not None:
            described.append(stage.attempt._candidate.at)
    assert share[0] <= len(noted) / len(film) <= share[1]
    assert described
    assert set(described) <= set(noted)


def test_somebody_else_in_between_begins_anew(engine: CentredEngine) -> None:
    """Two windows of the card's owner, an empty chair, then the stranger: the owner's frames do not help him."""
    stage = Stage(engine, frames=3)
    stage.show(live(PERSON), 0.55)
    stage.show([np.full((480, 640, 3), 150, np.uint8)], 0.4)
    stage.show(live(STRANGER), 5)
    decided = stage.attempt.decide()
    assert decided.band is not FaceBand.ACCEPT
    assert decided.frames == 3


def test_a_face_that_comes_back_as_the_challenge_ends_keeps_its_frames(engine: CentredEngine) -> None:
    """The last movement is a turn: the head is lost in profile, and done when it is seen again."""
    gone: list[float] = []

    class Turning(Liveness):
        back = False

        def see(self, gray: Image, face: FoundFace, at: float, good: bool = True) -> bool:
            self.back = bool(gone)
            return True

        def lost(self, at: float) -> None:
            gone.append(at)

        def running(self, at: float) -> bool:
            return not self.back

        def matchable(self, at: float) -> bool:
            return True

        def verdict(self, at: float) -> Verdict:
            return Verdict.LIVE if self.back else Verdict.UNDECIDED

    stage = Stage(engine, frames=3)
    stage.attempt.liveness = Turning(LivenessSettings(mode=Mode.CHALLENGE), random.Random(1))
    stage.show(live(PERSON), 1.2)
    stage.show([np.full((480, 640, 3), 150, np.uint8)], 0.9)
    assert gone
    stage.show(live(PERSON), 1.0)
    decided = stage.attempt.decide()
    assert (decided.band, decided.presence) == (FaceBand.ACCEPT, FacePresence.LIVE)


@pytest.mark.parametrize("frames", [3, 9])
def test_an_attempt_compares_no_more_often_than_the_bound_says(engine: CentredEngine, frames: int) -> None:
    """A stranger is compared; the chair is empty; then the owner sits down: that is another attempt's business."""
    stage = Stage(engine, frames=frames)
    compared: list[float] = []
    real = engine.distance

    class Counting(CentredEngine):
        def distance(self, enrolled: Enrolled, frames: Sequence[Descriptor]) -> float:
            compared.append(real(enrolled, frames))
            return compared[-1]

    stage.attempt.engine = Counting(engine.models, Centre.load(DEFAULT_CENTRE), engine.thresholds)
    stage.attempt.liveness = Liveness(LivenessSettings(mode=Mode.PASSIVE), random.Random(1))
    stage.show(live(STRANGER), 1.2)
    assert len(compared) == 1
    stage.show([np.full((480, 640, 3), 150, np.uint8)], 0.4)
    stage.show(live(PERSON), 5)
    assert stage.attempt.decide().band is not FaceBand.ACCEPT
    assert len(set(compared)) == 1


class Beside(CentredEngine):
    """The points of the frames that are counted in `beside` lie beside the face: their descriptors are elsewhere, on
    the card's side or not."""

    def __init__(self, engine: CentredEngine, *beside: int) -> None:
        centre = Centre.load(DEFAULT_CENTRE)
        super().__init__(engine.models, centre, engine.thresholds)
        self._common = centre.weight * centre.mean
        self._beside = beside
        self.described = 0

    def describe(self, image: Image, face: FoundFace, enrolled: Enrolled) -> Descriptor:
        self.described += 1
        found = super().describe(image, face, enrolled)
        if self.described not in self._beside:
            return found
        own = found - self._common
        return np.asarray(found + 0.5 * own / np.linalg.norm(own), np.float64)


@pytest.mark.parametrize(
    ("beside", "needed", "presence"),
    [
        ((), 3, FacePresence.LIVE),
        ((1,), 4, FacePresence.LIVE),
        ((2,), 4, FacePresence.LIVE),
        ((2, 4), 4, FacePresence.ATTACK),
    ],
)
def test_one_frame_beside_the_others_is_replaced_once(
    engine: CentredEngine, beside: tuple[int, ...], needed: int, presence: FacePresence
) -> None:
    stage = Stage(engine)
    stage.attempt.engine = watched = Beside(engine, *beside)
    stage.show(live(PERSON), 5)
    decided = stage.attempt.decide()
    assert watched.described == needed
    assert decided.presence is presence
    assert (decided.band is FaceBand.ACCEPT) == (presence is FacePresence.LIVE)


def test_the_person_is_guided_before_the_photo_is_known(engine: CentredEngine) -> None:
    stage = Stage(engine, enrolled=False)
    stage.show(live(PERSON), 0.5)
    assert stage.said == [FaceGuidance(1, FaceHint.GOOD)]
    assert stage.attempt.decide().frames == 0
    stage.attempt.enrolled = engine.enrol(card_photo(PERSON))
    stage.show(live(PERSON), 5)
    assert stage.attempt.decide().band is FaceBand.ACCEPT


def test_nothing_is_left(engine: CentredEngine) -> None:
    stage = Stage(engine)
    stage.show(live(PERSON), 0.5)
    attempt = stage.attempt
    assert attempt._candidate is not None
    held = [attempt._candidate.piece, attempt._good[0].descriptor, attempt._gray]
    assert attempt.enrolled is not None
    held.append(attempt.enrolled.descriptor)
    attempt.wipe()
    assert not any(np.any(each) for each in held)


def test_hints_stand_and_only_change_for_what_lasts() -> None:
    said: list[tuple[FaceHint, float]] = []
    at = 0.0
    guide = Guide(lambda hint: said.append((hint, at)))
    flicker = [FaceHint.LEFT, FaceHint.LEFT, FaceHint.RIGHT, FaceHint.GOOD]
    for frame in range(60):
        at = frame * FRAME
        guide.see(flicker[frame % 4] if frame < 30 else FaceHint.GOOD, at)
    assert [hint for hint, _ in said] == [FaceHint.LEFT, FaceHint.GOOD]
    assert said[0][1] == 0, "the first hint comes with the first frame"
    assert 1.0 <= said[1][1] <= 1.2

    said.clear()
    guide = Guide(lambda hint: said.append((hint, at)))
    for frame in range(90):
        at = frame * FRAME
        guide.see((FaceHint.LEFT, FaceHint.CLOSER)[frame // 6 % 2], at)
    gaps = np.diff([when for _, when in said])
    assert len(gaps) > 2
    assert min(gaps) >= STANDS_SECONDS


def test_a_dim_face_is_brightened_and_a_bright_one_left_alone(engine: CentredEngine) -> None:
    dim = live(PERSON, light=0.3)[0].copy()
    (face,) = engine.find(dim)
    before = measure(dim, face).illumination
    assert before < DIM
    brighten(dim, face, before)
    assert measure(dim, face).illumination == pytest.approx(WANTED, abs=15)
    bright = live(PERSON)[0].copy()
    brighten(bright, face, measure(bright, face).illumination)
    assert np.array_equal(bright, live(PERSON)[0])


def test_a_dim_person_is_accepted(engine: CentredEngine) -> None:
    stage = Stage(engine)
    stage.show(live(PERSON, light=0.3), 5)
    assert stage.attempt.decide().band is FaceBand.ACCEPT
