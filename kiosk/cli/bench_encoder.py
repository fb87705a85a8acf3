"""`kiosk bench encoder`: the three ways to compute a face's descriptor, on the same aligned faces in one run.

Each way is measured in a process of its own, one thread, one chip at a time as the kiosk does it: time until it is
loaded, processor time per descriptor, memory, how long another thread of its process is kept waiting meanwhile (the
interpreter's lock), how far its answers are from dlib's, and what of a chip it leaves in its memory.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.face.encoder import DEFAULT, EncoderKind, load_encoder
from devices.face.models import Detector
from devices.simulated.people import Actor
from kiosk.cli.report import verdict

LIMIT = 1e-4  # Euclid, from dlib's answer; pictures of one person differ by 0.3
PEOPLE = 6
_SECONDS = 300
_MARK = 64  # bytes of a chip that are looked for in memory


@dataclass(frozen=True, slots=True)
class Way:
    """`load`: seconds; `cpu`: ms of processor time per descriptor, `took`: the same on the wall; `memory`: MB that it
    added; `stall`: ms that another thread was kept waiting at most, `usual`: median of the longest of each descriptor;
    `apart`: largest distance from dlib's answer; `left`: places where a piece of a chip was found afterwards."""

    way: str
    load: float
    cpu: float
    took: float
    memory: float
    stall: float
    usual: float
    apart: float
    left: int


def run(chips: int, model: Path | None, json_path: Path | None) -> int:
    ways: list[Way] = []
    answers: dict[str, NDArray[np.float64]] = {}
    for kind in EncoderKind:
        found = _in_child(kind, chips, model)
        if found is None:
            return verdict(f"{kind}: no result", False, json_path)
        answers[kind] = np.array(found.pop("descriptors"))
        apart = float(np.linalg.norm(answers[kind] - answers[EncoderKind.DLIB], axis=1).max())
        ways.append(way := Way(kind, apart=apart, **found))
        print(
            f"{way.way:5}  loaded in {way.load:.2f} s, {way.cpu:.1f} ms of processor time per descriptor "
            f"({way.took:.1f} ms), {way.memory:.0f} MB, others wait {way.usual:.1f} ms (at most {way.stall:.0f}), "
            f"{way.apart:.1e} from dlib, pieces of a chip left: {way.left}",
            flush=True,
        )
    return report(ways, chips, json_path)


def report(ways: Sequence[Way], chips: int, json_path: Path | None) -> int:
    """Verdict: every way answers as dlib does, and the default is the quickest of them."""
    standard = next(way for way in ways if way.way == EncoderKind.DLIB)
    quickest = min((way for way in ways if way.apart <= LIMIT), key=lambda way: way.cpu)
    default = next(way for way in ways if way.way == DEFAULT)
    missed = [f"{way.way} is farther than {LIMIT} from dlib" for way in ways if way.apart > LIMIT]
    if quickest is not default:
        missed.append(f"{quickest.way} is quicker than the default")
    line = (
        f"{default.way} is the default: {default.cpu:.1f} ms per descriptor, dlib's own call {standard.cpu:.1f} ms "
        f"({standard.cpu / default.cpu:.1f} times), at most {default.apart:.1e} apart on {chips} chips"
    )
    data: dict[str, Any] = {"ways": [asdict(way) for way in ways], "chips": chips, "missed": missed}
    return verdict("; ".join([line, *missed]), not missed, json_path, data)


def _in_child(kind: EncoderKind, chips: int, model: Path | None) -> dict[str, Any] | None:
    """A process of its own: what one way keeps or imports does not count for another."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "kiosk.cli.bench_encoder", kind, str(chips), *([str(model)] if model else [])]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, timeout=_SECONDS, check=False)
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return None
    return found


# --- in the child ---------------------------------------------------------------------------------------------------


def some_chips(count: int) -> NDArray[np.uint8]:
    """Aligned faces of drawn people who move, every other one gray; a tenth is noise, black or white."""
    detector = Detector()
    chips: list[NDArray[np.uint8]] = []
    actors = [Actor(seed, variation=seed) for seed in range(1, PEOPLE + 1)]
    turn = 0
    while len(chips) < count:
        image = actors[turn % PEOPLE].frame(turn * 0.1)
        for face in detector.find(image)[:1]:
            chips.append(detector.chip(image, face, gray=turn % 2 == 0))
        turn += 1
        if turn > 4 * count + 40:
            raise RuntimeError("drawn people are not found")
    draw = np.random.default_rng(1)
    for index in range(9, count, 10):
        chips[index] = draw.integers(0, 256, chips[index].shape, np.uint8)
    if count >= 20:
        chips[9][:], chips[19][:] = 0, 255
    return np.stack(chips)


def measure(kind: str, count: int, model: Path | None) -> dict[str, Any]:
    """What `Way` holds, without `way` and `apart`, and the descriptors."""
    chips = some_chips(count)
    ctypes.CDLL(None).malloc_trim(0)  # what drawing freed would otherwise be used, and not count
    before, begun = _resident(), time.perf_counter()
    encoder = load_encoder(kind, model)
    encoder.describe(chips[:1])
    load = time.perf_counter() - begun
    memory = _resident() - before
    found, cpu, took = np.empty((count, 128)), [], []
    with _Waiting() as waiting:
        for index in range(count):
            chip = chips[index : index + 1].copy()
            waiting.turn()
            wall, process = time.perf_counter(), time.thread_time()
            found[index] = encoder.describe(chip)[0]
            cpu.append(time.thread_time() - process)
            took.append(time.perf_counter() - wall)
    stalls = waiting.longest
    return {
        "load": load,
        "cpu": statistics.median(cpu) * 1000,
        "took": statistics.median(took) * 1000,
        "memory": memory,
        "stall": max(stalls) * 1000,
        "usual": statistics.median(stalls) * 1000,
        "left": _left(encoder),
        "descriptors": found.tolist(),
    }


class _Waiting:
    """Another thread of the process, as a window's is: how long is it kept from its turn of 1 ms?"""

    def __init__(self) -> None:
        self._gaps: list[list[float]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="waiting", daemon=True)

    def __enter__(self) -> _Waiting:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def turn(self) -> None:
        """Another descriptor begins."""
        self._gaps.append([])

    @property
    def longest(self) -> list[float]:
        """Of each descriptor, in seconds."""
        return [max(gaps) for gaps in self._gaps if gaps]

    def _run(self) -> None:
        last = time.perf_counter()
        while not self._over.is_set():
            time.sleep(0.001)
            now = time.perf_counter()
            if self._gaps:
                self._gaps[-1].append(now - last)
            last = now


def _resident() -> float:
    """MB of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def _left(encoder: Any) -> int:
    """Places of this process's memory where describing a chip leaves a piece of it.

    Looked for as the chip's bytes and as the numbers that the network begins with, by pixel and by colour.
    """
    # Another chip at every call: what an earlier one left would be counted before and may be overwritten meanwhile.
    chip = np.random.default_rng().integers(0, 256, (1, 150, 150, 3), np.uint8)
    row = chip[0, 75]
    pixels = np.subtract(row, np.array((122.782, 117.001, 104.298), np.float32)) * np.float32(1 / 256)
    # All forms stay until the end: one that is freed is overwritten by whatever comes next, and was counted before.
    forms = (row, pixels, np.ascontiguousarray(pixels.T))
    whole = [each.tobytes() for each in forms]
    patterns = [each[:_MARK] for each in whole]
    before = sum(_count(pattern) for pattern in patterns)
    encoder.describe(chip)
    return max(0, sum(_count(pattern) for pattern in patterns) - before)


def _count(pattern: bytes) -> int:
    """How often `pattern` stands in this process's writable memory."""
    found, piece = 0, bytearray(1 << 20)
    with Path("/proc/self/maps").open(encoding="ascii") as maps, Path("/proc/self/mem").open("rb", 0) as memory:
        for line in list(maps):
            where, rights, *_ = line.split()
            if not rights.startswith("rw"):
                continue
            at, end = (int(edge, 16) for edge in where.split("-"))
            while at < end:
                try:
                    memory.seek(at)
                    size = memory.readinto(memoryview(piece)[: min(len(piece), end - at)])
                except (OSError, ValueError, OverflowError):
                    break  # the kernel's own
                if not size:
                    break
                found += piece[:size].count(pattern)
                piece[:size] = bytes(size)  # otherwise what was found here is found again
                at += size - len(pattern) + 1 if size == len(piece) else size  # it may lie across two pieces
    return found


if __name__ == "__main__":
    _kind, _chips, *_model = sys.argv[1:]
    json.dump(measure(_kind, int(_chips), Path(_model[0]) if _model else None), sys.stdout)
