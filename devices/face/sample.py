"""The webcam loops that `face_recognition` documents, as a process to measure beside ours: every frame goes through
`face_locations`, `face_encodings` and `face_distance`; in the faster form every second one, at a quarter of its size.

Of the library's published examples the loop, not the windows and the drawing: those would only add to its cost.
"""

from __future__ import annotations

import io
import mmap
import time
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from devices.blob import Blob
from devices.face.library import import_library
from devices.face.worker import FrameDone
from devices.feed import Offer
from devices.ports import Image
from devices.supervisor import Channel, ChildSpec, Options


@dataclass(frozen=True, slots=True)
class Compare:
    """Know the face of `photo`, then look at `frames` frames in `memory`."""

    job: int
    photo: Blob
    memory: Blob
    frames: int


@dataclass(frozen=True, slots=True)
class SampleReady:
    """The library is imported and the photo's face is known."""

    job: int


@dataclass(frozen=True, slots=True)
class SampleResult:
    """`cpu`: seconds of all threads from the first frame to the last; `described`: frames with a descriptor that
    was compared; `p50`, `p95`: seconds of one frame."""

    job: int
    frames: int
    cpu: float
    described: int
    p50: float
    p95: float


TO_CHILD = (Compare, Offer)
TO_PARENT = (SampleReady, FrameDone, SampleResult)


def spec(*, faster: bool) -> ChildSpec:
    return ChildSpec("sample", "devices.face.sample:serve", TO_CHILD, TO_PARENT, {"faster": faster})


def serve(channel: Channel, options: Options) -> None:
    """Serve until the channel closes."""
    library = import_library()
    faster = bool(options["faster"])
    run: _Run | None = None
    while True:
        match channel.receive():
            case Compare(job, photo, memory, frames):
                with photo.secret() as secret:
                    image = library.load_image_file(io.BytesIO(secret.view()))
                known = library.face_encodings(image)
                run = _Run(library, known, memory, frames, faster=faster)
                channel.send(SampleReady(job))
            case Offer(job, sequence, width, height) if run is not None:
                run.look(width, height)
                if run.over:
                    channel.send(run.result(job))
                    run = None
                channel.send(FrameDone(job, sequence))
            case _:
                pass


class _Run:
    def __init__(self, library: Any, known: list[Any], memory: Blob, frames: int, *, faster: bool) -> None:
        self._library = library
        self._known = known
        self._area: mmap.mmap = memory.map()
        self._memory = memory
        self._frames = frames
        self._faster = faster
        self._took: list[float] = []
        self._described = 0
        self._begun = time.process_time()

    @property
    def over(self) -> bool:
        return len(self._took) >= self._frames

    def look(self, width: int, height: int) -> None:
        if not self._took:
            self._begun = time.process_time()
        begun = time.perf_counter()
        frame = np.frombuffer(self._area, np.uint8, width * height * 3).reshape(height, width, 3)
        if not self._faster:
            self._described += self._compared(frame)
        elif len(self._took) % 2 == 0:
            self._described += self._compared(np.asarray(cv2.resize(frame, (0, 0), fx=0.25, fy=0.25), np.uint8))
        self._took.append(time.perf_counter() - begun)

    def _compared(self, frame: Image) -> bool:
        rgb = np.ascontiguousarray(frame[:, :, ::-1])
        places = self._library.face_locations(rgb)
        found = self._library.face_encodings(rgb, places)
        for encoding in found:
            self._library.face_distance(self._known, encoding)
        return bool(found)

    def result(self, job: int) -> SampleResult:
        cpu = time.process_time() - self._begun
        self._area.close()
        self._memory.wipe()
        p50, p95 = np.percentile(self._took, (50, 95))
        return SampleResult(job, len(self._took), cpu, self._described, float(p50), float(p95))
