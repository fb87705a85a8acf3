"""The face port, through the real process with the real thresholds, over drawn people."""

from __future__ import annotations

import io
import os
import queue
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from devices.blob import Blob
from devices.errors import DeviceFault
from devices.face.worker import Begin, Cancel, FrameDone, Greet, Offer, spec
from devices.ports import FaceBand, FaceDecided, FaceFailed, FaceWorkerReady
from devices.simulated.faces import FAR_SEEDS, card_photo
from devices.supervisor import InProcess
from tests.contract.face.booth import Booth, live

PERSON, STRANGER = FAR_SEEDS["employee"], FAR_SEEDS["pinless"]


def test_the_person_on_the_photo_is_accepted(booth: Booth) -> None:
    booth.camera.pictures = live(PERSON)
    with Blob.of(card_photo(PERSON)) as photo:
        booth.verifier.begin(job := booth.job(), photo)
        assert booth.listener.end(job) == FaceDecided(job, FaceBand.ACCEPT, frames=3)


def test_another_person_is_rejected_after_all_frames(booth: Booth) -> None:
    booth.camera.pictures = live(STRANGER)
    with Blob.of(card_photo(PERSON)) as photo:
        booth.verifier.begin(job := booth.job(), photo)
        assert booth.listener.end(job) == FaceDecided(job, FaceBand.REJECT, frames=6)


def test_the_photo_serves_for_the_next_attempt(booth: Booth) -> None:
    with Blob.of(card_photo(PERSON)) as photo:
        booth.camera.pictures = live(STRANGER)
        booth.verifier.begin(job := booth.job(), photo)
        assert booth.listener.end(job).job == job
        booth.camera.pictures = live(PERSON)
        booth.verifier.begin(job := booth.job(), photo)
        assert booth.listener.end(job) == FaceDecided(job, FaceBand.ACCEPT, frames=3)


def test_several_faces_are_never_compared(brief_booth: Booth) -> None:
    pair = [np.hstack([a[:, 140:460], b[:, 180:500]]) for a, b in zip(live(PERSON), live(STRANGER), strict=True)]
    brief_booth.camera.pictures = pair
    with Blob.of(card_photo(PERSON)) as photo:
        brief_booth.verifier.begin(job := brief_booth.job(), photo)
        assert brief_booth.listener.end(job) == FaceDecided(job, FaceBand.GREY, frames=0)
    assert brief_booth.listener.hints == ["several_faces"]


@pytest.mark.parametrize(
    ("level", "hint"), [(150, "no_face"), (9, "too_dark")], ids=["nobody there", "nobody there, lights out"]
)
def test_nobody_there(brief_booth: Booth, level: int, hint: str) -> None:
    brief_booth.camera.pictures = [np.full((480, 640, 3), level, np.uint8)]
    with Blob.of(card_photo(PERSON)) as photo:
        brief_booth.verifier.begin(job := brief_booth.job(), photo)
        assert brief_booth.listener.end(job) == FaceDecided(job, FaceBand.GREY, frames=0)
    assert brief_booth.listener.hints == [hint]


def test_a_dark_room_asks_for_light(brief_booth: Booth) -> None:
    brief_booth.camera.pictures = live(PERSON, light=0.12)
    with Blob.of(card_photo(PERSON)) as photo:
        brief_booth.verifier.begin(job := brief_booth.job(), photo)
        assert brief_booth.listener.end(job) == FaceDecided(job, FaceBand.GREY, frames=0)
    assert brief_booth.listener.hints == ["too_dark"]


def test_a_picture_that_stands_still_is_one_frame(brief_booth: Booth) -> None:
    brief_booth.camera.pictures = live(PERSON)[:1]
    brief_booth.camera.stuck = True
    with Blob.of(card_photo(PERSON)) as photo:
        brief_booth.verifier.begin(job := brief_booth.job(), photo)
        assert brief_booth.listener.end(job) == FaceDecided(job, FaceBand.GREY, frames=1)
    brief_booth.camera.stuck = False


@pytest.mark.parametrize("damage", ["truncated", "not a picture", "nobody on it", "too large"])
def test_a_bad_photo_is_named(booth: Booth, damage: str) -> None:
    whole = card_photo(PERSON)
    data = {
        "truncated": whole[: len(whole) // 2],
        "not a picture": b"x" * 4000,
        "nobody on it": _empty_photo(),
        "too large": whole + bytes(40_000),
    }[damage]
    booth.camera.pictures = live(PERSON)
    with Blob.of(data) as photo:
        booth.verifier.begin(job := booth.job(), photo)
        assert booth.listener.end(job) == FaceFailed(job, DeviceFault.PHOTO_INVALID)


def test_a_silent_camera_is_reported_and_the_next_attempt_works(booth: Booth) -> None:
    booth.camera.pictures = []
    with Blob.of(card_photo(PERSON)) as photo:
        booth.verifier.begin(job := booth.job(), photo)
        assert booth.listener.end(job) == FaceFailed(job, DeviceFault.CAMERA_LOST)
        booth.camera.pictures = live(PERSON)
        booth.verifier.begin(job := booth.job(), photo)
        assert booth.listener.end(job) == FaceDecided(job, FaceBand.ACCEPT, frames=3)


def test_a_cancelled_attempt_says_nothing_more(booth: Booth) -> None:
    booth.camera.pictures = live(STRANGER)
    with Blob.of(card_photo(PERSON)) as photo:
        booth.verifier.begin(job := booth.job(), photo)
        assert booth.listener.hint(job) == "good"
        booth.verifier.cancel()
        assert booth.listener.quiet(1.0)


def test_a_killed_process_costs_one_attempt(booth: Booth) -> None:
    booth.camera.pictures = live(STRANGER)
    with Blob.of(card_photo(PERSON)) as photo:
        booth.verifier.begin(job := booth.job(), photo)
        assert booth.listener.hint(job) == "good"
        os.kill(booth.verifier.pids[0], signal.SIGKILL)
        assert booth.listener.end(job) == FaceFailed(job, DeviceFault.FACE_WORKER_LOST)
        assert booth.listener.ready() == "centred"
        booth.camera.pictures = live(PERSON)
        booth.verifier.begin(job := booth.job(), photo)
        assert booth.listener.end(job) == FaceDecided(job, FaceBand.ACCEPT, frames=3)


def test_recycling_brings_another_process_that_works(booth: Booth) -> None:
    before = booth.verifier.pids[0]
    booth.verifier.recycle()
    assert booth.listener.ready() == "centred"
    assert before not in booth.verifier.pids
    booth.camera.pictures = live(PERSON)
    with Blob.of(card_photo(PERSON)) as photo:
        booth.verifier.begin(job := booth.job(), photo)
        assert booth.listener.end(job) == FaceDecided(job, FaceBand.ACCEPT, frames=3)


def test_missing_numbers_fail_every_attempt_by_name(tmp_path: Path) -> None:
    answers: queue.Queue[object] = queue.Queue()
    worker = InProcess(spec({"centre": str(tmp_path / "absent.toml")}), answers.put, lambda: None)
    worker.send(Begin(7, Blob.of(card_photo(PERSON)), Blob.empty(10)))
    assert answers.get(timeout=30) == FaceFailed(7, DeviceFault.MODEL_MISSING)
    worker.kill()


def test_an_attempt_leaves_its_frame_memory_overwritten() -> None:
    answers: queue.Queue[object] = queue.Queue()
    worker = InProcess(spec({}), answers.put, lambda: None)
    image = live(PERSON)[0]
    memory = Blob.of(image.tobytes())
    worker.send(Begin(1, Blob.of(card_photo(PERSON)), memory.duplicate()))
    worker.send(Offer(1, 5, 640, 480))
    while answers.get(timeout=30) != FrameDone(1, 5):
        pass
    worker.send(Cancel(1))
    worker.send(Greet())
    while not isinstance(answers.get(timeout=30), FaceWorkerReady):
        pass
    with memory.secret() as left:
        assert not any(left.view())
    worker.kill()
    memory.close()


def test_an_offer_beyond_the_memory_is_ignored() -> None:
    answers: queue.Queue[object] = queue.Queue()
    worker = InProcess(spec({}), answers.put, lambda: None)
    worker.send(Begin(1, Blob.of(card_photo(PERSON)), Blob.empty(300)))
    worker.send(Offer(1, 1, 640, 480))
    worker.send(Offer(1, 2, -1, 480))
    assert [answers.get(timeout=30) for _ in range(2)] == [FrameDone(1, 1), FrameDone(1, 2)]
    worker.kill()


def _empty_photo() -> bytes:
    target = io.BytesIO()
    Image.new("L", (240, 320), 180).save(target, "JPEG2000")
    return target.getvalue()
