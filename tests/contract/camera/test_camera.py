"""Every camera keeps the same contract: fresh frames, the newest one, a fault when there are none, wiping."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from devices.camera.opencv import OpenCvCamera
from devices.errors import DeviceFault
from devices.ports import Camera, Frame
from devices.simulated.camera import SimulatedCamera


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.01)


def frame_of(camera: Camera) -> Frame:
    end = time.monotonic() + 30.0
    while (frame := camera.latest()) is None:
        assert time.monotonic() < end, "no frame"
        time.sleep(0.01)
    return frame


def noisy_pictures(count: int) -> Iterator[np.ndarray]:
    draw = np.random.default_rng(2)
    for _ in range(count):
        yield draw.integers(0, 255, (240, 320, 3), np.uint8)


def video(folder: Path) -> str:
    path = folder / "camera.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (320, 240))
    for picture in noisy_pictures(12):
        writer.write(picture)
    writer.release()
    return str(path)


def sequence(folder: Path) -> str:
    for index, picture in enumerate(noisy_pictures(12)):
        cv2.imwrite(str(folder / f"picture_{index:04d}.png"), picture)
    return str(folder / "picture_%04d.png")


@pytest.fixture(params=["simulated", "video", "sequence"])
def camera(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Camera]:
    made: Camera
    if request.param == "simulated":
        made = SimulatedCamera()
    else:
        made = OpenCvCamera({"device": (video if request.param == "video" else sequence)(tmp_path)})
    yield made
    made.stop()


def test_no_frame_before_start(camera: Camera) -> None:
    assert camera.latest() is None
    assert camera.fault() is DeviceFault.CAMERA_LOST


def test_frames_are_bgr_fresh_and_numbered(camera: Camera) -> None:
    camera.start()
    first = frame_of(camera)
    assert first.image.dtype == np.uint8
    assert first.image.ndim == 3
    assert first.image.shape[2] == 3
    assert camera.fault() is None
    until(lambda: frame_of(camera).sequence > first.sequence + 14)  # past the end of the file: it starts again
    asked = time.monotonic()
    later = frame_of(camera)
    assert later.at > first.at
    assert asked - later.at < 1.5


def test_stopping_forgets_the_frame_that_is_held(camera: Camera) -> None:
    camera.start()
    frame_of(camera)
    camera.stop()
    assert camera.latest() is None


def test_a_picture_is_overwritten_when_nobody_holds_it_any_more(camera: Camera) -> None:
    camera.start()
    frame = frame_of(camera)
    memory = frame.image.base
    assert isinstance(memory, np.ndarray)
    sequence = frame.sequence
    until(lambda: frame_of(camera).sequence > sequence + 2)
    assert memory.any(), "somebody still looks at it"
    del frame
    until(lambda: not memory.any(), 5.0)
    camera.stop()


def test_starting_twice_is_one_thread(camera: Camera) -> None:
    camera.start()
    camera.start()
    frame_of(camera)
    assert [thread.name for thread in threading.enumerate()].count("camera") == 1
    camera.stop()
    assert "camera" not in [thread.name for thread in threading.enumerate()]


def test_it_can_be_started_again(camera: Camera) -> None:
    camera.start()
    before = frame_of(camera).sequence
    camera.stop()
    camera.start()
    assert frame_of(camera).sequence > before


@pytest.mark.parametrize("device", ["/dev/video-none", "97", "none.avi"])
def test_a_missing_device_is_a_lost_camera(device: str) -> None:
    camera = OpenCvCamera({"device": device})
    camera.start()
    assert camera.latest() is None
    assert camera.fault() is DeviceFault.CAMERA_LOST
    camera.stop()


def test_a_device_that_appears_later_is_found(tmp_path: Path) -> None:
    path = tmp_path / "camera.avi"
    camera = OpenCvCamera({"device": str(path)})
    camera.start()
    time.sleep(0.1)
    video(tmp_path)
    assert frame_of(camera).image.shape == (240, 320, 3)
    camera.stop()


@pytest.mark.parametrize(
    ("condition", "fault"),
    [
        ("lost", DeviceFault.CAMERA_LOST),
        ("black", DeviceFault.CAMERA_COVERED),
        ("frozen", DeviceFault.CAMERA_FROZEN),
    ],
)
def test_a_fault_is_noticed_and_ends(condition: str, fault: DeviceFault) -> None:
    camera = SimulatedCamera()
    camera.start()
    frame_of(camera)
    camera.set_condition(condition)
    until(lambda: camera.fault() is fault)
    assert camera.latest() is None
    camera.set_condition("normal")
    until(lambda: camera.fault() is None)
    camera.stop()


def test_a_dark_room_is_no_fault_of_the_camera() -> None:
    camera = SimulatedCamera()
    camera.set_condition("dark")
    camera.start()
    assert frame_of(camera).image.mean() < 40
    camera.stop()


def test_a_person_sits_down_and_leaves() -> None:
    camera = SimulatedCamera(options={"fps": 30})
    camera.start()
    empty = frame_of(camera).image.astype(int)

    def somebody() -> bool:
        return bool(np.abs(frame_of(camera).image.astype(int) - empty).mean() > 8)

    assert not somebody()
    camera.show(22)
    until(somebody)
    one = frame_of(camera)
    until(lambda: np.abs(frame_of(camera).image.astype(int) - one.image).mean() > 3.5)  # moving, not only noise
    camera.show(None)
    until(lambda: not somebody())
    camera.stop()


def test_a_portrait_of_your_own_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cv2.imwrite(str(tmp_path / "employee.png"), np.full((300, 200, 3), (10, 200, 30), np.uint8))
    monkeypatch.setenv("FACES", str(tmp_path))
    camera = SimulatedCamera(22)
    camera.start()
    until(lambda: abs(int(frame_of(camera).image[240, 320, 1]) - 200) < 12)
    camera.stop()
