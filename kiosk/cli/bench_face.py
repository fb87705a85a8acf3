"""`kiosk bench face`: what a picture costs the kiosk, beside the webcam loop that `face_recognition` documents.

One film of a drawn person at two sizes, played by a process of its own, the only one that is not counted. The kiosk:
preview and guidance at 30 Hz, the feed, the face process, for somebody else's photo, so that no match ends the work;
then the time to a decision for the person's own. The sample: a process that does nothing else (`devices.face.sample`);
without its result there is no verdict. Counted is processor time, user and system, of all threads, for each picture
that was looked at; not that of the source, for either: the process that plays the film and the thread that takes its
pictures from it. Neither paints: the sample's window is left out, and the kiosk's preview ends where its pictures
are converted for the screen. What painting the kiosk's page costs on top is measured, too, and stands beside it.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from devices.blob import Blob
from devices.errors import DeviceFault
from devices.face.sample import Compare, SampleReady, SampleResult
from devices.face.sample import spec as sample
from devices.face.verifier import SupervisedFaceVerifier
from devices.face.worker import FrameDone
from devices.feed import FrameFeed, Offer
from devices.ports import FaceBand, FaceDecided, FaceEvent, FaceFailed, FaceGuidance, FaceHint, FaceWorkerReady
from devices.simulated.apart import SeparateCamera
from devices.simulated.people import card_photo
from devices.supervisor import ChannelClosed, ChildSpec, ProcessWorker
from kiosk.app import use_display
from kiosk.cli.bench_ui import BenchFailed, Page
from kiosk.cli.report import verdict
from kiosk.ui.gaps import attend
from kiosk.ui.preview import Unpainted

FPS = 30
SIZES = {(640, 480): 25.0, (1280, 720): 40.0}  # and how many times the kiosk's time per picture the sample must need
DECISION_SECONDS = 1.2
RATE = 3.0  # descriptors in a second
PERSON, STRANGER = 31, 5
_ATTEMPT_SECONDS = 5.0
_DECISIONS = 5
_WAIT_SECONDS = 90.0
_SETTLED = 0.02  # seconds of processor time within half a second: the spare process is warm, too


@dataclass(frozen=True, slots=True)
class Cost:
    """`cpu`: ms for each picture that was looked at; `p50`, `p95`: ms until a picture's answer; `described`: in how
    many of the pictures, or how many descriptors in all; `shown`: pictures that the camera took meanwhile."""

    way: str
    frames: int
    cpu: float
    p50: float
    p95: float
    described: int
    shown: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one size. `painted`: the kiosk with its page in the window; `outside`: the part of `kiosk.cpu` outside of the
    face process; `rates`: descriptors in a second, attempt by attempt; `decisions`: seconds from the first good
    picture to recognition."""

    width: int
    height: int
    kiosk: Cost
    outside: float
    painted: Cost
    rates: list[float]
    decisions: list[float]
    sample: Cost
    faster: Cost

    @property
    def ratio(self) -> float:
        return self.sample.cpu / self.kiosk.cpu


def run(frames: int, json_path: Path | None, *, bars: bool = True, sizes: dict[tuple[int, int], float] = SIZES) -> int:
    """`bars` off: only that all was measured."""
    use_display(offscreen=not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")))
    try:
        measured = [_measure(*size, frames) for size in sizes]
    except BenchFailed as error:
        return verdict(str(error), False, json_path)
    return report(measured, json_path, bars=bars)


def report(measured: list[Measured], json_path: Path | None, *, bars: bool = True) -> int:
    """Verdict."""
    missed = [line for one in measured for line in _missed(one)] if bars else []
    line = "; ".join(
        f"{one.width}x{one.height}: {one.kiosk.cpu:.1f} ms of processor time per picture, the sample "
        f"{one.sample.cpu:.0f} ms ({one.ratio:.0f} times), recognised after {statistics.median(one.decisions):.2f} s"
        for one in measured
    )
    data: dict[str, Any] = {"sizes": [{**asdict(one), "ratio": one.ratio} for one in measured], "missed": missed}
    return verdict("; ".join([line, *missed]), not missed, json_path, data)


def _missed(one: Measured) -> list[str]:
    wanted = SIZES[one.width, one.height]
    bars = (
        (one.ratio < wanted, f"less than {wanted:.0f} times"),
        (statistics.median(one.decisions) > DECISION_SECONDS, f"decision later than {DECISION_SECONDS} s"),
        (min(one.rates) < RATE, f"fewer than {RATE:.0f} descriptors/s"),
        (one.sample.described < 0.9 * one.sample.frames, "the sample did not find the face: nothing is compared"),
        (one.kiosk.frames < 0.9 * one.kiosk.shown, "the kiosk left out more than a tenth of the pictures"),
    )
    return [f"{one.width}x{one.height}: {words}" for is_missed, words in bars if is_missed]


def _measure(width: int, height: int, frames: int) -> Measured:
    camera = SeparateCamera(PERSON, {"reel": True, "fps": FPS, "width": width, "height": height})
    with Page(camera) as page, ExitStack() as stack:
        photos = [Blob.of(card_photo(seed)) for seed in (STRANGER, PERSON)]
        for photo in photos:
            stack.callback(photo.wipe)
        painted, _, _ = _kiosk(page, photos[0], frames, "kiosk and its window")
        _say(width, height, painted)
        page.window.hide()
        unpainted = Unpainted(page.frames, page.preview)
        kiosk, outside, rates = _kiosk(page, photos[0], frames, "kiosk")
        _say(width, height, kiosk)
        decisions = _decisions(page, photos[1])
        unpainted.stop()  # the sample has the machine to itself
        loops = [measure_sample(camera, photos[0], frames, faster=faster) for faster in (False, True)]
        for one in loops:
            _say(width, height, one)
    return Measured(width, height, kiosk, outside, painted, rates, decisions, *loops)


def _say(width: int, height: int, cost: Cost) -> None:
    print(
        f"{width}x{height}, {cost.way}: {cost.cpu:.2f} ms of processor time per picture, answer after "
        f"{cost.p50 * 1000:.1f} ms (p95 {cost.p95 * 1000:.1f}), {cost.frames} pictures, {cost.described} described",
        flush=True,
    )


# --- the kiosk ------------------------------------------------------------------------------------------------------


class _Clocked(ProcessWorker):
    """A face process whose answers are timed on their way."""

    took: list[float]

    def __init__(self, spec: ChildSpec, on_message: Callable[[Any], None], on_lost: Callable[[], None]) -> None:
        self.took = []
        self._asked = 0.0

        def timed(message: Any) -> None:
            if isinstance(message, FrameDone):
                self.took.append(time.perf_counter() - self._asked)
            on_message(message)

        super().__init__(spec, timed, on_lost)

    def send(self, message: object) -> None:
        if isinstance(message, Offer):
            self._asked = time.perf_counter()
        super().send(message)


class _Booth:
    """The face process as the kiosk runs it, in attempt after attempt."""

    def __init__(self, page: Page, photo: Blob, options: dict[str, object]) -> None:
        self._page = page
        self._photo = photo
        self.ready = threading.Event()
        self.decided: list[tuple[FaceDecided, float, float]] = []  # seconds of the attempt, and since the first good
        self.failed = threading.Event()
        self.workers: list[_Clocked] = []
        self._job = 0
        self._begun = 0.0
        self._good: float | None = None
        self.verifier = SupervisedFaceVerifier(page.camera, options, self._launch)
        self.verifier.start(self._hear)

    def _launch(self, spec: ChildSpec, on_message: Callable[[Any], None], on_lost: Callable[[], None]) -> _Clocked:
        self.workers.append(worker := _Clocked(spec, on_message, on_lost))
        return worker

    def begin(self) -> None:
        self._job += 1
        self._begun, self._good = time.perf_counter(), None
        self.verifier.begin(self._job, self._photo)

    def _hear(self, event: FaceEvent) -> None:
        now = time.perf_counter()
        match event:
            case FaceWorkerReady():
                self.ready.set()
            case FaceGuidance(_, hint):
                if hint is FaceHint.GOOD and self._good is None:
                    self._good = now
                self._page.guide(hint.value)
            case FaceDecided():
                self.decided.append((event, now - self._begun, now - (self._good or now)))
                self.begin()
            case FaceFailed():
                self.failed.set()

    def took(self) -> list[float]:
        return [each for worker in self.workers for each in worker.took]

    def await_(self, done: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + _WAIT_SECONDS
        while not done():
            if time.monotonic() > end or self.failed.is_set():
                raise BenchFailed(f"the kiosk: {what} did not come")
            attend(0.1)

    def settle(self) -> None:
        """Until both processes are loaded and quiet."""
        self.await_(self.ready.is_set, "a ready face process")
        end, before = time.monotonic() + _WAIT_SECONDS, -1.0
        while len(self.workers) < 2 or self.cpu() - before > _SETTLED:
            before = self.cpu()
            if time.monotonic() > end:
                raise BenchFailed("the face processes do not come to rest")
            attend(0.5)

    def cpu(self) -> float:
        """Seconds of processor time of the face processes so far."""
        return sum(_cpu_of(pid) for pid in self.verifier.pids)


def _cpu_of(pid: int) -> float:
    """proc(5): fields 14 and 15 of stat, user and system time of all threads in clock ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ours() -> float:
    """Seconds of processor time of this process so far, without the camera's thread (its schedstat: nanoseconds)."""
    source = 0.0
    for thread in threading.enumerate():
        if thread.name == "camera":
            stat = Path(f"/proc/self/task/{thread.native_id}/schedstat").read_text(encoding="ascii")
            source += int(stat.split()[0]) / 1e9
    return time.process_time() - source


def _kiosk(page: Page, photo: Blob, frames: int, name: str) -> tuple[Cost, float, list[float]]:
    booth = _Booth(page, photo, {"frames": 10_000, "seconds": _ATTEMPT_SECONDS})
    try:
        booth.settle()
        booth.begin()
        booth.await_(lambda: bool(booth.decided), "a first decision")
        looked, shown, decided = len(booth.took()), _sequence(page.camera), len(booth.decided)
        face, ours = booth.cpu(), _ours()
        booth.await_(
            lambda: len(booth.took()) - looked >= frames and len(booth.decided) > decided, f"{frames} pictures"
        )
        face, ours = booth.cpu() - face, _ours() - ours
        took = booth.took()[looked:]
        shown = _sequence(page.camera) - shown
    finally:
        booth.verifier.stop()
    count = len(took)
    p50, p95 = np.percentile(took, (50, 95))
    attempts = booth.decided[decided:]
    described = sum(event.frames for event, _, _ in attempts)
    cost = Cost(name, count, (face + ours) / count * 1000, float(p50), float(p95), described, shown)
    return cost, ours / count * 1000, [event.frames / seconds for event, seconds, _ in attempts]


def _decisions(page: Page, photo: Blob) -> list[float]:
    """Seconds from the first good picture to recognition, with the kiosk's own limits."""
    booth = _Booth(page, photo, {})
    try:
        booth.settle()
        booth.begin()
        booth.await_(lambda: len(booth.decided) >= _DECISIONS, f"{_DECISIONS} decisions")
    finally:
        booth.verifier.stop()
    accepted = [seconds for event, _, seconds in booth.decided if event.band is FaceBand.ACCEPT]
    if len(accepted) < _DECISIONS - 1:
        raise BenchFailed(f"the kiosk recognised its person in {len(accepted)} of {_DECISIONS} attempts")
    return accepted


def _sequence(camera: SeparateCamera) -> int:
    frame = camera.latest()
    return 0 if frame is None else frame.sequence


# --- the sample -----------------------------------------------------------------------------------------------------


def measure_sample(camera: SeparateCamera, photo: Blob, frames: int, *, faster: bool) -> Cost:
    """The library's loop over `frames` pictures. Raises `BenchFailed` when it ends without a result."""
    name = "faster sample" if faster else "sample"
    ready, ended, lost = threading.Event(), threading.Event(), threading.Event()
    results: list[SampleResult] = []

    def hear(message: Any) -> None:
        match message:
            case SampleReady():
                ready.set()
            case FrameDone(job):
                feed.looked_at(job)
            case SampleResult():
                results.append(message)
                ended.set()

    def end() -> None:
        lost.set()
        ended.set()
        ready.set()

    def camera_lost(job: int, fault: DeviceFault) -> None:
        end()

    worker = ProcessWorker(sample(faster=faster), hear, end, heartbeat_timeout=_WAIT_SECONDS)
    feed = FrameFeed(
        camera, offer=worker.send, hung=end, lost=camera_lost, lost_seconds=_WAIT_SECONDS, hang_seconds=_WAIT_SECONDS
    )
    try:
        before = _sequence(camera)
        with contextlib.suppress(ChannelClosed):  # it is gone already: no result
            worker.send(Compare(1, photo.duplicate(), feed.open(1), frames))
        ready.wait(_WAIT_SECONDS)
        if not lost.is_set():
            feed.run(1)
        ended.wait(frames * 2.0 + _WAIT_SECONDS)
        shown = _sequence(camera) - before
    finally:
        feed.take()
        worker.kill()
    if lost.is_set() or not results:
        raise BenchFailed(f"the {name} ended without a result")
    (result,) = results
    cpu = result.cpu / result.frames * 1000
    return Cost(name, result.frames, cpu, result.p50, result.p95, result.described, shown)
