"""Following a face, with a finder that looks at painted squares instead of faces."""

from __future__ import annotations

import numpy as np
import pytest

from devices.face.models import FoundFace
from devices.face.track import GAP_SECONDS, GLANCE_SECONDS, SILENT_SECONDS, Box, Sight, Tracker, plausible
from devices.ports import Image

WIDTH, HEIGHT = 640, 480
FRAME = 1 / 30


class Squares:
    """Finds squares by their gray values (40, 90, 150), of at least 80 pixels, and counts the pixels searched."""

    def __init__(self) -> None:
        self.searched: list[int] = []
        self.blind = False

    def detect(self, gray: Image, *, minimum: float) -> list[tuple[Box, float]]:
        self.searched.append(gray.size)
        found = []
        for value in () if self.blind else (40, 90, 150):
            painted = gray == value
            rows, columns = (np.flatnonzero(painted.sum(axis) > 40) for axis in (1, 0))  # not a blended edge
            if len(rows) and len(columns) and (size := int(rows.max() - rows.min()) + 1) >= 78:
                found.append(((int(columns.min()), int(rows.min()), int(columns.min()) + size, int(rows.max())), 1.0))
        return found

    def landmarks(self, gray: Image, box: Box, score: float) -> FoundFace:
        left, top, right, bottom = box
        x, y, size = (left + right) / 2, (top + bottom) / 2, bottom - top
        eye, lid = size * 0.21, size * 0.08
        points = [(x + eye + lid, y), (x + eye - lid, y), (x - eye - lid, y), (x - eye + lid, y), (x, y + size * 0.3)]
        return FoundFace(box, score, np.array(points), None)


def scene(*squares: tuple[int, int, int, int]) -> Image:
    """(x, y, size, value) of each square."""
    gray = np.full((HEIGHT, WIDTH), 255, np.uint8)
    for x, y, size, value in squares:
        gray[y - size // 2 : y + size // 2, x - size // 2 : x + size // 2] = value
    return gray


def patterned(x: int, y: int, size: int = 160, *, face: int = 1) -> Image:
    """One square with a pattern on it, by which it can be followed without the finder; another `face`, another one."""
    gray = scene((x, y, size, 40))
    blocks = np.random.default_rng(face).random((10, 10)) < 0.35
    pattern = np.kron(blocks, np.ones((size // 10, size // 10), bool))
    gray[y - size // 2 : y + size // 2, x - size // 2 : x + size // 2][pattern] = 140
    return gray


def followed(finder: Squares, frames: list[Image], *, rate: int = 30, closely: bool = False) -> list[Sight]:
    """What a tracker sees in the frames, one after the other, after the first was there before."""
    tracker = Tracker(finder)
    tracker.see(frames[0], -1 / rate, closely=closely)
    finder.searched.clear()
    return [tracker.see(frame, number / rate, closely=closely) for number, frame in enumerate(frames)]


def test_between_two_looks_the_face_is_moved_with_the_picture() -> None:
    finder = Squares()
    way = [(300 + 4 * frame, 240 - 3 * frame) for frame in range(13)]
    sights = followed(finder, [patterned(*place) for place in way])
    assert [sight.found for sight in sights] == [number % 3 == 0 for number in range(13)]
    assert len(finder.searched) == 5
    for sight, (x, y) in zip(sights, way, strict=True):
        (face,) = sight.faces
        assert not sight.lost
        assert face.box[0] == pytest.approx(x - 80, abs=3)
        assert face.box[1] == pytest.approx(y - 80, abs=3)
        assert face.eyes[0][0] == pytest.approx(x - 0.21 * 160, abs=3)


def test_who_looks_closely_has_every_frame_searched() -> None:
    finder = Squares()
    sights = followed(finder, [patterned(300 + frame, 240) for frame in range(10)], closely=True)
    assert all(sight.found for sight in sights)
    assert len(finder.searched) == 10


def test_a_slow_camera_has_every_frame_searched() -> None:
    finder = Squares()
    sights = followed(finder, [patterned(300, 240)] * 10, rate=int(1 / GLANCE_SECONDS))
    assert all(sight.found for sight in sights)


@pytest.mark.parametrize(
    "then",
    [patterned(320, 240, face=2), patterned(320 + 32, 240), patterned(320, 240 - 28), patterned(320, 240, 120)],
    ids=["another face", "far aside", "far up", "much smaller"],
)
def test_what_is_no_face_that_moves_a_little_is_searched_at_once(then: Image) -> None:
    finder = Squares()
    sights = followed(finder, [patterned(320, 240), patterned(320, 240), then])
    assert [sight.found for sight in sights] == [True, False, True]
    assert len(finder.searched) >= 2


def test_a_face_that_drifts_away_is_searched_before_the_next_look_is_due() -> None:
    finder = Squares()
    sights = followed(finder, [patterned(300 + 15 * frame, 240) for frame in range(3)])
    assert [sight.found for sight in sights] == [True, False, True]


def test_an_empty_frame_is_seen_at_once() -> None:
    sights = followed(Squares(), [patterned(320, 240), patterned(320, 240), scene()])
    assert [len(sight.faces) for sight in sights] == [1, 1, 0]


def test_at_the_edge_of_the_frame_every_frame_is_searched() -> None:
    sights = followed(Squares(), [patterned(90, 240)] * 4)
    assert all(sight.found for sight in sights)


def test_a_camera_that_changes_its_size_is_searched_at_once() -> None:
    tracker = Tracker(Squares())
    for frame in range(3):
        assert tracker.see(patterned(320, 240), frame * FRAME, closely=False).found is (frame < 2)
    assert tracker.see(patterned(320, 240)[:, 40:], 3 * FRAME, closely=False).found


def test_nothing_is_left_of_a_face_that_was_followed() -> None:
    tracker = Tracker(Squares())
    for frame in range(2):
        tracker.see(patterned(320, 240), frame * FRAME, closely=False)
    assert tracker._glimpse is not None
    held = tracker._glimpse._core
    assert held is not None
    assert held.any()
    tracker.wipe()
    assert not held.any()


def test_a_face_is_found_once_and_then_followed_in_a_small_region() -> None:
    finder = Squares()
    tracker = Tracker(finder)
    assert tracker.see(scene((320, 240, 160, 40)), 0.0).lost, "a face is new"
    for frame in range(1, 18):
        sight = tracker.see(scene((320 + 4 * frame, 240, 160, 40)), frame * FRAME)
        assert not sight.lost
        assert abs(sight.faces[0].box[0] - (240 + 4 * frame)) <= 4
    assert max(finder.searched[1:]) < 200 * 200 < finder.searched[0]


def test_one_blurred_frame_is_not_the_end_but_a_long_gap_is() -> None:
    finder = Squares()
    tracker = Tracker(finder)
    tracker.see(scene((320, 240, 160, 40)), 0.0)
    finder.blind = True
    sight = tracker.see(scene((320, 240, 160, 40)), FRAME)
    assert not sight.faces
    assert not sight.lost
    finder.blind = False
    assert not tracker.see(scene((322, 240, 160, 40)), 2 * FRAME).lost
    finder.blind = True
    assert not tracker.see(scene(), 3 * FRAME).lost
    assert tracker.see(scene(), 2 * FRAME + GAP_SECONDS + 0.01).lost
    finder.blind = False
    assert tracker.see(scene((320, 240, 160, 40)), 2 * FRAME + GAP_SECONDS + 0.05).lost


def test_a_face_somewhere_else_is_somebody_else() -> None:
    tracker = Tracker(Squares())
    tracker.see(scene((200, 240, 150, 40)), 0.0)
    sight = tracker.see(scene((450, 240, 150, 40)), FRAME)
    assert sight.lost
    assert sight.faces[0].box[0] > 300


def test_who_comes_back_after_a_gap_is_somebody_else() -> None:
    tracker = Tracker(Squares())
    tracker.see(scene((320, 240, 150, 40)), 0.0)
    assert tracker.see(scene((320, 240, 150, 40)), 0.1).lost is False
    tracker.see(scene(), 0.2)
    tracker.see(scene(), 0.3)
    assert tracker.see(scene((320, 240, 150, 40)), 0.1 + GAP_SECONDS + 0.1).lost


def test_a_slow_camera_loses_nobody_but_a_silent_one_does() -> None:
    tracker = Tracker(Squares())
    tracker.see(scene((320, 240, 150, 40)), 0.0)
    assert not tracker.see(scene((330, 240, 150, 40)), 0.6).lost
    assert tracker.see(scene((330, 240, 150, 40)), 0.6 + SILENT_SECONDS + 0.1).lost


@pytest.mark.parametrize("closely", [True, False])
def test_a_second_person_is_noticed_within_a_second_and_so_is_his_leaving(closely: bool) -> None:
    tracker = Tracker(Squares())
    one = patterned(220, 240)
    two = np.minimum(one, scene((480, 240, 150, 90)))
    for frame in range(5):
        tracker.see(one, frame * FRAME, closely=closely)
    both = [tracker.see(two, (5 + frame) * FRAME, closely=closely) for frame in range(30)]
    assert len(both[-1].faces) == 2
    assert not any(sight.lost for sight in both)
    alone = [tracker.see(one, (35 + frame) * FRAME, closely=closely) for frame in range(30)]
    assert len(alone[-1].faces) == 1


def test_a_nearer_person_takes_the_place_of_the_one_who_was_followed() -> None:
    tracker = Tracker(Squares())
    for frame in range(5):
        tracker.see(scene((180, 240, 130, 40)), frame * FRAME)
    sights = [tracker.see(scene((180, 240, 130, 40), (450, 240, 200, 90)), (5 + frame) * FRAME) for frame in range(30)]
    assert any(sight.lost for sight in sights)
    assert sights[-1].faces[0].box[0] > 300


@pytest.mark.parametrize(
    ("size", "eyes", "nose"),
    [(100, 8, 30), (100, 90, 30), (100, 42, -20), (100, 42, 80)],
    ids=["eyes together", "eyes outside", "nose above the eyes", "nose below the chin"],
)
def test_points_that_do_not_lie_like_a_face_are_clutter(size: int, eyes: int, nose: int) -> None:
    points = np.array([(eyes / 2, 0), (eyes / 2, 0), (-eyes / 2, 0), (-eyes / 2, 0), (0, nose)], np.float64)
    box = (-size // 2, -size // 2, size // 2, size // 2)
    assert not plausible(FoundFace(box, 1.0, points, None))
    points = np.array([(21, 0), (21, 0), (-21, 0), (-21, 0), (0, 30)], np.float64)
    assert plausible(FoundFace(box, 1.0, points, None))
