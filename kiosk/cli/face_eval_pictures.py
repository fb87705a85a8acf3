"""Descriptors for `kiosk face-eval`: each picture is enrolled or described once, by the engine that the kiosk runs."""

from __future__ import annotations

import functools
import hashlib
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from devices.face.template import Engine

_PART = 16  # pictures that a process is given at once

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
    root: Path,
    pictures: Sequence[str],
    cards: NDArray[np.int64],
    lives: NDArray[np.int64],
    *,
    gray: bool,
    options: Options,
    jobs: int,
    step: Callable[[int], None],
) -> Iterator[Described]:
    """Every card of `cards` and every live picture of `lives` (numbers). Raises `ModelMissing`."""
    tasks = []
    for live, numbers in ((False, np.unique(cards)), (True, np.unique(lives))):
        for start in range(0, len(numbers), _PART):
            part = tuple(int(number) for number in numbers[start : start + _PART])
            paths = tuple(root / pictures[number] for number in part)
            tasks.append(Task(live, gray, part, paths, tuple(sorted(options.items()))))
    for found in _worked(tasks, jobs):
        yield from found
        step(len(found))


def _worked(tasks: list[Task], jobs: int) -> Iterator[list[Described]]:
    if jobs == 1 or len(tasks) == 1:
        yield from map(describe, tasks)
        return
    with ProcessPoolExecutor(min(jobs, len(tasks)), multiprocessing.get_context("spawn")) as pool:
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


def _card(engine: Engine, number: int, path: Path, gray: bool) -> Described:
    from devices.errors import PhotoInvalid
    from devices.face.still import card_of

    digest = b""
    try:
        content, digest = _read(path)
        enrolled = engine.enrol(card_of(content, gray=gray))
    except PhotoInvalid as error:
        return Described(number, False, str(error).partition(": ")[2], None, digest)
    except OSError as error:
        return Described(number, False, f"file: {type(error).__name__}", None, digest)
    return Described(number, False, "", enrolled.descriptor, digest)


def _live(engine: Engine, number: int, path: Path, gray: bool) -> Described:
    from devices.errors import PhotoInvalid
    from devices.face.quality import judge
    from devices.face.still import frame_of
    from devices.face.template import Enrolled
    from devices.ports import FaceHint

    digest = b""
    try:
        content, digest = _read(path)
        frame = frame_of(content)
    except PhotoInvalid as error:
        return Described(number, True, str(error).partition(": ")[2], None, digest)
    except OSError as error:
        return Described(number, True, f"file: {type(error).__name__}", None, digest)
    faces = engine.find(frame)
    hint = judge(frame, faces).hint
    word = "" if hint is FaceHint.GOOD else hint.value
    if not faces:
        return Described(number, True, word, None, digest)
    # Of the card, the engine asks here only whether it is gray.
    kind = Enrolled(np.zeros(128), gray)
    return Described(number, True, word, engine.describe(frame, faces[0], kind), digest)
