"""The challenge: what is drawn, what counts as an answer, and that it fails closed."""

from __future__ import annotations

import random

import pytest

from devices.face.attempt import GRACE_SECONDS
from devices.face.liveness import LivenessSettings, Prompt
from devices.face.liveness.challenge import ACTIONS, Challenge, Observation, Outcome
from devices.face.liveness.judge import _strange
from devices.face.liveness.motion import Motion
from devices.face.liveness.movements import Depth, Lids, flat
from devices.face.liveness.solid import Solid
from kiosk.app import face_options
from kiosk.config import CHALLENGE_SECONDS, Settings

LIMITS = LivenessSettings()
STILL = Motion((0.0, 0.0), 3.0, 0.004, 1.0)
FRONT = Solid(0.1, 0.0, 0.01)
PAUSE = 1.2  # longer than any that is drawn


class Drawn(random.Random):
    """Draws what the test wants."""

    def __init__(self, *actions: Prompt) -> None:
        super().__init__(1)
        self._actions = list(actions)

    def sample(self, population: object, k: int, *, counts: object = None) -> list[Prompt]:  # type: ignore[override]
        """The test names them."""
        return self._actions


def solid(sign: float, depth: float = 1.0, sine: float = 0.34) -> Solid:
    """What turned to the side of `sign`, `depth` as a share of a face's."""
    return Solid(sine, sign * depth * sine, 0.02)


def turned(sign: float, depth: float = 1.0, offset: float = 0.11) -> tuple[float, Solid]:
    """Offset and depth of a head turned by 20 degrees."""
    return sign * offset, solid(sign, depth)


class Seen:
    """A challenge and a clock."""

    def __init__(self, *actions: Prompt) -> None:
        self.challenge = Challenge(LIMITS, Drawn(*actions), 0.0)
        self.now = 0.0

    def __call__(
        self,
        offset: float = 0.0,
        seen: Solid | None = None,
        motion: Motion | None = STILL,
        closed: float | None = 0.0,
        seconds: float = 0.1,
        turn: float | None = None,
    ) -> Outcome:
        self.now += seconds
        self.challenge.tick(self.now)
        self.challenge.see(Observation(self.now, offset if turn is None else turn, offset, motion, closed, seen))
        return self.challenge.outcome

    def pause(self) -> Outcome:
        for _ in range(round(PAUSE / 0.1)):
            self()
        return self.challenge.outcome

    def turn(self, sign: float) -> Outcome:
        self(seconds=0.5)
        for _ in range(LIMITS.frames):
            self(*turned(sign))
        return self.challenge.outcome

    def blink(self, seconds: float = LIMITS.shut + 0.1) -> Outcome:
        self(seconds=0.5)
        for _ in range(round(seconds / 0.1)):
            self(closed=0.6)
        return self(closed=0.0)


def test_two_of_three_are_drawn_in_every_order_and_one_of_them_is_a_turn() -> None:
    seen = set()
    for number in range(300):
        challenge = Challenge(LIMITS, random.Random(number), 0.0)
        first = challenge.prompt
        assert first is not None
        seen.add((first, challenge._actions[1]))
    assert len(seen) == 6
    assert all(set(pair) & {Prompt.TURN_LEFT, Prompt.TURN_RIGHT} for pair in seen)
    assert {prompt for pair in seen for prompt in pair} == set(ACTIONS)


@pytest.mark.parametrize(("first", "sign"), [(Prompt.TURN_LEFT, 1.0), (Prompt.TURN_RIGHT, -1.0)])
def test_a_turn_and_a_blink_pass(first: Prompt, sign: float) -> None:
    seen = Seen(first, Prompt.BLINK)
    assert seen.challenge.prompt is first
    assert seen.turn(sign) is Outcome.RUNNING
    assert seen.challenge.prompt is Prompt.LOOK_STRAIGHT
    assert seen.challenge.resting
    seen.pause()
    assert seen.challenge.prompt is Prompt.BLINK
    assert seen.blink() is Outcome.PASSED
    assert seen.challenge.prompt is None


def test_the_other_way_fails() -> None:
    seen = Seen(Prompt.TURN_LEFT, Prompt.BLINK)
    seen(seconds=0.5)
    assert seen(*turned(-1.0, offset=LIMITS.wrong - 0.01)) is Outcome.RUNNING  # a head is never quite still
    seen = Seen(Prompt.TURN_LEFT, Prompt.BLINK)
    seen(seconds=0.5)
    assert seen(*turned(-1.0, offset=LIMITS.wrong + 0.01)) is Outcome.FAILED
    assert seen.challenge.reason == "turned the other way"


def test_a_flat_turn_proves_nothing_and_time_runs_out() -> None:
    seen = Seen(Prompt.TURN_LEFT, Prompt.BLINK)
    seen(seconds=0.5)
    for _ in range(60):
        if seen(*turned(1.0, depth=0.02)) is Outcome.FAILED:
            break
    assert seen.challenge.reason == "turn_left too late"
    assert seen.now <= LIMITS.latest + LIMITS.lasting + 0.2


def test_a_movement_before_anyone_can_have_seen_the_prompt_fails() -> None:
    seen = Seen(Prompt.TURN_RIGHT, Prompt.BLINK)
    assert seen(*turned(-1.0)) is Outcome.FAILED
    assert seen.challenge.reason == "moved before it can have seen the prompt"


def test_nothing_done_fails_after_the_reaction_time() -> None:
    for actions in ((Prompt.TURN_LEFT, Prompt.BLINK), (Prompt.BLINK, Prompt.TURN_LEFT)):
        seen = Seen(*actions)
        assert seen(seconds=LIMITS.latest - 0.1) is Outcome.RUNNING
        assert seen(seconds=0.2) is Outcome.FAILED


def test_eyes_that_close_by_themselves_as_the_prompt_comes_are_no_answer_and_no_offence() -> None:
    seen = Seen(Prompt.BLINK, Prompt.TURN_LEFT)
    seen(closed=0.6)
    assert seen(closed=0.0) is Outcome.RUNNING
    assert seen.challenge.prompt is Prompt.BLINK
    seen.blink()
    assert seen.challenge.prompt is Prompt.LOOK_STRAIGHT


def test_a_blink_is_not_closed_on_purpose() -> None:
    seen = Seen(Prompt.BLINK, Prompt.TURN_LEFT)
    assert seen.blink(LIMITS.shut - 0.1) is Outcome.RUNNING
    assert seen.challenge.prompt is Prompt.BLINK
    for _ in range(30):
        seen()
    assert seen.challenge.outcome is Outcome.FAILED  # and does not give more time


def test_a_frame_in_which_the_lids_cannot_be_told_does_not_end_the_closing() -> None:
    seen = Seen(Prompt.BLINK, Prompt.TURN_LEFT)
    seen(seconds=0.5)
    for closed in (0.6, 0.6, None, 0.6, None, 0.6, 0.0):
        seen(closed=closed)
    assert seen.challenge.prompt is Prompt.LOOK_STRAIGHT


def test_a_print_that_is_tipped_away_does_not_close_its_eyes() -> None:
    """They look half closed on the way there and back, and closed when it stands aslant (#5: one bent print of 300)."""
    straight, blink = Prompt.LOOK_STRAIGHT, Prompt.BLINK
    for tilt, sine, after in ((41.0, 0.3, straight), (29.0, 0.6, straight), (41.0, 0.6, blink)):
        seen = Seen(Prompt.BLINK, Prompt.TURN_LEFT)
        seen(seconds=0.5)
        for closed in (0.1, 0.2):
            seen(closed=closed, seconds=0.1)
        seen(closed=0.6, motion=Motion((0.0, 0.0), tilt, 0.03, 0.8), seen=Solid(sine, 0.0, 0.02), seconds=0.1)
        for closed in (0.6, 0.6, 0.6, 0.6, 0.6, 0.2, 0.1, 0.0):
            seen(closed=closed, seconds=0.1)
        assert seen.challenge.prompt is after
    for _ in range(2):
        seen()
    assert seen.blink() is Outcome.RUNNING
    assert seen.challenge.prompt is Prompt.LOOK_STRAIGHT, "with open eyes in between it may be a blink"


def test_eyes_that_stay_closed_are_no_blink() -> None:
    seen = Seen(Prompt.BLINK, Prompt.TURN_LEFT)
    seen(seconds=0.5)
    for _ in range(70):
        seen(closed=0.6)
    assert seen.challenge.outcome is Outcome.FAILED


def test_a_turn_is_no_blink() -> None:
    seen = Seen(Prompt.BLINK, Prompt.TURN_LEFT)
    assert seen(LIMITS.away + 0.01, turn=0.0, seconds=0.5) is Outcome.RUNNING  # from half turned to the front
    assert seen(*turned(1.0, offset=LIMITS.away + 0.01)) is Outcome.FAILED
    assert seen.challenge.reason == "turned unasked"


def test_what_cannot_be_seen_is_no_answer() -> None:
    seen = Seen(Prompt.BLINK, Prompt.TURN_LEFT)
    assert seen(closed=None, motion=None, seconds=0.5) is Outcome.RUNNING
    blind = Seen(Prompt.TURN_LEFT, Prompt.BLINK)
    blind(seconds=0.5)
    assert blind(0.2, motion=None) is Outcome.RUNNING
    assert blind.challenge.prompt is Prompt.TURN_LEFT


def test_between_the_prompts_one_looks_straight_with_open_eyes() -> None:
    seen = Seen(Prompt.TURN_LEFT, Prompt.BLINK)
    seen.turn(1.0)
    for _ in range(20):
        seen(0.11)
    assert seen.challenge.prompt is Prompt.LOOK_STRAIGHT  # not in front yet
    for _ in range(15):
        seen(closed=0.6)
    assert seen.challenge.prompt is Prompt.LOOK_STRAIGHT  # eyes closed
    assert seen(LIMITS.away + 0.01) is Outcome.RUNNING  # still on the way to the left, where it was sent
    for _ in range(3):
        seen()
    assert seen.challenge.prompt is Prompt.LOOK_STRAIGHT  # the pause begins anew
    assert seen(-LIMITS.away - 0.01) is Outcome.FAILED
    assert seen.challenge.reason == "turned unasked"


def test_a_blink_in_the_pause_is_nothing() -> None:
    seen = Seen(Prompt.TURN_LEFT, Prompt.BLINK)
    seen.turn(1.0)
    for number in range(round(PAUSE / 0.1)):
        seen(closed=0.6 if number == 1 else 0.0)
    assert seen.challenge.prompt is Prompt.BLINK


def test_nobody_waits_forever_for_the_look_back() -> None:
    seen = Seen(Prompt.TURN_LEFT, Prompt.BLINK)
    seen.turn(1.0)
    for _ in range(round((LIMITS.returning + PAUSE) / 0.1)):
        seen(0.11)
    assert seen.challenge.outcome is Outcome.FAILED


def test_an_end_is_an_end() -> None:
    seen = Seen(Prompt.TURN_LEFT, Prompt.BLINK)
    seen(seconds=10.0)
    assert seen.challenge.outcome is Outcome.FAILED
    assert seen.turn(1.0) is Outcome.FAILED
    assert seen.challenge.prompt is None


@pytest.mark.parametrize(
    ("depth", "offset", "sine", "sign", "enough"),
    [
        (1.0, 0.1, 0.34, 1.0, True),
        (1.0, 0.1, 0.34, -1.0, False),  # turned the other way
        (0.4, 0.05, 0.34, 1.0, False),  # less than half a face's depth
        (0.1, 0.3, 0.34, 1.0, False),  # the nose is drawn aside on a sheet
        (1.0, 0.1, 0.1, 1.0, False),  # not turned far enough to say so
    ],
)
def test_depth_is_a_share_of_the_turn(depth: float, offset: float, sine: float, sign: float, enough: bool) -> None:
    turn = Depth()
    for _ in range(LIMITS.frames):
        assert not turn.enough(LIMITS)
        turn.add(solid(1.0, depth, sine), offset, sign)
    assert turn.enough(LIMITS) is enough


def test_one_lucky_frame_is_not_depth() -> None:
    turn = Depth()
    for depth in (1.5, 0.05, 0.05, 0.05):
        turn.add(solid(1.0, depth), 0.06, 1.0)
    assert not turn.enough(LIMITS)


def test_flat_is_tilted_shallow_and_rigid() -> None:
    assert flat(Motion((0.003, 0.002), 20.0, 0.006, 1.0), LIMITS)
    assert not flat(Motion((0.003, 0.002), 8.0, 0.006, 1.0), LIMITS)  # hardly moved
    assert not flat(Motion((0.06, 0.0), 20.0, 0.006, 1.0), LIMITS)  # a nose
    assert not flat(Motion((0.003, 0.002), 20.0, 0.03, 1.0), LIMITS)  # a face that speaks


def test_another_face_is_no_picture_of_the_first() -> None:
    assert not _strange(STILL, LIMITS)
    assert not _strange(Motion((0.01, 0.0), 20.0, 0.04, 0.85), LIMITS)  # closed eyes
    assert _strange(None, LIMITS)
    assert _strange(Motion((0.01, 0.0), 20.0, 0.04, 0.62), LIMITS)
    assert not _strange(Motion((0.01, 0.0), 20.0, 0.01, 0.62), LIMITS)  # half of it covered, the rest as it was
    assert _strange(Motion((0.01, 0.0), 40.0, 0.01, 1.0), LIMITS)
    assert _strange(Motion((0.11, 0.0), 5.0, 0.01, 1.0), LIMITS)


def blinked(values: tuple[float, ...], apart: float) -> bool:
    lids = Lids()
    for number, value in enumerate(values):
        lids.see(number * apart, value, LIMITS)
    return lids.opened


def test_lids_move_and_what_is_laid_over_the_eyes_does_not() -> None:
    assert blinked((0.0, 0.2, 0.6, 0.65, 0.3, 0.0), 1 / 30)
    assert not blinked((0.0, 0.6, 0.61, 0.6, 0.6, 0.0), 1 / 30)
    assert blinked((0.0, 0.6, 0.61, 0.6, 0.0), 1 / 12)  # too few pictures to see a lid on its way
    assert not blinked((0.0, 0.1, 0.08, 0.0), 1 / 30)  # never closed
    assert not blinked((0.0, 0.2, 0.6, 0.6), 1 / 30)  # not open again
    assert not blinked((0.0, 0.6, 0.6, 0.3, 0.6, 0.6, 0.0), 1 / 30)  # half closed by chance, in between


def test_pictures_without_lids_are_pictures() -> None:
    """A pair of paper lids, and pictures in which the lids cannot be told while they come and go."""
    lids = Lids()
    for number, value in enumerate((0.0, None, None, 0.6, 0.6, 0.61, None, None, 0.0)):
        if value is None:
            lids.untold(number / 30)
        else:
            lids.see(number / 30, value, LIMITS)
    assert not lids.opened
    seen = Seen(Prompt.BLINK, Prompt.TURN_LEFT)
    seen(seconds=0.5)
    for closed in (0.0, None, None, *(0.6,) * 20, None, None, 0.0):
        seen(closed=closed, seconds=0.03)
    assert seen.challenge.prompt is Prompt.BLINK
    hidden = Seen(Prompt.BLINK, Prompt.TURN_LEFT)
    hidden(seconds=0.5)
    for closed in (0.0, None, None, *(0.6,) * 20, None, None, 0.0):
        if closed is None:  # a hand before the face
            hidden.now += 0.03
            hidden.challenge.unseen(hidden.now)
        else:
            hidden(closed=closed, seconds=0.03)
    assert hidden.challenge.prompt is Prompt.BLINK


def test_two_turns_that_leave_depth_open_are_followed_by_a_blink() -> None:
    seen = Seen(Prompt.TURN_LEFT, Prompt.TURN_RIGHT)
    for sign in (1.0, -1.0):
        seen(0.0, FRONT, seconds=0.5)
        for _ in range(LIMITS.frames):
            seen(*turned(sign, depth=0.5))  # 0.5 and a third from the nose
        assert seen.challenge.prompt is Prompt.LOOK_STRAIGHT
        seen.pause()
    assert seen.challenge.prompt is Prompt.BLINK
    assert seen.blink() is Outcome.PASSED
    plain = Seen(Prompt.TURN_LEFT, Prompt.TURN_RIGHT)
    plain.turn(1.0)
    plain.pause()
    assert plain.turn(-1.0) is Outcome.PASSED


def test_the_kiosk_waits_for_the_longest_challenge() -> None:
    longest = 3 * (LIMITS.latest + LIMITS.lasting) + 2 * (LIMITS.returning + LIMITS.pause[1]) + GRACE_SECONDS
    options = face_options(Settings())
    assert float(str(options["seconds"])) + longest <= Settings().times.face_seconds + CHALLENGE_SECONDS


def test_looking_around_is_no_turn() -> None:
    seen = Seen(Prompt.TURN_LEFT, Prompt.BLINK)
    seen(seconds=0.5)
    for _ in range(10):
        seen(0.075, solid(1.0, 1.0, 0.09))
    assert seen.challenge.prompt is Prompt.TURN_LEFT
    for _ in range(15):
        seen(0.075, solid(1.0, 1.0, 0.09))
    assert seen.challenge.outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("way", "seconds", "prompt"),
    [(0.27, 1.2, Prompt.TURN_LEFT), (0.27, 0.5, Prompt.LOOK_STRAIGHT), (0.42, 1.4, Prompt.LOOK_STRAIGHT)],
)
def test_swaying_slowly_is_no_turn(way: float, seconds: float, prompt: Prompt) -> None:
    """A video answered so by chance (#5: 4 of 300): the owner's head swayed when a turn was asked for."""
    seen = Seen(Prompt.TURN_LEFT, Prompt.BLINK)
    seen(0.0, FRONT, seconds=0.5)
    steps = round(seconds / 0.1)
    for step in range(1, steps + 1):
        share = step / steps
        seen(0.37 * way * share, Solid(0.63 * way * share, 0.63 * way * share, 0.02))
    for _ in range(6):
        seen(0.37 * way, Solid(0.63 * way, 0.63 * way, 0.02))
    assert seen.challenge.prompt is prompt


@pytest.mark.parametrize(
    ("middle", "prompt"), [(0.0, Prompt.LOOK_STRAIGHT), (-0.05, Prompt.TURN_LEFT), (0.05, Prompt.LOOK_STRAIGHT)]
)
def test_a_swift_sway_about_the_middle_is_no_turn(middle: float, prompt: Prompt) -> None:
    """The head of the owner in a video (#5: 1 of 300) went as far, from one side of the middle to the other."""
    seen = Seen(Prompt.TURN_LEFT, Prompt.BLINK)
    seen(0.0, FRONT, seconds=0.5, turn=middle)
    for share in (0.2, 0.4, 0.6, 0.8, *(1.0,) * 6):
        seen(0.1 * share, Solid(0.34 * share, 0.25 * share, 0.02), turn=middle + 0.1 * share)
    assert seen.challenge.prompt is prompt


def test_open_eyes_in_bad_light_or_from_the_side_are_not_closed() -> None:
    for closed, offset, after in ((0.2, 0.0, False), (0.35, 0.12, False), (0.35, 0.08, True)):
        seen = Seen(Prompt.BLINK, Prompt.TURN_LEFT)
        seen(seconds=0.5)
        for value in (0.1, *(closed,) * 7, 0.1, 0.0):
            seen(offset if value > 0.1 else 0.0, closed=value)
        assert (seen.challenge.prompt is Prompt.LOOK_STRAIGHT) is after


def test_swaying_back_to_the_middle_is_no_turn() -> None:
    seen = Seen(Prompt.TURN_RIGHT, Prompt.BLINK)
    seen(seconds=0.5)
    for _ in range(5):
        seen(*turned(-1.0, offset=0.06), turn=0.0)
    assert seen.challenge.prompt is Prompt.TURN_RIGHT
