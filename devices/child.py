"""Entry of every child process: `python -m devices.child <descriptor>`; the request arrives on standard input."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import sys
import threading
import traceback

from devices.supervisor import (
    HEARTBEAT_SECONDS,
    Channel,
    ChannelClosed,
    ChildStarted,
    Heartbeat,
    load,
)

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4


def harden(parent: int | None = None) -> None:
    """No core dumps, no ptrace by others; and end with the parent (prctl(2), Linux only)."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if parent is not None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the call above
            os._exit(0)


def report(error: BaseException) -> None:
    """What kind of error and where, on standard error; never its text, which may hold what a card said."""
    places = traceback.extract_tb(error.__traceback__)
    where = f"{os.path.basename(places[-1].filename)}:{places[-1].lineno}" if places else "unknown place"
    sys.stderr.write(f"device process: {type(error).__name__} at {where}\n")


def _thread_failed(args: threading.ExceptHookArgs) -> None:
    """A process without its monitor or its worker would beat on and do nothing: better none, it is replaced."""
    if args.exc_value is not None:
        report(args.exc_value)
    os._exit(1)


def main() -> None:
    threading.excepthook = _thread_failed
    request = json.loads(sys.stdin.read())
    harden(request["parent"])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    sock = socket.socket(fileno=int(sys.argv[1]))
    service = load(request["target"])
    vocabulary: tuple[type, ...] = vars(sys.modules[request["target"].partition(":")[0]])["TO_CHILD"]
    channel = Channel(sock, vocabulary)
    stop = threading.Event()

    def beat() -> None:
        try:
            channel.send(ChildStarted())
            while not stop.wait(HEARTBEAT_SECONDS):
                channel.send(Heartbeat())
        except ChannelClosed:
            os._exit(0)  # nobody listens any more; personal data goes with the process

    threading.Thread(target=beat, name="heartbeat", daemon=True).start()
    try:
        with contextlib.suppress(ChannelClosed):
            service(channel, request["options"])
    except BaseException as error:
        report(error)
        raise
    finally:
        stop.set()
        # Daemon threads may sit in a native call (a hung reader); do not wait for them.
        os._exit(0)


if __name__ == "__main__":
    main()
