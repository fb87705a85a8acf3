"""One way to run a device in a child process: start, typed messages, heartbeat, kill, back-off, warm spare.

The child executes `serve(channel, options)` of the module that its `ChildSpec` names. The same function runs in a
thread of the test process through `InProcess`. Messages are frozen dataclasses as JSON, never pickle: the card
process handles untrusted bytes and must not be able to run code in its parent. Personal bytes travel as `Blob`
(memfd by descriptor), never inside a message.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import enum
import functools
import importlib
import json
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from devices.blob import Blob

_HEADER = struct.Struct("!II")  # length of the JSON text, number of descriptors
_MAX_MESSAGE = 1 << 20
_MAX_DESCRIPTORS = 8
HEARTBEAT_SECONDS = 1.0

Options = Mapping[str, Any]


class ChannelClosed(Exception):
    """The other end is gone."""


class BadMessage(Exception):
    """A message that is not in the vocabulary of this channel."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Sent by the child's runner every second."""


@dataclass(frozen=True, slots=True)
class ChildStarted:
    """The child's service function was reached."""


class Channel:
    """A two-way pipe of typed messages. `send` may be called from any thread; `receive` from one.

    `vocabulary` lists every dataclass that may arrive; anything else raises `BadMessage`.
    """

    def __init__(self, sock: socket.socket, vocabulary: tuple[type, ...]) -> None:
        self._sock = sock
        self._types = {kind.__name__: kind for kind in (*vocabulary, Heartbeat, ChildStarted)}
        self._lock = threading.Lock()

    def send(self, message: object) -> None:
        """Send `message`. Its blobs are duplicated to the other side and closed on this one."""
        blobs: list[Blob] = []
        text = json.dumps([type(message).__name__, _pack(message, blobs)]).encode()
        try:
            with self._lock:
                head = _HEADER.pack(len(text), len(blobs))
                if blobs:
                    socket.send_fds(self._sock, [head], [blob.fd for blob in blobs])
                    self._sock.sendall(text)
                else:
                    self._sock.sendall(head + text)  # the other side is woken once
        except OSError as error:
            raise ChannelClosed from error
        finally:
            for blob in blobs:
                blob.close()

    def receive(self, timeout: float | None = None) -> Any:
        """The next message, or None after `timeout` seconds. Raises `ChannelClosed`, `BadMessage`."""
        try:
            if timeout is not None and not self._readable(timeout):
                return None
            head, fds, _, _ = socket.recv_fds(self._sock, _HEADER.size, _MAX_DESCRIPTORS)
        except (OSError, ValueError) as error:  # ValueError: closed by another thread
            raise ChannelClosed from error
        blobs = [Blob(fd) for fd in fds]
        used: list[Blob] = []
        try:
            if not head:
                raise ChannelClosed
            head += self._exactly(_HEADER.size - len(head))
            length, count = _HEADER.unpack(head)
            if length > _MAX_MESSAGE or count != len(blobs):
                raise BadMessage("length or descriptors out of bounds")
            for blob in blobs:
                os.set_inheritable(blob.fd, False)
                if not blob.sealed:
                    raise BadMessage("memory that could shrink while it is read")
            name, fields = json.loads(self._exactly(length))
            kind = self._types.get(name)
            if kind is None:
                raise BadMessage("not in the vocabulary")
            message = _unpack(kind, fields, blobs)
            used = blobs_of(message)
            if len(used) != len(blobs) or len(set(map(id, used))) != len(blobs):
                used = []
                raise BadMessage("a descriptor named twice or not at all")
            return message
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
            raise BadMessage(type(error).__name__) from None
        finally:
            if not used:
                for blob in blobs:
                    blob.close()

    def close(self) -> None:
        # shutdown wakes a receive() that blocks in another thread; close alone does not.
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    def _readable(self, timeout: float) -> bool:
        # Not by the socket's own timeout: that would hold for a `send` in another thread too.
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return bool(poll.poll(timeout * 1000))

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            try:
                part = self._sock.recv(size - len(parts))
            except OSError as error:
                raise ChannelClosed from error
            if not part:
                raise ChannelClosed
            parts += part
        return bytes(parts)


def _pack(value: object, blobs: list[Blob]) -> Any:
    if isinstance(value, Blob):
        blobs.append(value)
        return len(blobs) - 1
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _pack(getattr(value, f.name), blobs) for f in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [_pack(item, blobs) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _pack(item, blobs) for key, item in value.items()}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"a message cannot carry {type(value).__name__}")


def _unpack(kind: Any, value: Any, blobs: list[Blob]) -> Any:
    if kind is Any:
        return value
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        for option in typing.get_args(kind):
            if option is type(None):
                if value is None:
                    return None
            elif value is not None:
                return _unpack(option, value, blobs)
        raise TypeError("no such option")
    if origin is tuple:
        (item, *_) = typing.get_args(kind)
        return tuple(_unpack(item, entry, blobs) for entry in value)
    if origin in (Mapping, dict):
        return dict(value)
    if kind is Blob:
        if type(value) is not int or value < 0:
            raise TypeError("not an index")
        return blobs[value]
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(value)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(**{name: _unpack(hints[name], entry, blobs) for name, entry in value.items()})
    if kind is float and isinstance(value, int):
        return float(value)
    if isinstance(kind, type) and type(value) is kind:
        return value
    raise TypeError("field of another type")


@functools.cache
def _hints(kind: type) -> Mapping[str, Any]:
    """Annotations are text until they are asked for, which takes 0.08 ms: too long for two messages a frame."""
    return typing.get_type_hints(kind)


class Service(Protocol):
    """What a child module offers under the name in its `ChildSpec`."""

    def __call__(self, channel: Channel, options: Options) -> None:
        """Serve until the channel closes."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """`target` is "package.module:function"; `to_child` and `to_parent` list the message types."""

    name: str
    target: str
    to_child: tuple[type, ...]
    to_parent: tuple[type, ...]
    options: Options = dataclasses.field(default_factory=dict)


class Worker(Protocol):
    """A started service, in a process or a thread."""

    @property
    def pid(self) -> int | None: ...

    def send(self, message: object) -> None:
        """Raises `ChannelClosed` when the worker is gone."""

    def kill(self) -> None:
        """End it at once. `on_lost` is not called for a death that was asked for."""


# PR_SET_PDEATHSIG follows the *thread* that started the child (prctl(2)): a child started on a timer's thread would
# be killed when that thread ends. This one lasts as long as the process.
_STARTER = concurrent.futures.ThreadPoolExecutor(max_workers=1, thread_name_prefix="child-starter")


def _on_lasting_thread(start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    return _STARTER.submit(start).result()


class ProcessWorker:
    """The service in its own process. `on_message` and `on_lost` are called on a private thread."""

    def __init__(
        self,
        spec: ChildSpec,
        on_message: Callable[[Any], None],
        on_lost: Callable[[], None],
        heartbeat_timeout: float = 10.0,
    ) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        request = json.dumps(
            {"target": spec.target, "name": spec.name, "parent": os.getpid(), "options": dict(spec.options)}
        )
        environment = {
            **os.environ,
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        }
        self._process = _on_lasting_thread(
            lambda: subprocess.Popen(
                [sys.executable, "-m", "devices.child", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.PIPE,
                env=environment,
            )
        )
        theirs.close()
        assert self._process.stdin is not None
        try:
            # By pipe, not by argument: options may name files, and arguments are public in /proc.
            self._process.stdin.write(request.encode())
            self._process.stdin.close()
        except BrokenPipeError:
            pass
        self._channel = Channel(ours, spec.to_parent)
        self._on_message = on_message
        self._on_lost = on_lost
        self._ended = threading.Event()
        self._heartbeat_timeout = heartbeat_timeout
        self._reader = threading.Thread(target=self._read, name=f"{spec.name}-messages", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def send(self, message: object) -> None:
        self._channel.send(message)

    def kill(self) -> None:
        self._ended.set()
        self._process.kill()
        self._process.wait()
        self._channel.close()
        if threading.current_thread() is not self._reader:
            self._reader.join(timeout=5)

    def _read(self) -> None:
        quiet_since = time.monotonic()
        while not self._ended.is_set():
            try:
                message = self._channel.receive(timeout=1.0)
            except (ChannelClosed, BadMessage):
                break
            if message is None:
                if time.monotonic() - quiet_since > self._heartbeat_timeout:
                    break
                continue
            quiet_since = time.monotonic()
            if not isinstance(message, Heartbeat | ChildStarted):
                self._on_message(message)
        self._process.kill()
        self._process.wait()
        self._channel.close()
        if not self._ended.is_set():
            self._ended.set()
            self._on_lost()


class InProcess:
    """The same service in a thread, for tests and for debugging without processes."""

    def __init__(self, spec: ChildSpec, on_message: Callable[[Any], None], on_lost: Callable[[], None]) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._channel = Channel(ours, spec.to_parent)
        self._child = Channel(theirs, spec.to_child)
        self._on_message = on_message
        self._on_lost = on_lost
        self._ended = threading.Event()
        service = load(spec.target)
        self._serving = threading.Thread(
            target=self._serve, args=(service, spec.options), name=f"{spec.name}-service", daemon=True
        )
        self._reader = threading.Thread(target=self._read, name=f"{spec.name}-messages", daemon=True)
        self._serving.start()
        self._reader.start()

    @property
    def pid(self) -> int | None:
        return None

    def send(self, message: object) -> None:
        self._channel.send(message)

    def kill(self) -> None:
        self._ended.set()
        self._channel.close()
        for thread in (self._serving, self._reader):
            if thread is not threading.current_thread():
                thread.join(timeout=5)

    def _serve(self, service: Service, options: Options) -> None:
        try:
            service(self._child, options)
        except ChannelClosed:
            pass
        finally:
            self._child.close()

    def _read(self) -> None:
        while True:
            try:
                message = self._channel.receive()
            except (ChannelClosed, BadMessage):
                break
            if not isinstance(message, Heartbeat | ChildStarted):
                self._on_message(message)
        self._channel.close()
        if not self._ended.is_set():
            self._ended.set()
            self._on_lost()


Launcher = Callable[[ChildSpec, Callable[[Any], None], Callable[[], None]], Worker]


class Supervisor:
    """Keeps one worker of a spec running, and one warm spare beside it.

    A worker that dies is replaced by the spare at once; deaths in quick succession back off (0.2 s doubling to 5 s).
    `on_start` is called on every worker that takes over (first, replaced, recycled) to send it what it needs. A
    worker says nothing before it was spoken to: words of a spare are dropped.
    """

    def __init__(
        self,
        spec: ChildSpec,
        on_message: Callable[[Any], None],
        on_lost: Callable[[], None],
        on_start: Callable[[Worker], None],
        launcher: Launcher = ProcessWorker,
        spare: bool = True,
    ) -> None:
        self._spec = spec
        self._on_message = on_message
        self._on_lost = on_lost
        self._on_start = on_start
        self._launcher = launcher
        self._keep_spare = spare
        self._lock = threading.RLock()
        self._active: _Slot | None = None
        self._spare: _Slot | None = None
        self._failures = 0
        self._last_death = 0.0
        self._stopped = False

    def start(self) -> None:
        with self._lock:
            self._promote()

    def send(self, message: object) -> bool:
        """False when no worker is there just now; its loss has been or will be reported by `on_lost`.

        The blobs in `message` are given away in either case.
        """
        with self._lock:
            slot = self._active
        if slot is None:
            for blob in blobs_of(message):
                blob.close()
            return False
        try:
            slot.worker.send(message)
        except ChannelClosed:
            return False
        return True

    @property
    def pids(self) -> tuple[int, ...]:
        with self._lock:
            workers = [slot.worker for slot in (self._active, self._spare) if slot is not None]
        return tuple(worker.pid for worker in workers if worker.pid is not None)

    def recycle(self) -> None:
        """Replace the worker: what it remembered goes with its memory. The spare takes over at once."""
        with self._lock:
            old, self._active = self._active, None
            if self._stopped:
                return
            self._promote()
        if old is not None:
            old.worker.kill()

    def fail(self) -> None:
        """End a worker that hangs; handled as if it had died."""
        with self._lock:
            slot = self._active
        if slot is not None:
            slot.worker.kill()
            self._lost(slot)

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            slots = [slot for slot in (self._active, self._spare) if slot is not None]
            self._active = self._spare = None
        for slot in slots:
            slot.worker.kill()

    def _promote(self) -> None:
        self._active = self._spare or self._launch()
        self._spare = None
        try:
            self._on_start(self._active.worker)
        except ChannelClosed:
            return  # its reader thread reports the death
        if self._keep_spare:
            self._spare = self._launch()

    def _launch(self) -> _Slot:
        slot = _Slot()
        slot.worker = self._launcher(self._spec, lambda message: self._message(slot, message), lambda: self._lost(slot))
        return slot

    def _message(self, slot: _Slot, message: object) -> None:
        if slot is self._active:
            self._on_message(message)
        else:  # late words of a worker that was replaced
            for blob in blobs_of(message):
                blob.wipe()

    def _lost(self, slot: _Slot) -> None:
        with self._lock:
            if self._stopped:
                return
            if slot is self._spare:
                self._spare = None
                return
            if slot is not self._active:
                return
            self._active = None
            now = time.monotonic()
            self._failures = self._failures + 1 if now - self._last_death < 30 else 1
            self._last_death = now
            delay = 0.0 if self._failures == 1 else min(5.0, 0.1 * 2**self._failures)
        self._on_lost()
        timer = threading.Timer(delay, self._restart)
        timer.daemon = True
        timer.start()

    def _restart(self) -> None:
        with self._lock:
            if not self._stopped and self._active is None:
                self._promote()


class _Slot:
    worker: Worker


def seconds_without_processor(pid: int) -> float:
    """For how long the main thread of a process was ready and had to wait for a processor (proc(5), schedstat);
    0 when that is not told."""
    try:
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def blobs_of(message: object) -> list[Blob]:
    """Every blob in a message, for whoever has to wipe one that nobody wants."""
    blobs: list[Blob] = []
    _pack(message, blobs)
    return blobs


def load(target: str) -> Service:
    module, _, name = target.partition(":")
    service: Service = getattr(importlib.import_module(module), name)
    return service
