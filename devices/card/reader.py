"""The kiosk's side of the card process: requests out, events in, a watchdog on every job."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from devices.blob import Blob
from devices.card.messages import (
    Alive,
    ReadCertificate,
    ReadPhoto,
    Release,
    ShortOnly,
    SignWithPin,
    SimulatedCounters,
    SimulatedRemoved,
    SimulateFaults,
    SimulateInsert,
    SimulateInspect,
    SimulateReader,
    SimulateRemove,
    Watch,
)
from devices.card.process import spec
from devices.errors import DeviceFault
from devices.ports import (
    CardEvent,
    CardGone,
    CardPresent,
    CardProgress,
    CardRefused,
    CertificateRead,
    PhotoRead,
    PinSigned,
    ReaderFault,
    ReaderReady,
)
from devices.supervisor import Launcher, Options, ProcessWorker, Supervisor, Worker, blobs_of

HANG_SECONDS = 8.0
JOB_SECONDS = 60.0
_HANGS_BELONG_TOGETHER = 60.0  # seconds
_NUMBERS_PER_PROCESS = 1_000_000


class SupervisedCardReader:
    """A `CardReader` whose driver runs in the card process.

    One thread owns all state and calls the sink. A job whose card is silent for `hang_seconds` (of the options; PC/SC
    has no timeout of its own), or that takes `job_seconds` in all, costs the process: the job is refused with
    READER_HUNG, and the spare process reports the reader and a card on it anew, under a new presence.
    """

    def __init__(
        self,
        options: Options,
        launcher: Launcher = ProcessWorker,
        *,
        job_seconds: float = JOB_SECONDS,
    ) -> None:
        self._supervisor = Supervisor(
            spec(options),
            on_message=lambda message: self._inbox.put(partial(self._message, message)),
            on_lost=lambda: self._inbox.put(self._lost),
            on_start=self._begin,
            launcher=launcher,
        )
        self._hang_seconds = min(float(options.get("hang_seconds", HANG_SECONDS)), job_seconds)
        self._job_seconds = job_seconds
        self._inbox: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="card-reader", daemon=True)
        self._sink: Callable[[CardEvent], None] = lambda event: None
        self._first_number = 0  # of presences and connections in the process that works now
        self._deadlines: dict[int, float] = {}  # by job: when its silence is too long
        self._limits: dict[int, float] = {}  # by job: when it has taken too long in all
        self._hung = False  # the process was ended by the watchdog, not by itself
        self._hangs: list[float] = []  # when, since a job last succeeded
        self._presence: int | None = None
        self._short_only: dict[str, None] = {}  # readers of which a process found out

    # --- CardReader ---

    def start(self, sink: Callable[[CardEvent], None]) -> None:
        self._sink = sink
        self._thread.start()
        self._inbox.put(self._supervisor.start)

    def read_certificate(self, job: int, presence: int) -> None:
        self._ask(job, ReadCertificate(job, presence))

    def read_photo(self, job: int, presence: int, number: Blob, message: Blob) -> None:
        self._ask(job, ReadPhoto(job, presence, number, message))

    def sign_with_pin(self, job: int, presence: int, pin: Blob, message: Blob) -> None:
        self._ask(job, SignWithPin(job, presence, pin, message))

    def release(self) -> None:
        self._inbox.put(lambda: self._send(Release()))

    def recycle(self) -> None:
        self._inbox.put(self._replace)

    def stop(self) -> None:
        self._inbox.put(None)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout=10)

    # --- for the system test and the measurements ---

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the processes that work and wait."""
        return self._supervisor.pids

    # --- everything below runs on the reader's thread ---

    def _run(self) -> None:
        try:
            while True:
                try:
                    step = self._inbox.get(timeout=self._until_deadline())
                except queue.Empty:
                    self._hung = True
                    now = time.monotonic()
                    self._hangs = [at for at in self._hangs if now - at < _HANGS_BELONG_TOGETHER] + [now]
                    self._supervisor.fail()  # `_lost` follows by way of the inbox
                    self._deadlines = dict.fromkeys(self._deadlines, float("inf"))
                    continue
                if step is None:
                    return
                step()
        finally:
            self._supervisor.stop()

    def _until_deadline(self) -> float | None:
        next_deadline = min(self._deadlines.values(), default=float("inf"))
        if next_deadline == float("inf"):
            return None
        return max(0.0, next_deadline - time.monotonic())

    def _ask(self, job: int, message: object) -> None:
        def step() -> None:
            now = time.monotonic()
            self._limits[job] = now + self._job_seconds
            self._deadlines[job] = now + self._hang_seconds
            if not self._send(message):
                self._refuse_all(DeviceFault.CARD_WORKER_LOST)

        self._inbox.put(step)

    def _alive(self) -> None:
        """The process works its jobs off one after the other: a sign of life of one is one of all that wait."""
        later = time.monotonic() + self._hang_seconds
        self._deadlines = {job: min(later, self._limits[job]) for job in self._deadlines}

    def _send(self, message: object) -> bool:
        return self._supervisor.send(message)

    def _begin(self, worker: Worker) -> None:
        """On whatever thread replaces the worker. The numbers make presences and connections unique."""
        self._first_number += _NUMBERS_PER_PROCESS
        worker.send(Watch(self._first_number, tuple(self._short_only), len(self._hangs)))

    def _replace(self) -> None:
        self._gone()
        self._refuse_all(DeviceFault.CARD_WORKER_LOST)
        self._supervisor.recycle()

    def _lost(self) -> None:
        fault = DeviceFault.READER_HUNG if self._hung else DeviceFault.CARD_WORKER_LOST
        self._hung = False
        self._gone()
        self._refuse_all(fault)
        self._sink(ReaderFault(fault))

    def _gone(self) -> None:
        if self._presence is not None:
            presence, self._presence = self._presence, None
            self._sink(CardGone(presence))

    def _refuse_all(self, fault: DeviceFault) -> None:
        jobs, self._deadlines, self._limits = list(self._deadlines), {}, {}
        for job in jobs:
            self._sink(CardRefused(job, fault))

    def _message(self, message: Any) -> None:
        match message:
            case ReaderReady() | ReaderFault():
                self._sink(message)
            case CardPresent(presence) if presence > self._first_number:
                self._presence = presence
                self._sink(message)
            case CardGone(presence) if presence == self._presence:
                self._gone()
            case CardProgress(job, _, _) if job in self._deadlines:
                self._alive()
                self._sink(message)
            case ShortOnly(reader):
                self._short_only[reader] = None
            case Alive(job) if job in self._deadlines:
                self._alive()
            case CertificateRead() | PhotoRead() | PinSigned() | CardRefused() if message.job in self._deadlines:
                del self._deadlines[message.job], self._limits[message.job]
                self._alive()
                if not isinstance(message, CardRefused):
                    self._hangs = []
                self._sink(message)
            case _:
                # An answer that nobody waits for any more, or from a process that was replaced.
                for blob in blobs_of(message):
                    blob.wipe()


class SimulatedCardReader(SupervisedCardReader):
    """With hands: puts virtual cards down and takes them away. For the demonstration and for tests.

    A card that lies on the reader stays there when the process is replaced, and remembers its try counters when it
    is taken away, as a real one does.
    """

    def __init__(
        self,
        options: Options,
        launcher: Launcher = ProcessWorker,
        *,
        job_seconds: float = JOB_SECONDS,
    ) -> None:
        super().__init__({**options, "driver": "simulated"}, launcher, job_seconds=job_seconds)
        self._lying: tuple[bytes, Mapping[str, Any]] | None = None
        self._tries: dict[str, Mapping[str, int]] = {}
        self._counters: queue.SimpleQueue[SimulatedCounters] = queue.SimpleQueue()

    def insert(self, card: bytes, **settings: Any) -> None:
        """Put a card down, in the place of the one that lies there (a swap).

        `card`: UTF-8 JSON of a `devices.simulated.card.files.PersonCard`; `settings`: fields of
        `devices.simulated.card.options.CardOptions`, and `counters` of `VirtualCard`. Without `counters` it has those
        with which it was taken away.
        """
        self._inbox.put(partial(self._insert, card, settings))

    def remove(self) -> None:
        self._inbox.put(self._remove)

    def inject(self, rules: list[dict[str, Any]]) -> None:
        """`rules`: `devices.simulated.card.FaultPlan.to_json()`, for the card that lies there."""
        self._inbox.put(lambda: self._send(SimulateFaults(tuple(rules))))

    def set_reader(self, state: str) -> None:
        """The value of a `devices.simulated.reader.ReaderState`."""
        self._inbox.put(lambda: self._send(SimulateReader(state)))

    def counters(self, timeout: float = 10.0) -> SimulatedCounters:
        """Of the card that lies there. Blocks; not to be called from the sink."""
        self._inbox.put(lambda: self._send(SimulateInspect()))
        return self._counters.get(timeout=timeout)

    def _insert(self, card: bytes, settings: Mapping[str, Any]) -> None:
        self._lying = (card, settings)
        self._send(SimulateInsert(Blob.of(card), settings, self._tries))

    def _remove(self) -> None:
        self._lying = None
        self._send(SimulateRemove())

    def _begin(self, worker: Worker) -> None:
        if self._lying is not None:
            card, settings = self._lying
            worker.send(SimulateInsert(Blob.of(card), settings, self._tries))
        super()._begin(worker)

    def _message(self, message: Any) -> None:
        match message:
            case SimulatedCounters():
                self._counters.put(message)
            case SimulatedRemoved(card, tries, pulled):
                self._tries[card] = tries
                if pulled:
                    self._lying = None
            case _:
                super()._message(message)
