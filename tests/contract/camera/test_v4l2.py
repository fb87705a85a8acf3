"""What a video device says of itself. No device is there: the kernel's part is played by a function."""

from __future__ import annotations

import errno
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from devices.camera.opencv import OpenCvCamera
from devices.camera.v4l2 import VIDIOC_QUERYCAP, VIDIOC_REQBUFS, check, is_virtual
from devices.errors import CameraBusy, CameraDenied, CameraLost, CameraUnfit, CameraVirtual, DeviceFault
from kiosk import config
from kiosk.app import camera_options
from tests.contract.camera.test_camera import until, video

WEBCAM = (b"uvcvideo", b"USB camera", b"usb-0000:00:14.0-3", 0x8420_0001, 0x0420_0001)
RECORDER = (b"uvcvideo", b"USB camera", b"usb-0000:00:14.0-3", 0x8420_0001, 0x04A0_0000)  # its metadata node
LOOPBACK = (b"v4l2 loopback", b"Dummy video device (0x0000)", b"platform:v4l2loopback-000", 0x8520_0003, 0x0520_0003)
RENAMED = (b"uvcvideo", b"HD Webcam", b"usb-0000:00:14.0-3", 0x8420_0001, 0x0420_0001)
OBS = (b"v4l2 loopback", b"OBS Virtual Camera", b"platform:v4l2loopback-001", 0x8520_0003, 0x0520_0003)

Said = tuple[bytes, bytes, bytes, int, int]


def kernel(said: Said, busy: bool = False) -> Callable[[int, int, bytearray], int]:
    def ioctl(fd: int, request: int, answer: bytearray) -> int:
        driver, card, bus, capabilities, own = said
        if request == VIDIOC_QUERYCAP:
            struct.pack_into("=16s32s32sIII", answer, 0, driver, card, bus, 0x60000, capabilities, own)
        if request == VIDIOC_REQBUFS and busy:
            raise OSError(errno.EBUSY, "busy")
        return 0

    return ioctl


def failing(number: int) -> Callable[[int, int, bytearray], int]:
    def ioctl(fd: int, request: int, answer: bytearray) -> int:
        raise OSError(number, "planted")

    return ioctl


@pytest.fixture
def node(tmp_path: Path) -> Path:
    path = tmp_path / "video0"
    path.touch()
    return path


def place(sysfs: Path, folder: str, name: str) -> Path:
    """A /sys in which video0 lies in `folder`."""
    target = sysfs / "devices" / folder / "video4linux" / "video0"
    target.mkdir(parents=True)
    (target / "name").write_text(name + "\n", encoding="utf-8")
    links = sysfs / "class"
    links.mkdir()
    (links / "video0").symlink_to(target)
    return links


def test_a_camera_is_a_camera(node: Path, tmp_path: Path) -> None:
    links = place(tmp_path, "pci0000:00/usb1", "USB camera")
    check(str(node), production=True, ioctl=kernel(WEBCAM), sysfs=links)


@pytest.mark.parametrize(
    ("ioctl", "error"),
    [
        (kernel(WEBCAM, busy=True), CameraBusy),
        (kernel(RECORDER), CameraUnfit),
        (failing(errno.ENOTTY), CameraUnfit),
        (failing(errno.EBUSY), CameraBusy),
        (failing(errno.EPERM), CameraDenied),
        (failing(errno.ENODEV), CameraLost),
    ],
    ids=["streams elsewhere", "no pictures", "no device", "busy", "forbidden", "pulled out"],
)
def test_what_keeps_a_camera_from_being_used(
    node: Path, ioctl: Callable[[int, int, bytearray], int], error: type[CameraLost]
) -> None:
    with pytest.raises(error) as raised:
        check(str(node), production=False, ioctl=ioctl)
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("said", "folder", "name"),
    [
        (LOOPBACK, "virtual", "Dummy video device (0x0000)"),
        (OBS, "virtual", "OBS Virtual Camera"),
        (RENAMED, "virtual", "HD Webcam"),  # whatever it calls itself: nothing is plugged in
        (LOOPBACK, "pci0000:00/usb1", "HD Webcam"),
        (WEBCAM, "pci0000:00/usb1", "OBS Virtual Camera"),
    ],
)
def test_virtual_cameras_are_refused_in_production_only(
    node: Path, tmp_path: Path, said: Said, folder: str, name: str
) -> None:
    links = place(tmp_path, folder, name)
    check(str(node), production=False, ioctl=kernel(said), sysfs=links)
    with pytest.raises(CameraVirtual):
        check(str(node), production=True, ioctl=kernel(said), sysfs=links)


def test_a_link_by_id_is_followed_to_the_device(node: Path, tmp_path: Path) -> None:
    links = place(tmp_path, "virtual", "HD Webcam")
    (tmp_path / "usb-camera-index0").symlink_to(node)
    assert is_virtual(str(tmp_path / "usb-camera-index0"), sysfs=links)


def test_a_file_is_no_camera_in_production(tmp_path: Path) -> None:
    camera = OpenCvCamera({"device": video(tmp_path), "production": True})
    camera.start()
    until(lambda: camera.fault() is DeviceFault.CAMERA_VIRTUAL)
    assert camera.latest() is None
    camera.stop()


def test_a_device_that_is_no_camera_is_named() -> None:
    camera = OpenCvCamera({"device": "/dev/null"})
    camera.start()
    until(lambda: camera.fault() is DeviceFault.CAMERA_UNFIT)
    camera.stop()


def test_what_the_settings_say_reaches_the_camera() -> None:
    text = (
        '[kiosk]\nproduction = false\n[camera]\ndriver = "opencv"\ndevice = "2"\nwidth = 1280\nheight = 720\nfps = 15\n'
    )
    options = camera_options(config.parse(text, Path("config.toml")))
    assert options == {"device": "2", "production": False, "width": 1280, "height": 720, "fps": 15}
