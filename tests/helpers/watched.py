"""A whole kiosk in a process of its own, so that a test can look into all of its processes from outside.

`python -m tests.helpers.watched <descriptor>`: its window (offscreen), its card process on a PC/SC lane, its face
process; the camera's pictures come in shared memory from whoever started it. Nothing personal is told to it: cards are
put down on the lane, keys come one by one.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devices.blob import Blob
from devices.ports import Image
from devices.supervisor import Channel, ChannelClosed

BUSY = 1  # a note of the shared pictures
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Press:
    """One control by name. The word is waited for, for at most two seconds."""

    name: str


@dataclass(frozen=True, slots=True)
class Look:
    """Answered by `Seen` with what happens now."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """The memory of the camera (`devices.simulated.apart.SharedFrames`). Comes first."""

    memory: Blob


@dataclass(frozen=True, slots=True)
class End:
    """Stop the kiosk and the process."""


@dataclass(frozen=True, slots=True)
class Seen:
    """State and page, failures of this reception, hint of the camera; processes; whether a key was missed."""

    state: str
    page: str
    hint: str
    failures: tuple[str, ...]
    face: tuple[int, ...]
    card: tuple[int, ...]
    missed: str
    dumpable: int
    actions: tuple[str, ...]  # that can be chosen now
    camera: str  # why the kiosk does not offer the face: a failure's code; "" while it does


@dataclass(frozen=True, slots=True)
class Changed:
    """Another state. `at`: monotonic seconds; `ending`, `failure`: how a reception ended, what staff read."""

    state: str
    page: str
    at: float
    failure: str
    ending: str


TO_CHILD = (Press, Look, Pictures, End)
TO_PARENT = (Seen, Changed)


class Watched:
    """The kiosk as its observer has it. `states`: what it went through, in order."""

    def __init__(self, options: dict[str, Any], pictures: Blob) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.helpers.watched", str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "OPENBLAS_NUM_THREADS": "1"},
        )
        theirs.close()
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(options).encode())
        self.process.stdin.close()
        self._channel = Channel(ours, TO_PARENT)
        self._channel.send(Pictures(pictures))
        self.states: list[Changed] = []

    @property
    def pid(self) -> int:
        return self.process.pid

    def press(self, *names: str) -> None:
        for name in names:
            self._channel.send(Press(name))

    def look(self) -> Seen:
        self._channel.send(Look())
        end = time.monotonic() + 30
        while (seen := self._next(end)) is None or isinstance(seen, Changed):
            assert time.monotonic() < end, "the kiosk does not answer"
        assert isinstance(seen, Seen)
        return seen

    def until(self, wanted: Callable[[Changed], bool], seconds: float = 40.0) -> Changed:
        """The next change of state that is wanted, or the present state."""
        end = time.monotonic() + seconds
        if self.states and wanted(self.states[-1]):
            return self.states[-1]
        while True:
            changed = self._next(end)
            if isinstance(changed, Changed) and wanted(changed):
                return changed
            now = self.states[-1] if self.states else None
            assert time.monotonic() < end, f"still {now} after {seconds} s"

    def until_state(self, *names: str, seconds: float = 40.0) -> Changed:
        return self.until(lambda changed: changed.state in names, seconds)

    def _next(self, end: float) -> Seen | Changed | None:
        message = self._channel.receive(timeout=max(0.0, end - time.monotonic()))
        if isinstance(message, Changed):
            self.states.append(message)
        assert message is None or isinstance(message, Seen | Changed)
        return message

    def end(self) -> None:
        try:
            self._channel.send(End())
            self.process.wait(30)
        except (ChannelClosed, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        finally:
            self._channel.close()


def main() -> None:
    from devices.card.reader import SupervisedCardReader
    from devices.child import harden
    from devices.errors import CameraBusy
    from devices.simulated.apart import SharedFrames, SharedSource
    from devices.stream import CameraStream
    from kiosk import app as composition
    from kiosk import log
    from kiosk.app import App, GatewayAccess, Surroundings, Trust, reader_options, use_display
    from kiosk.config import load
    from kiosk.eligibility.tls import ensure_test_tls

    options = json.loads(sys.stdin.read())
    harden()
    channel = Channel(socket.socket(fileno=int(sys.argv[1])), TO_CHILD)
    pictures = channel.receive()
    assert isinstance(pictures, Pictures)
    settings = load(ROOT / "config.toml", options["settings"])
    log.configure(settings.log.level.value, None)

    class Device(SharedSource):
        """Another program may hold it, or it may be unplugged, as the one who shows the pictures says."""

        def open(self) -> None:
            if frames.note == BUSY:
                raise CameraBusy

        def read(self) -> Image | None:
            return None if frames.note == BUSY else super().read()

    usual = composition.face_options
    composition.face_options = lambda settings: {**usual(settings), **options["face"]}
    frames = SharedFrames(pictures.memory)
    use_display(offscreen=True)
    tls = ensure_test_tls(Path(options["tls"]), (settings.gateway.terminal_id,))
    terminal = settings.gateway.terminal_id
    trust = Trust((base64.b64decode(options["issuer"]),), base64.b64decode(options["anchor"]))
    reader = SupervisedCardReader(reader_options(settings, trust, options["csock"]))
    app = App(
        settings,
        Surroundings(
            GatewayAccess(options["gateway"], tls.ca, tls.certificate(terminal), tls.key(terminal)),
            trust,
            reader,
            CameraStream(Device(frames)),
        ),
        still=True,
    )
    _serve(channel, app, reader)


def _serve(channel: Channel, app: Any, reader: Any) -> None:
    from kiosk.reception import states as s
    from kiosk.reception.view import LookPanel
    from kiosk.runtime.loop import Change
    from kiosk.ui.robot import NotOnPage, Robot

    orders: queue.SimpleQueue[object] = queue.SimpleQueue()
    robot = Robot(app.window)
    failures: list[str] = []
    missed = ""

    def listen() -> None:
        while True:
            try:
                orders.put(channel.receive())
            except ChannelClosed:
                orders.put(End())
                return

    def watch(change: Change) -> None:
        before, after = change.before, change.after
        if type(before) is type(after):
            return
        if isinstance(after, s.Idle):
            failures.clear()
        failure, ending = "", ""
        if isinstance(after, s.Problem | s.LookupProblem | s.OutOfService):
            failure = after.failure.value
        if isinstance(after, s.TakeCard | s.Farewell):
            ending = after.outcome.ending.value
            failure = after.outcome.failure.value if after.outcome.failure is not None else ""
        if failure:
            failures.append(failure)
        channel.send(Changed(type(after).__name__, "", time.monotonic(), failure, ending))

    def seen() -> Seen:
        view = app.window.view
        panel = None if view is None else view.panel
        return Seen(
            type(app.loop.kiosk.state).__name__,
            "" if view is None else view.page.value,
            panel.hint if isinstance(panel, LookPanel) else "",
            tuple(failures),
            app.face.pids,
            reader.pids,
            missed,
            _dumpable(),
            () if view is None else tuple(action.name for action in view.actions if action.enabled),
            _camera(app.loop.kiosk.health),
        )

    def over() -> bool:
        nonlocal missed
        while not orders.empty():
            match orders.get():
                case Press(name):
                    try:
                        robot.press(name)
                    except NotOnPage as error:
                        missed = str(error)
                case Look():
                    channel.send(seen())
                case End():
                    return True
        robot.touched.clear()
        return False

    app.loop.watchers.append(watch)
    threading.Thread(target=listen, name="orders", daemon=True).start()
    app.start()
    try:
        app.run_until(over, float("inf"))
    finally:
        app.stop()


def _camera(health: Any) -> str:
    if not health.camera:
        return str(health.camera_failure.value)
    return "" if health.face else "face"


def _dumpable() -> int:
    import ctypes

    return int(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))  # PR_GET_DUMPABLE


if __name__ == "__main__":
    main()
