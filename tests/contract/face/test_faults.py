"""What may happen to the face process, at the port: each fault has its name, and the next attempt works."""

from __future__ import annotations

import errno
import os
import queue
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from devices.blob import Blob
from devices.errors import DeviceFault
from devices.face import worker
from devices.face.models import Models
from devices.face.operating import load_thresholds
from devices.face.template import DEFAULT_CENTRE, Centre, CentredEngine
from devices.face.verifier import SupervisedFaceVerifier
from devices.face.worker import Begin, spec
from devices.feed import FrameFeed, Offer
from devices.ports import FaceBand, FaceDecided, FaceFailed, Image
from devices.simulated.faces import FAR_SEEDS, card_photo
from devices.supervisor import Channel, InProcess, seconds_without_processor
from tests.contract.face.booth import Booth, Listener, ScriptedCamera, live

PERSON, STRANGER = FAR_SEEDS["employee"], FAR_SEEDS["pinless"]


def engine_of(models: Models) -> CentredEngine:
    return CentredEngine(models, Centre.load(DEFAULT_CENTRE), load_thresholds(CentredEngine.name))


def opencv_error(code: int) -> cv2.error:
    error = cv2.error("planted")
    error.code = code
    return error


def wall(width: int, height: int) -> list[Image]:
    return [np.full((height, width, 3), level, np.uint8) for level in (140, 150, 160)]


def works(booth: Booth, photo: Blob) -> None:
    assert booth.listener.ready() == "centred"
    booth.camera.pictures = live(PERSON)
    booth.verifier.begin(job := booth.job(), photo)
    assert booth.listener.end(job) == FaceDecided(job, FaceBand.ACCEPT, frames=3)


def test_a_process_that_hangs_costs_one_attempt(booth: Booth) -> None:
    booth.camera.pictures = wall(640, 480)
    with Blob.of(card_photo(PERSON)) as photo:
        booth.verifier.begin(job := booth.job(), photo)
        assert booth.listener.hint(job) == "no_face"
        os.kill(booth.verifier.pids[0], signal.SIGSTOP)
        assert booth.listener.end(job) == FaceFailed(job, DeviceFault.FACE_WORKER_LOST)
        works(booth, photo)


@pytest.mark.parametrize(
    "error",
    [MemoryError(), OSError(errno.ENOMEM, "mmap"), opencv_error(-4)],
    ids=["memory", "mapping", "picture"],
)
def test_a_process_without_memory_says_so_and_ends(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    left = serve_with(monkeypatch, error)
    assert left == [FaceFailed(1, DeviceFault.FACE_MEMORY)]


def test_another_error_is_not_called_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert serve_with(monkeypatch, opencv_error(-215)) == []


def serve_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[object]:
    """What a face process says in which the first frame meets `error`."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(worker, "load_engine", lambda options: engine_of(Models()))
    monkeypatch.setattr(worker.Attempt, "see", fail)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    parent, child = Channel(ours, worker.TO_PARENT), Channel(theirs, worker.TO_CHILD)
    parent.send(Begin(1, Blob.of(card_photo(PERSON)), Blob.empty(30 * 30 * 3)))
    parent.send(Offer(1, 1, 30, 30))
    with pytest.raises(type(error)):
        worker.serve(child, {})
    said = []
    while (message := parent.receive(timeout=0.1)) is not None:
        said.append(message)
    parent.close()
    child.close()
    return said


@pytest.mark.parametrize("fault", [DeviceFault.CAMERA_COVERED, DeviceFault.CAMERA_FROZEN, DeviceFault.CAMERA_BUSY])
def test_a_camera_that_says_what_is_wrong_ends_the_attempt_with_it(
    booth: Booth, monkeypatch: pytest.MonkeyPatch, fault: DeviceFault
) -> None:
    booth.camera.pictures = []
    monkeypatch.setattr(booth.camera, "fault", lambda: fault)
    with Blob.of(card_photo(PERSON)) as photo:
        booth.verifier.begin(job := booth.job(), photo)
        assert booth.listener.end(job) == FaceFailed(job, fault)


@pytest.mark.parametrize("text", ["", "weight = 0.75", "unit = 1e-4\nmean = [1, 2]\nweight = 0.75", "\x00\x01"])
def test_damaged_numbers_fail_every_attempt_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "centre.toml").write_text(text, encoding="utf-8")
    answers: queue.Queue[object] = queue.Queue()
    served = InProcess(spec({"centre": str(tmp_path / "centre.toml")}), answers.put, lambda: None)
    served.send(Begin(7, Blob.of(card_photo(PERSON)), Blob.empty(10)))
    assert answers.get(timeout=30) == FaceFailed(7, DeviceFault.MODEL_MISSING)
    served.kill()


class Slow:
    """A process that takes a frame and says nothing more; `starved` as the test says."""

    def __init__(self, starved: Callable[[], float]) -> None:
        self.offered = threading.Event()
        self.hung = threading.Event()
        camera = ScriptedCamera()
        camera.pictures = [np.full((240, 320, 3), 90, np.uint8)]
        self.feed = FrameFeed(
            camera,
            offer=self._offer,
            hung=self.hung.set,
            lost=lambda job, fault: None,
            lost_seconds=60,
            hang_seconds=0.3,
            starved=starved,
        )
        self.feed.open(1).close()
        self.feed.run(1)
        assert self.offered.wait(10)

    def _offer(self, offer: Offer) -> None:
        self.offered.set()


def test_who_says_nothing_hangs() -> None:
    assert Slow(lambda: 0.0).hung.wait(10)


def test_who_waits_for_a_processor_does_not_hang() -> None:
    clock = iter(range(10**9))
    slow = Slow(lambda: float(next(clock)))  # a second of waiting between any two looks
    assert not slow.hung.wait(2)
    slow.feed.take()


def test_a_sign_of_life_is_not_yet_an_answer_but_gives_time() -> None:
    slow = Slow(lambda: 0.0)
    for _ in range(20):
        slow.feed.alive()
        assert not slow.hung.wait(0.1)
    assert slow.hung.wait(10)


def test_waiting_for_a_processor_is_read_from_the_system() -> None:
    assert seconds_without_processor(os.getpid()) >= 0
    assert seconds_without_processor(2**22 + 1) == 0, "no such process"


def test_an_attempt_waits_for_the_process_that_replaces_a_lost_one() -> None:
    """Processes that die one after the other are not replaced at once; the patient need not know."""
    booth = Booth({"seconds": 10.0, "frames": 6})
    booth.camera.pictures = live(PERSON)
    with Blob.of(card_photo(PERSON)) as photo:
        for _ in range(2):
            booth.verifier.begin(job := booth.job(), photo)
            booth.listener.hint(job)
            os.kill(booth.verifier.pids[0], signal.SIGKILL)
            assert booth.listener.end(job) == FaceFailed(job, DeviceFault.FACE_WORKER_LOST)
        booth.verifier.begin(job := booth.job(), photo)
        assert booth.listener.end(job) == FaceDecided(job, FaceBand.ACCEPT, frames=3)
    booth.verifier.stop()


def test_an_attempt_does_not_wait_for_ever() -> None:
    verifier = SupervisedFaceVerifier(ScriptedCamera(), {})  # not started: nobody will come
    heard = Listener()
    verifier._sink = heard
    with Blob.of(card_photo(PERSON)) as photo:
        verifier.begin(1, photo)
        verifier.cancel()
        verifier.begin(2, photo)
        assert heard.end(2) == FaceFailed(2, DeviceFault.FACE_WORKER_LOST)
        assert not photo.closed
