"""The scanner port, through the real process, over drawn cards."""

from __future__ import annotations

import itertools
import os
import queue
import signal
import time
from pathlib import Path

import pytest

from devices.blob import Blob
from devices.errors import DeviceFault
from devices.ports import NumberScanned, ScanFailed, ScanHint
from devices.registry import card_face_scanner
from devices.scanner.worker import HINT_SECONDS, Begin, Cancel, FrameDone, Greet, ModelsLoaded, Offer, spec
from devices.simulated.printed.other import OtherKind
from devices.supervisor import InProcess
from tests.contract.scanner.desk import Desk, ScriptedCamera
from tests.helpers import printed_cards as cards


def test_a_front_gives_the_number(desk: Desk) -> None:
    job = desk.begin(cards.fronts())
    assert desk.listener.end(job) == cards.NUMBER


def test_a_card_upside_down_gives_the_number(desk: Desk) -> None:
    job = desk.begin(cards.fronts(turned=True))
    assert desk.listener.end(job) == cards.NUMBER


def test_a_card_laid_face_down_is_told_and_read_once_it_is_turned_round(desk: Desk) -> None:
    job = desk.begin(cards.backs())
    desk.listener.hint(job, ScanHint.FACE_DOWN)
    desk.camera.pictures = cards.fronts()
    assert desk.listener.end(job) == cards.NUMBER


def test_every_copy_of_a_back_is_overwritten_at_once(desk: Desk) -> None:
    job = desk.begin(cards.backs())
    desk.listener.hint(job, ScanHint.FACE_DOWN)
    before = desk.camera.wiped
    deadline = time.monotonic() + 20
    while desk.camera.wiped < before + 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert desk.camera.wiped >= before + 2, "the camera's own frame stays"
    assert not any(image.any() for image in desk.camera.given[:-1]), "a frame that was handed over stays"


def test_another_card_is_told(desk: Desk) -> None:
    job = desk.begin(cards.others(OtherKind.DRIVING_LICENCE))
    desk.listener.hint(job, ScanHint.OTHER_CARD)


def test_an_empty_table_is_told(desk: Desk) -> None:
    job = desk.begin(cards.empty_tables())
    desk.listener.hint(job, ScanHint.NO_CARD)


def test_a_number_that_cannot_be_read_is_given_up(brief_desk: Desk) -> None:
    job = brief_desk.begin(cards.glaring_fronts())
    assert brief_desk.listener.end(job) == ScanFailed(job, DeviceFault.SCAN_UNREADABLE)


def test_a_picture_that_stands_still_is_never_two(brief_desk: Desk) -> None:
    brief_desk.camera.stuck = True
    job = brief_desk.begin(cards.fronts())
    assert brief_desk.listener.end(job) == ScanFailed(job, DeviceFault.SCAN_UNREADABLE)
    brief_desk.camera.stuck = False


def test_hints_stand_long_enough_to_be_read(brief_desk: Desk) -> None:
    pair = [cards.empty_tables()[0], cards.others(OtherKind.DRIVING_LICENCE)[0]]
    job = brief_desk.begin(pair)
    brief_desk.listener.end(job)
    times = [at for _, at in brief_desk.listener.hints]
    assert times
    assert all(later - earlier > HINT_SECONDS * 0.8 for earlier, later in itertools.pairwise(times))


def test_a_lost_camera_is_told_and_the_next_search_works(desk: Desk) -> None:
    job = desk.begin([])
    assert desk.listener.end(job) == ScanFailed(job, DeviceFault.SCANNER_LOST)
    job = desk.begin(cards.fronts())
    assert desk.listener.end(job) == cards.NUMBER


def test_a_cancelled_search_says_nothing_more(desk: Desk) -> None:
    job = desk.begin(cards.empty_tables())
    desk.listener.hint(job, ScanHint.NO_CARD)
    desk.scanner.cancel()
    desk.camera.pictures = cards.fronts()
    assert desk.listener.quiet(1.5)


def test_a_second_search_takes_the_place_of_the_first(desk: Desk) -> None:
    first = desk.begin(cards.empty_tables())
    desk.listener.hint(first, ScanHint.NO_CARD)
    second = desk.begin(cards.fronts())
    assert desk.listener.end(second) == cards.NUMBER


def test_a_killed_process_costs_one_search(desk: Desk) -> None:
    job = desk.begin(cards.empty_tables())
    desk.listener.hint(job, ScanHint.NO_CARD)
    os.kill(desk.scanner.pids[0], signal.SIGKILL)
    assert desk.listener.end(job) == ScanFailed(job, DeviceFault.SCANNER_WORKER_LOST)
    desk.listener.ready()
    job = desk.begin(cards.fronts())
    assert desk.listener.end(job) == cards.NUMBER


def test_recycling_brings_another_process_that_works(desk: Desk) -> None:
    before = desk.scanner.pids[0]
    desk.scanner.recycle()
    desk.listener.ready()
    assert before not in desk.scanner.pids
    job = desk.begin(cards.fronts())
    assert desk.listener.end(job) == cards.NUMBER


def test_a_hung_process_is_replaced(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.scanner._feed, "hang_seconds", 1.0)
    hung = desk.scanner.pids[0]
    os.kill(hung, signal.SIGSTOP)
    job = desk.begin(cards.fronts())
    assert desk.listener.end(job) == ScanFailed(job, DeviceFault.SCANNER_WORKER_LOST)
    desk.listener.ready()
    assert hung not in desk.scanner.pids
    monkeypatch.setattr(desk.scanner._feed, "hang_seconds", 60.0)
    job = desk.begin(cards.fronts())
    assert desk.listener.end(job) == cards.NUMBER


def test_a_missing_model_fails_every_search_by_name(tmp_path: Path) -> None:
    answers: queue.Queue[object] = queue.Queue()
    worker = InProcess(spec({"model": str(tmp_path / "absent.onnx")}), answers.put, lambda: None)
    worker.send(Greet())
    worker.send(Begin(7, Blob.empty(10)))
    assert answers.get(timeout=30) == ScanFailed(7, DeviceFault.MODEL_MISSING)
    worker.kill()


def test_a_frame_is_overwritten_before_the_next_is_asked_for() -> None:
    answers: queue.Queue[object] = queue.Queue()
    worker = InProcess(spec({"today": cards.TODAY.isoformat()}), answers.put, lambda: None)
    worker.send(Greet())
    assert answers.get(timeout=30) == ModelsLoaded()
    image = cards.backs()[0]
    memory = Blob.of(image.tobytes())
    worker.send(Begin(1, memory.duplicate()))
    worker.send(Offer(1, 5, 1280, 720))
    while (answer := answers.get(timeout=30)) != FrameDone(1, 5, back=True):
        assert not isinstance(answer, NumberScanned | FrameDone)
    with memory.secret() as left:
        assert not any(left.view())
    worker.send(Offer(1, 6, 4000, 4000))  # beyond the memory
    worker.send(Offer(1, 7, -1, 480))
    assert [answers.get(timeout=30) for _ in range(2)] == [FrameDone(1, 6, back=False), FrameDone(1, 7, back=False)]
    worker.send(Cancel(1))
    worker.kill()
    memory.close()


def test_the_registry_knows_the_scanner() -> None:
    assert card_face_scanner("ocr", ScriptedCamera(), {}) is not None
    with pytest.raises(ValueError, match="no card-face scanner driver 'other'"):
        card_face_scanner("other", ScriptedCamera(), {})
