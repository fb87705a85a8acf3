"""Where people are filmed: a process of its own, so that drawing takes nothing from the kiosk.

`Studio` is the kiosk's end. A picture is asked for, drawn into shared memory and copied out; who sits there, what
they show and what they are asked travels in messages.
"""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass

import numpy as np

from devices.blob import Blob
from devices.simulated.people.acting import Temper
from devices.simulated.people.actor import Actor, Filmed
from devices.simulated.people.attacks import Attack, attacker
from devices.simulated.people.scene import Picture, room
from devices.supervisor import Channel, ChannelClosed, ChildSpec, Options, ProcessWorker, Worker

_PATIENCE = 5.0  # seconds for one picture, on a busy machine


@dataclass(frozen=True, slots=True)
class Cast:
    """Who is before the camera from now on. `seed` below 0: nobody. `attack`: of `Attack`, or nothing."""

    seed: int
    variation: int = 0
    attack: str = ""
    companion: int = -1
    calm: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """Where pictures go; the first message."""

    picture: Blob
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Shoot:
    """A picture of the time `at` (seconds) is wanted. `prompt`: what the kiosk asks, or nothing."""

    at: float
    prompt: str


@dataclass(frozen=True, slots=True)
class Shot:
    """The picture stands in memory."""


TO_CHILD: tuple[type, ...] = (Memory, Cast, Shoot)
TO_PARENT: tuple[type, ...] = (Shot,)


def serve(channel: Channel, _options: Options) -> None:
    """The process: draws until the channel closes."""
    first = channel.receive()
    assert isinstance(first, Memory)
    area = first.picture.map()
    size = first.width, first.height
    picture = np.frombuffer(area, np.uint8, size[0] * size[1] * 3).reshape(size[1], size[0], 3)
    stage = _Stage(size)
    while True:
        message = channel.receive()
        match message:
            case Cast():
                stage.cast(message)
            case Shoot(at, prompt):
                picture[:] = stage.frame(at, prompt or None)
                channel.send(Shot())


class _Stage:
    """People get ready on a thread: until then the chair is empty."""

    def __init__(self, size: tuple[int, int]) -> None:
        self._size = size
        self._cast = Cast(-1)
        self._ready: tuple[Cast, list[Filmed]] = (self._cast, [])
        self._wanted: queue.SimpleQueue[Cast] = queue.SimpleQueue()
        self._draw = np.random.default_rng(3)
        threading.Thread(target=self._prepare, name="dressing", daemon=True).start()

    def cast(self, cast: Cast) -> None:
        self._cast = cast
        self._wanted.put(cast)

    def frame(self, at: float, prompt: str | None) -> Picture:
        cast, people = self._ready
        if cast is not self._cast or not people:  # the same person again is another visit
            empty = room(self._size)
            return np.asarray(empty ^ self._draw.integers(0, 4, empty.shape, np.uint8), np.uint8)
        image = people[0].frame(at, prompt)
        for other in people[1:]:
            # A second person beside the first: the half of the picture where he is.
            half = self._size[0] // 2
            image[:, half:] = other.frame(at)[:, half:]
        return image

    def _prepare(self) -> None:
        while True:
            cast = self._wanted.get()
            if cast.seed >= 0 and self._wanted.empty():
                self._ready = (cast, self._people(cast))

    def _people(self, cast: Cast) -> list[Filmed]:
        if cast.attack:
            return [attacker(Attack(cast.attack), cast.seed, cast.variation, size=self._size)]
        temper = Temper(wander=6.5, nod=3.0, sway=0.03, blink_every=2.2, smiles=False) if cast.calm else Temper()
        approach = not cast.calm
        if cast.companion < 0:
            return [Actor(cast.seed, variation=cast.variation, size=self._size, approach=approach, temper=temper)]
        aside, eyes = self._size[0] * 0.21, self._size[1] * 0.12
        return [
            Actor(seed, size=self._size, place=(sign * aside, 0.0), eye_distance=eyes, temper=temper)
            for seed, sign in ((cast.seed, -1), (cast.companion, 1))
        ]


class Studio:
    """The process and its memory, from the kiosk's side. Used by one thread, except `cast`, `prompt` and `stop`."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self._memory = Blob.empty(size[0] * size[1] * 3)
        self._area = self._memory.map()
        self._worker: Worker | None = None
        self._lock = threading.Lock()
        self._shot = threading.Event()
        self._cast = Cast(-1)
        self.prompt = ""

    @property
    def pid(self) -> int | None:
        with self._lock:
            return None if self._worker is None else self._worker.pid

    def open(self) -> None:
        """Start the process if there is none. May be called again."""
        with self._lock:
            if self._worker is not None:
                return
            spec = ChildSpec("simulated-people", f"{__name__}:serve", TO_CHILD, TO_PARENT)
            worker = self._worker = ProcessWorker(spec, lambda _: self._shot.set(), self._lost)
            width, height = self.size
            try:
                worker.send(Memory(self._memory.duplicate(), width, height))
                worker.send(self._cast)
            except ChannelClosed:
                self._worker = None

    def cast(self, cast: Cast) -> None:
        with self._lock:
            self._cast = cast
            worker = self._worker
        self._send(worker, cast)

    def shoot(self) -> Picture | None:
        """The next picture; None: the process is gone or slow."""
        with self._lock:
            worker = self._worker
        self._shot.clear()
        if not self._send(worker, Shoot(time.monotonic(), self.prompt)) or not self._shot.wait(_PATIENCE):
            return None
        width, height = self.size
        return np.frombuffer(self._area, np.uint8, width * height * 3).reshape(height, width, 3).copy()

    def stop(self) -> None:
        with self._lock:
            worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()
        self._area[:] = bytes(len(self._area))

    def _send(self, worker: Worker | None, message: object) -> bool:
        try:
            if worker is not None:
                worker.send(message)
        except ChannelClosed:
            return False
        return worker is not None

    def _lost(self) -> None:
        with self._lock:
            self._worker = None
