"""Small services for the tests of the supervisor, in a process or a thread."""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from devices.blob import Blob
from devices.supervisor import Channel, ChildSpec, Options


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Inner:
    number: int


@dataclass(frozen=True, slots=True)
class Everything:
    text: str = ""
    number: int = 0
    ratio: float = 0.0
    flag: bool = False
    maybe: int | None = None
    colour: Colour = Colour.RED
    inner: Inner = field(default_factory=lambda: Inner(0))
    row: tuple[Inner, ...] = ()
    table: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parcel:
    first: Blob
    second: Blob


@dataclass(frozen=True, slots=True)
class Crash:
    how: str


@dataclass(frozen=True, slots=True)
class AskState:
    pass


@dataclass(frozen=True, slots=True)
class State:
    pid: int
    core_limit: int
    dumpable: int


TO_CHILD: tuple[type, ...] = (Everything, Parcel, Crash, AskState)
TO_PARENT: tuple[type, ...] = (Everything, Parcel, State)


def spec(**options: Any) -> ChildSpec:
    return ChildSpec("echo", "tests.helpers.child_services:echo", TO_CHILD, TO_PARENT, options)


def echo(channel: Channel, options: Options) -> None:
    """Sends everything back; fails on demand."""
    while True:
        message = channel.receive()
        match message:
            case Crash("exit"):
                os._exit(3)
            case Crash("raise"):
                raise RuntimeError(options.get("secret", ""))
            case Crash("return"):
                return
            case Crash("thread"):
                threading.Thread(target=lambda: 1 // 0).start()
            case Crash("hang"):
                threading.Event().wait(600)
            case AskState():
                channel.send(State(os.getpid(), resource.getrlimit(resource.RLIMIT_CORE)[0], _dumpable()))
            case _:
                channel.send(message)


def _dumpable() -> int:
    import ctypes

    return int(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))


def silent(channel: Channel, options: Options) -> None:
    """Never reads and never answers."""
    time.sleep(600)


def leave(channel: Channel, options: Options) -> None:
    """End with 0 and without a word, as a failed import does that calls `quit`."""
    os._exit(0)
