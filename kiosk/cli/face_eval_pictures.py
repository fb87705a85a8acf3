"""Descriptors for `kiosk face-eval`: each picture is enrolled or described once, by the engine that the kiosk runs."""

from __future__ import annotations

import functools
import hashlib
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kiosk.cli.crew import crew
from kiosk.cli.face_eval_pairs import EVERYBODY, Numbers, Trials, Vectors

if TYPE_CHECKING:
    from devices.errors import DeviceError
    from devices.face.models import FoundFace
    from devices.face.template import Centre, Engine, Enrolled
    from devices.ports import Image

_PART = 16  # pictures that a process is given at once
_MANY = 99  # frames that no attempt waits for
_MOST_NAMED = 200  # pictures that were not acquired

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """Pictures by number and path, to be made cards or camera frames."""

    live: bool
    gray: bool
    numbers: tuple[int, ...]
    paths: tuple[Path, ...]
    options: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """What became of one picture. `descriptor` None: no face was acquired, `word` says why. A live picture in which a
    face was found has one even when the gate refuses it; `word` is then the gate's hint. `content`: equal pictures
    have equal ones."""

    number: int
    live: bool
    word: str
    descriptor: NDArray[np.float64] | None
    content: bytes


def describe_all(
    root: Path, trials: Trials, *, gray: bool, options: Options, jobs: int, step: Callable[[int], None]
) -> Iterator[Described]:
    """Every picture that is a card, and every one that is live. Raises `ModelMissing`."""
    tasks = []
    for live, numbers in ((False, np.unique(trials.cards)), (True, np.unique(trials.lives))):
        for start in range(0, len(numbers), _PART):
            part = tuple(int(number) for number in numbers[start : start + _PART])
            paths = tuple(root / trials.pictures[number] for number in part)
            tasks.append(Task(live, gray, part, paths, tuple(sorted(options.items()))))
    for found in _worked(tasks, jobs):
        yield from found
        step(len(found))


def _worked(tasks: list[Task], jobs: int) -> Iterator[list[Described]]:
    if jobs == 1 or len(tasks) == 1:
        yield from map(describe, tasks)
        return
    with crew(min(jobs, len(tasks))) as pool:
        yield from pool.map(describe, tasks)


def describe(task: Task) -> list[Described]:
    """All of one task."""
    engine = _engine(task.options)
    one = _live if task.live else _card
    return [one(engine, number, path, task.gray) for number, path in zip(task.numbers, task.paths, strict=True)]


@functools.lru_cache(maxsize=1)
def _engine(options: tuple[tuple[str, Any], ...]) -> Engine:
    """One for each process."""
    from devices.face.template import load_engine

    return load_engine(dict(options))


def _read(path: Path) -> tuple[bytes, bytes]:
    content = path.read_bytes()
    return content, hashlib.blake2b(content, digest_size=16).digest()


def _why(error: DeviceError) -> str:
    return str(error).partition(": ")[2] or error.fault.value


def _card(engine: Engine, number: int, path: Path, gray: bool) -> Described:
    from devices.errors import PhotoInvalid
    from devices.face.still import card_of

    digest = b""
    try:
        content, digest = _read(path)
        enrolled = engine.enrol(card_of(content, gray=gray))
    except PhotoInvalid as error:
        return Described(number, False, _why(error), None, digest)
    except OSError as error:
        return Described(number, False, f"file: {type(error).__name__}", None, digest)
    return Described(number, False, "", enrolled.descriptor, digest)


def _live(engine: Engine, number: int, path: Path, gray: bool) -> Described:
    """Through an attempt of the kiosk: found, judged, brightened, described as there. What its gate refuses is found
    and described outside of it."""
    from devices.errors import PhotoInvalid
    from devices.face.attempt import Attempt, Limits
    from devices.face.liveness import Liveness, LivenessSettings, Mode
    from devices.face.still import frame_of
    from devices.face.template import Enrolled
    from devices.ports import FaceGuidance, FaceHint

    digest = b""
    try:
        content, digest = _read(path)
        frame = frame_of(content)
    except PhotoInvalid as error:
        return Described(number, True, _why(error), None, digest)
    except OSError as error:
        return Described(number, True, f"file: {type(error).__name__}", None, digest)
    hints: list[FaceGuidance] = []
    witness = Witness(engine)
    card = Enrolled(np.zeros(128), gray)  # asked only whether it is gray
    still = Liveness(LivenessSettings(mode=Mode.OFF), random.Random(0))  # noqa: S311 - nothing is drawn from it
    attempt = Attempt(0, witness, Limits(), card, hints.append, 0.0, still)
    attempt.see(frame, 0.0)
    attempt.describe(1.0)
    attempt.wipe()
    if witness.descriptors:
        return Described(number, True, "", witness.descriptors[0], digest)
    faces = engine.find(frame)
    descriptor = engine.describe(frame, faces[0], card) if faces else None
    hint = hints[0].hint if hints else FaceHint.NO_FACE
    return Described(number, True, hint.value, descriptor, digest)


class Witness:
    """The engine, as an attempt sees it; keeps what was described, for an attempt overwrites its own. It is never asked
    to compare before the end."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.descriptors: list[NDArray[np.float64]] = []
        self.name, self.models, self.find, self.enrol = engine.name, engine.models, engine.find, engine.enrol
        self.distance = engine.distance
        self.thresholds = engine.thresholds.at(_MANY)

    def describe(self, image: Image, face: FoundFace, enrolled: Enrolled) -> NDArray[np.float64]:
        descriptor = self._engine.describe(image, face, enrolled)
        self.descriptors.append(descriptor.copy())
        return descriptor

    def wipe(self) -> None:
        for descriptor in self.descriptors:
            descriptor.fill(0)
        self.descriptors.clear()


class Descriptors:
    """What is known of every picture; NaN where no face was acquired."""

    def __init__(self, trials: Trials) -> None:
        self._trials = trials
        count = len(trials.pictures)
        self.card = np.full((count, 128), np.nan)
        self.live = np.full((count, 128), np.nan)
        self.card_words: dict[int, str] = {}
        self.live_words: dict[int, str] = {}
        self.contents = np.arange(count, dtype=np.int64)

    def fill(self, root: Path, *, gray: bool, jobs: int, options: Options | None = None) -> None:
        """`options`: of the engine. Raises `ModelMissing`."""
        trials = self._trials
        seen: dict[bytes, int] = {}
        with Progress(len(np.unique(trials.cards)) + len(np.unique(trials.lives)), "pictures") as progress:
            for each in describe_all(root, trials, gray=gray, options=options or {}, jobs=jobs, step=progress.step):
                if each.descriptor is not None:
                    (self.live if each.live else self.card)[each.number] = each.descriptor
                if each.word:
                    (self.live_words if each.live else self.card_words)[each.number] = each.word
                if each.content:
                    self.contents[each.number] = seen.setdefault(each.content, each.number)

    def refused(self) -> bool:
        """Whether the gate refused a picture in which there is a face."""
        return any(not np.isnan(self.live[number, 0]) for number in self.live_words)

    def vectors(self, centre: Centre | None, *, gate: bool = True) -> tuple[Vectors, Vectors]:
        """One for each card and each live of the trials: centred, or as the network gives them. `gate`: NaN also for
        live pictures that the quality gate refuses."""
        live = self.live
        if gate and self.live_words:
            live = live.copy()
            live[list(self.live_words)] = np.nan
        cards, lives = self.card[self._trials.cards], live[self._trials.lives].mean(axis=1)
        return (cards, lives) if centre is None else (centre.apply(cards), centre.apply(lives))

    def failures(self) -> tuple[dict[str, dict[str, dict[str, int]]], list[dict[str, str]]]:
        """Group -> role -> reason -> pictures, all together first; and the first pictures by name."""
        trials = self._trials
        members: list[tuple[str, Numbers, Numbers]]
        members = [(EVERYBODY, np.arange(len(trials.cards)), np.arange(len(trials.lives)))]
        if len(trials.groups) > 1:
            members += [(trials.groups[group], cards, lives) for group, cards, lives in trials.group_members()]
        found: dict[str, dict[str, dict[str, int]]] = {}
        for name, cards, lives in members:
            found[name] = {
                "card": _counted(trials.cards[cards], self.card_words),
                "live": _counted(trials.lives[lives], self.live_words),
            }
        words = [("card", self.card_words), ("live", self.live_words)]
        named = [
            {"picture": trials.pictures[number], "as": role, "why": why}
            for role, known in words
            for number, why in sorted(known.items())
        ]
        return found, named[:_MOST_NAMED]

    def wipe(self) -> None:
        self.card.fill(0)
        self.live.fill(0)


def _counted(numbers: Numbers, words: Mapping[int, str]) -> dict[str, int]:
    return dict(Counter(words[number] for number in np.unique(numbers).tolist() if number in words).most_common())


class Progress:
    """One line on a terminal; nothing in a log."""

    def __init__(self, total: int, what: str) -> None:
        self._total, self._what, self._done, self._since = total, what, 0, time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def step(self, done: int) -> None:
        self._done += done
        if sys.stderr.isatty():
            left = (time.monotonic() - self._since) / self._done * (self._total - self._done)
            text = f"\r{self._done} of {self._total} {self._what}, {left:.0f} s left "
            print(text, end="", file=sys.stderr, flush=True)

    def __exit__(self, *error: object) -> None:
        if sys.stderr.isatty():
            print("\r" + " " * 60 + "\r", end="", file=sys.stderr, flush=True)
