"""One worker runs, one waits; whatever dies is replaced, whatever was asked to end stays ended."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from devices.blob import Blob
from devices.supervisor import ChildSpec, InProcess, Launcher, ProcessWorker, Supervisor, Worker
from tests.helpers.child_services import TO_CHILD, TO_PARENT, AskState, Crash, Everything, Parcel, State, spec


class Kit:
    def __init__(self, launcher: Launcher, child: ChildSpec | None = None, *, spare: bool = True) -> None:
        self.messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.lost: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.started: list[Worker] = []
        self.supervisor = Supervisor(
            child or spec(),
            self.messages.put,
            lambda: self.lost.put(None),
            self.started.append,
            launcher,
            spare=spare,
        )
        self.supervisor.start()

    def say(self, text: str) -> None:
        """Through the worker and back. Sent again while no worker is there."""
        deadline = time.monotonic() + 30
        while not self.supervisor.send(Everything(text)):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert self.messages.get(timeout=30) == Everything(text)


@pytest.fixture(params=[InProcess, ProcessWorker])
def launcher(request: pytest.FixtureRequest) -> Launcher:
    chosen: Launcher = request.param
    return chosen


@pytest.fixture
def kit(launcher: Launcher) -> Iterator[Kit]:
    made = Kit(launcher)
    yield made
    made.supervisor.stop()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_there_and_back(kit: Kit) -> None:
    kit.say("hello")
    kit.supervisor.send(Parcel(Blob.of(b"photo"), Blob.of(b"")))
    parcel = kit.messages.get(timeout=30)
    with parcel.first, parcel.second, parcel.first.secret() as secret:
        assert secret.matches(b"photo")
    assert len(kit.started) == 1


@pytest.mark.parametrize("how", ["return", "raise"])
def test_dead_worker_is_replaced(launcher: Launcher, how: str) -> None:
    if launcher is InProcess and how == "raise":
        how = "return"  # a thread's exception would be reported as this test's own
    kit = Kit(launcher)
    kit.say("before")
    kit.supervisor.send(Crash(how))
    kit.lost.get(timeout=30)
    kit.say("after")
    assert len(kit.started) == 2
    kit.supervisor.stop()
    assert kit.lost.empty()


def test_a_process_one_of_whose_threads_fails_is_replaced() -> None:
    """It would beat on without its monitor and see no card any more."""
    kit = Kit(ProcessWorker)
    kit.say("before")
    kit.supervisor.send(Crash("thread"))
    kit.lost.get(timeout=30)
    kit.say("after")
    kit.supervisor.stop()


def test_recycled_worker_is_another_and_no_loss(kit: Kit) -> None:
    kit.say("before")
    old = kit.started[0]
    kit.supervisor.recycle()
    assert kit.started[1] is not old
    kit.say("after")
    assert kit.lost.empty()


def test_worker_that_hangs_is_ended_by_its_owner() -> None:
    kit = Kit(ProcessWorker)
    kit.say("before")
    old = kit.started[0].pid
    kit.supervisor.send(Crash("hang"))
    kit.supervisor.fail()
    kit.lost.get(timeout=30)
    kit.say("after")
    assert old not in kit.supervisor.pids
    kit.supervisor.stop()


def test_killed_process_is_noticed_and_its_spare_takes_over() -> None:
    kit = Kit(ProcessWorker)
    kit.say("before")
    first, second = kit.supervisor.pids
    os.kill(first, signal.SIGKILL)
    kit.lost.get(timeout=30)
    kit.say("after")
    assert kit.supervisor.pids[0] == second
    kit.supervisor.stop()


def test_killed_spare_is_no_loss() -> None:
    kit = Kit(ProcessWorker)
    kit.say("before")
    os.kill(kit.supervisor.pids[1], signal.SIGKILL)
    until(lambda: len(kit.supervisor.pids) == 1)
    assert kit.lost.empty()
    kit.supervisor.recycle()
    kit.say("after")
    kit.supervisor.stop()


def test_deaths_in_a_row_are_survived() -> None:
    kit = Kit(InProcess)
    for round_number in range(3):
        kit.say(str(round_number))
        kit.supervisor.send(Crash("return"))
        kit.lost.get(timeout=30)
    kit.say("at last")
    kit.supervisor.stop()


def test_stopped_is_stopped(kit: Kit) -> None:
    kit.say("before")
    pids = kit.supervisor.pids
    kit.supervisor.stop()
    parcel = Parcel(Blob.of(b"photo"), Blob.of(b"more"))
    assert not kit.supervisor.send(parcel)
    assert parcel.first.closed
    kit.supervisor.recycle()
    kit.supervisor.fail()
    assert kit.supervisor.pids == ()
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)
    assert kit.lost.empty()


def test_without_a_spare() -> None:
    kit = Kit(ProcessWorker, spare=False)
    kit.say("before")
    assert len(kit.supervisor.pids) == 1
    kit.supervisor.recycle()
    kit.say("after")
    kit.supervisor.stop()


def test_process_without_a_heartbeat_is_lost() -> None:
    child = ChildSpec("silent", "tests.helpers.child_services:echo", TO_CHILD, TO_PARENT)

    def impatient(spec: ChildSpec, on_message: Callable[[Any], None], on_lost: Callable[[], None]) -> ProcessWorker:
        return ProcessWorker(spec, on_message, on_lost, heartbeat_timeout=2.5)

    kit = Kit(impatient, child)
    kit.say("before")
    stopped = kit.supervisor.pids[0]
    os.kill(stopped, signal.SIGSTOP)
    kit.lost.get(timeout=30)
    kit.say("after")
    assert not os.path.exists(f"/proc/{stopped}")
    kit.supervisor.stop()


def test_message_that_is_not_in_the_vocabulary_costs_the_worker() -> None:
    child = ChildSpec("echo", "tests.helpers.child_services:echo", TO_CHILD, (State,))
    kit = Kit(InProcess, child)
    kit.supervisor.send(Everything("not for the parent"))
    kit.lost.get(timeout=30)
    kit.supervisor.stop()


def test_process_is_hardened() -> None:
    kit = Kit(ProcessWorker)
    kit.supervisor.send(AskState())
    state = kit.messages.get(timeout=30)
    assert (state.core_limit, state.dumpable) == (0, 0)
    assert state.pid == kit.supervisor.pids[0]
    kit.supervisor.stop()


def test_crash_report_tells_place_but_no_content(capfd: pytest.CaptureFixture[str]) -> None:
    kit = Kit(ProcessWorker, spec(secret="試験 花子"))
    kit.say("before")
    kit.supervisor.send(Crash("raise"))
    kit.lost.get(timeout=30)
    kit.supervisor.stop()
    said = capfd.readouterr().err
    assert "RuntimeError at child_services.py:" in said
    assert "試験" not in said


_PARENT = """
import sys, time
from devices.supervisor import ProcessWorker
from tests.helpers.child_services import spec
workers = [ProcessWorker(spec(), lambda message: None, lambda: None) for _ in range(2)]
print(*[worker.pid for worker in workers], flush=True)
time.sleep(600)
"""


def test_children_end_with_their_parent() -> None:
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.kill()
    until(lambda: not any(_runs(pid) for pid in pids))


def _runs(pid: int) -> bool:
    """False also for a zombie that nobody reaps here."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
