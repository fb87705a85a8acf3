"""A simulated camera whose pictures are drawn by another process, as those of a real one are made by its driver.

The pictures stand in shared memory, a few at a time; a counter in front of them says which is the newest. Whoever
draws has nothing to do with the processor time, nor with the memory, of the process that looks.
"""

from __future__ import annotations

import mmap
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from devices.blob import Blob
from devices.errors import CameraLost
from devices.ports import Image
from devices.simulated.camera import SimulatedCamera
from devices.simulated.reel import ReelCamera
from devices.stream import CameraStream
from devices.supervisor import Channel, ChildSpec, Options, ProcessWorker

_HEAD = struct.Struct("=QII")  # number of pictures so far, width and height of the newest
_HEAD_BYTES = 64
_NOTE_AT = 32
_SLOTS = 4  # whoever reads has three pictures' time to copy one
_POLL_SECONDS = 0.004
_PATIENCE_SECONDS = 0.1


class SharedFrames:
    """Pictures (height x width x 3, BGR, at most `most` bytes) in the memory of a blob, which this owns.

    One process puts, one takes. A picture that is overtaken while it is copied out is torn, not refused: as from a
    camera.
    """

    def __init__(self, memory: Blob) -> None:
        self._memory = memory
        self._area: mmap.mmap = memory.map()
        self._most = (len(self._area) - _HEAD_BYTES) // _SLOTS

    @classmethod
    def empty(cls, most: int = 640 * 480 * 3) -> SharedFrames:
        return cls(Blob.empty(_HEAD_BYTES + _SLOTS * most))

    def share(self) -> Blob:
        """The same memory for another process."""
        return self._memory.duplicate()

    def put(self, image: Image) -> None:
        """Raises `ValueError` for a picture that does not fit."""
        if image.ndim != 3 or image.shape[2] != 3 or image.size > self._most:
            raise ValueError("the picture does not fit")
        count = self.count + 1
        self._slot(count, image.size).reshape(image.shape)[:] = image
        _HEAD.pack_into(self._area, 0, count, image.shape[1], image.shape[0])

    @property
    def count(self) -> int:
        """How many pictures there were: rises with each."""
        return int(_HEAD.unpack_from(self._area, 0)[0])

    @property
    def note(self) -> int:
        """One byte beside the pictures, for what those who share them have agreed upon; 0 at first."""
        return int(self._area[_NOTE_AT])

    @note.setter
    def note(self, value: int) -> None:
        self._area[_NOTE_AT] = value

    def take(self) -> Image | None:
        """A copy of the newest, or None before the first."""
        count, width, height = _HEAD.unpack_from(self._area, 0)
        size = width * height * 3
        if not 0 < size <= self._most:
            return None
        return self._slot(count, size).reshape(height, width, 3).copy()

    def wipe(self) -> None:
        """Overwrite every picture and give the memory up."""
        self._area.close()
        self._memory.wipe()

    def _slot(self, count: int, size: int) -> Image:
        return np.frombuffer(self._area, np.uint8, size, _HEAD_BYTES + count % _SLOTS * self._most)


class SharedSource:
    """`Source` of pictures that somebody else puts into shared memory."""

    def __init__(self, frames: SharedFrames) -> None:
        self._frames = frames
        self._seen = 0

    def open(self) -> None:
        """There is nothing to open."""

    def read(self) -> Image | None:
        end = time.monotonic() + _PATIENCE_SECONDS
        while (count := self._frames.count) == self._seen:
            if time.monotonic() > end:
                return None
            time.sleep(_POLL_SECONDS)
        self._seen = count
        return self._frames.take()

    def close(self) -> None:
        """There is nothing to close."""


@dataclass(frozen=True, slots=True)
class Attach:
    """Where the pictures belong."""

    memory: Blob


@dataclass(frozen=True, slots=True)
class Show:
    """Who sits there: a seed, or nobody."""

    seed: int | None


TO_CHILD = (Attach, Show)
TO_PARENT = ()


def spec(options: Options) -> ChildSpec:
    """How to start the camera's process. `options`: of `SimulatedCamera`; with `reel`: of `ReelCamera`."""
    return ChildSpec("camera", "devices.simulated.apart:serve", TO_CHILD, TO_PARENT, dict(options))


def serve(channel: Channel, options: Options) -> None:
    """Draw until the channel closes."""
    camera = ReelCamera(None, options) if options.get("reel") else SimulatedCamera(None, options)
    frames: SharedFrames | None = None
    last = -1
    camera.start()
    try:
        while True:
            match channel.receive(timeout=_POLL_SECONDS):
                case Attach(memory):
                    frames = SharedFrames(memory)
                case Show(seed):
                    camera.show(seed)
                case _:
                    pass
            frame = camera.latest()
            if frames is not None and frame is not None and frame.sequence != last:
                last = frame.sequence
                frames.put(frame.image)
    finally:
        camera.stop()
        if frames is not None:
            frames.wipe()


class SeparateCamera(CameraStream):
    """`ports.Camera` over a process that draws people. `options`: of `SimulatedCamera`, or with `reel` of
    `ReelCamera`."""

    def __init__(self, seed: int | None = None, options: Mapping[str, Any] | None = None) -> None:
        self._options = dict(options or {})
        width, height = self._options.get("width", 640), self._options.get("height", 480)
        self._frames = SharedFrames.empty(width * height * 3)
        super().__init__(SharedSource(self._frames))
        self._worker: ProcessWorker | None = None
        self._seed = seed

    def start(self) -> None:
        # Nobody starts it anew: on a busy machine it may take longer than a device's process to say its first word.
        self._worker = ProcessWorker(spec(self._options), _silent, _silent_end, heartbeat_timeout=60.0)
        self._worker.send(Attach(self._frames.share()))
        self._worker.send(Show(self._seed))
        super().start()

    @property
    def pid(self) -> int | None:
        """Of the process that draws."""
        return None if self._worker is None else self._worker.pid

    def show(self, seed: int | None) -> None:
        """Another person sits down, or nobody. Raises `CameraLost` when the process is gone."""
        self._seed = seed
        if self._worker is None:
            raise CameraLost("not started")
        self._worker.send(Show(seed))

    def stop(self) -> None:
        super().stop()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()
            self._frames.wipe()


def _silent(message: object) -> None:
    """The process has nothing to say."""


def _silent_end() -> None:
    """Without pictures the camera reports itself lost."""
