"""What a video device is before OpenCV opens it: a camera, somebody else's at the moment, or no lens at all.

OpenCV only says that it could not open a device. The questions are those of the kernel's Video4Linux2 interface
(QUERYCAP, REQBUFS with a count of 0, which asks for the right to stream and takes nothing).
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devices.errors import CameraBusy, CameraDenied, CameraLost, CameraUnfit, CameraVirtual

# linux/videodev2.h; the numbers are those of every architecture with the usual _IOC encoding.
VIDIOC_QUERYCAP = 0x80685600
VIDIOC_REQBUFS = 0xC0145608
_CAPABILITY = struct.Struct("=16s32s32sIII12x")  # driver, card, bus_info, version, capabilities, device_caps
_REQUEST = struct.Struct("=IIIII")  # count, type, memory, capabilities, flags and reserved
_DEVICE_CAPS = 0x8000_0000
_CAPTURES = 0x0000_0001 | 0x0000_1000  # one plane or several
_CAPTURE, _MMAP = 1, 1  # type and memory of REQBUFS

# Names by which software cameras are known; a name proves nothing, so the place in /sys is asked, too.
_SOFTWARE = re.compile(r"loopback|vivid|vimc|akvcam|\bobs\b|virtual|dummy video|droidcam|iriun|fake", re.IGNORECASE)
SYSFS = Path("/sys/class/video4linux")

Ioctl = Callable[[int, int, bytearray], object]


@dataclass(frozen=True, slots=True)
class Identity:
    """How a device introduces itself; `captures`: pictures can be taken from it."""

    driver: str
    card: str
    bus: str
    captures: bool


def check(device: str, *, production: bool, ioctl: Ioctl = fcntl.ioctl, sysfs: Path = SYSFS) -> None:
    """Raises what keeps the kiosk from using `device`, a path in /dev: `CameraLost`, `CameraDenied`, `CameraBusy`,
    `CameraUnfit` (no camera) or, in production, `CameraVirtual`."""
    try:
        fd = os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _reason(error, "open") from None
    try:
        identity = _ask(fd, ioctl)
        if not identity.captures:
            raise CameraUnfit("does not capture")
        if production and is_virtual(device, identity, sysfs):
            raise CameraVirtual(identity.driver)
        try:
            ioctl(fd, VIDIOC_REQBUFS, bytearray(_REQUEST.pack(0, _CAPTURE, _MMAP, 0, 0)))
        except OSError as error:
            if error.errno == errno.EBUSY:
                raise CameraBusy("streams for another program") from None
    finally:
        os.close(fd)


def is_virtual(device: str, identity: Identity | None = None, sysfs: Path = SYSFS) -> bool:
    """Has it no hardware behind it? By its place in /sys and by the names that it gives itself."""
    node = sysfs / Path(os.path.realpath(device)).name
    if "/devices/virtual/" in os.path.realpath(node):
        return True
    try:
        names = [(node / "name").read_text(encoding="utf-8", errors="replace")]
    except OSError:
        names = []
    if identity is not None:
        names += [identity.driver, identity.card, identity.bus]
    return any(_SOFTWARE.search(name) for name in names)


def _ask(fd: int, ioctl: Ioctl) -> Identity:
    answer = bytearray(_CAPABILITY.size)
    try:
        ioctl(fd, VIDIOC_QUERYCAP, answer)
    except OSError as error:
        raise _reason(error, "QUERYCAP") from None
    driver, card, bus, _, capabilities, own = _CAPABILITY.unpack(answer)
    caps = own if capabilities & _DEVICE_CAPS else capabilities
    return Identity(_text(driver), _text(card), _text(bus), bool(caps & _CAPTURES))


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "replace")


def _reason(error: OSError, step: str) -> CameraLost:
    match error.errno:
        case errno.EBUSY:
            return CameraBusy(step)
        case errno.EACCES | errno.EPERM:
            return CameraDenied(step)
        case errno.ENOTTY | errno.EINVAL:  # the device does not know the question
            return CameraUnfit("no video device")
        case _:
            return CameraLost(step)
