"""Everything that may happen to camera and face process while the camera looks, at a whole kiosk.

Each fault has its code and its page within two seconds, the same patient goes on with the PIN, and the next one is
known by the face again. The codes are those of the table in docs/measurements.md.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from kiosk.i18n import Catalogue
from kiosk.reception.failure import FailureCode, text_key
from tests.conftest import Figures, demand_lane
from tests.helpers.someone import Picture
from tests.helpers.visitor import House, opened
from tests.helpers.watched import BUSY

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.pcsc

TOLD_SECONDS = 2.0


@dataclass
class Row:
    fault: str
    told: float
    code: str
    ended: str
    back: float
    again: str

    def __str__(self) -> str:
        words = Catalogue.load(ROOT / "assets" / "i18n").word(f"{text_key(FailureCode(self.code))}.what", "en")
        return (
            f"| {self.fault} | {self.told:.1f} s | {self.code} | {words} | by PIN: {self.ended} | {self.back:.1f} s "
            f"| {self.again} |"
        )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    demand_lane()
    with opened(tmp_path_factory.mktemp("house"), "times.face_seconds=40") as house:
        yield house


def meet(house: House, fault: str, start: Callable[[], object], end: Callable[[], object]) -> Row:
    """One reception in which it happens while nobody sits before the camera yet; then one without it."""
    me, house.me = house.me, house.nobody
    house.begin("face")
    house.me = me
    time.sleep(1.0)  # the photo is described, pictures are looked at
    at = time.monotonic()
    start()
    problem = house.kiosk.until_state("Problem", "FaceRetry", "AskingAll", seconds=30)
    told = problem.at - at
    assert problem.state == "Problem", f"{fault}: {problem}"
    assert "pin" in house.kiosk.look().actions, fault
    house.kiosk.press("action:pin")
    ended = house.enter_pin()
    at = time.monotonic()
    end()
    house.seat.show(house.nobody)
    while house.kiosk.look().camera:
        assert time.monotonic() - at < 40, f"{fault}: the face is not offered again"
        time.sleep(0.05)
    back = time.monotonic() - at
    again = house.by_face() or house.by_face()  # a machine that is busy elsewhere may cost the first one
    return Row(fault, told, problem.failure, ended, back, again)


def nothing() -> None:
    """The kiosk mends this itself."""


def active(house: House) -> int:
    return house.kiosk.look().face[0]


def starve(house: House) -> None:
    """No page of memory more for the face process, and then somebody to look at."""
    pid = active(house)
    status = Path(f"/proc/{pid}/status").read_text()
    used = int(status.partition("VmData:")[2].split()[0]) << 10
    resource.prlimit(pid, resource.RLIMIT_DATA, (used, used))
    house.seat.show(house.stranger)


def black() -> list[Picture]:
    return [np.zeros((480, 640, 3), np.uint8)]


def small(house: House) -> list[Picture]:
    return [np.ascontiguousarray(picture[::8, ::8]) for picture in house.nobody]


def set_still(house: House, still: bool) -> None:
    house.seat.still = still


def set_silent(house: House, silent: bool) -> None:
    house.seat.silent = silent


def set_note(house: House, note: int) -> None:
    house.seat.frames.note = note


Act = Callable[[House], object]
# Refused every page, the libraries end the process before it can say why; F-112 is what it says where it still can.
_NO_MEMORY = (FailureCode.FACE_WORKER_LOST, FailureCode.FACE_OUT_OF_MEMORY)
FAULTS: dict[str, tuple[tuple[FailureCode, ...], Act, Act]] = {
    "face process killed": (
        (FailureCode.FACE_WORKER_LOST,),
        lambda house: os.kill(active(house), signal.SIGKILL),
        lambda house: nothing(),
    ),
    "face process hangs": (
        (FailureCode.FACE_WORKER_LOST,),
        lambda house: os.kill(active(house), signal.SIGSTOP),
        lambda house: nothing(),
    ),
    "face process without memory": (_NO_MEMORY, starve, lambda house: nothing()),
    "camera black": ((FailureCode.CAMERA_COVERED,), lambda house: house.seat.show(black()), lambda house: nothing()),
    "camera frozen": (
        (FailureCode.CAMERA_LOST,),
        lambda house: set_still(house, True),
        lambda house: set_still(house, False),
    ),
    "pictures too small": (
        (FailureCode.CAMERA_UNFIT,),
        lambda house: house.seat.show(small(house)),
        lambda house: nothing(),
    ),
    "camera unplugged": (
        (FailureCode.CAMERA_LOST,),
        lambda house: set_silent(house, True),
        lambda house: set_silent(house, False),
    ),
    "camera taken by another program": (
        (FailureCode.CAMERA_BUSY,),
        lambda house: set_note(house, BUSY),
        lambda house: set_note(house, 0),
    ),
}
MODELS = ("model missing", "model damaged")


def judge(rows: list[Row], figures: Figures) -> None:
    figures("\n".join(str(row) for row in rows))
    for row in rows:
        assert row.code in documented()[row.fault], row
        assert (row.ended, row.again) == ("done", "done"), row.fault
        assert row.told <= TOLD_SECONDS, row


def documented() -> dict[str, str]:
    """Fault -> code or codes, of the table in docs/measurements.md."""
    text = (ROOT / "docs" / "measurements.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| ([^|]+?) \| [^|]* \| (F-\d{3}(?: or F-\d{3})*) \|", text, re.MULTILINE))


def test_the_table_names_every_fault() -> None:
    wanted = {fault: " or ".join(code.value for code in codes) for fault, (codes, _, _) in FAULTS.items()}
    wanted |= dict.fromkeys(MODELS, FailureCode.FACE_MODEL_MISSING.value)
    assert documented() == wanted


@pytest.mark.long
@pytest.mark.timeout(900)
def test_every_fault(house: House, figures: Figures) -> None:
    rows = []
    for name, (_, start, end) in FAULTS.items():
        rows.append(meet(house, name, partial(start, house), partial(end, house)))
    judge(rows, figures)


@pytest.mark.long
@pytest.mark.parametrize("fault", MODELS)
def test_models_that_are_not_there(tmp_path: Path, fault: str, figures: Figures) -> None:
    """The kiosk starts without them; who chooses the face is told at once and goes on with the PIN."""
    demand_lane()
    numbers = tmp_path / "centre.toml"
    if fault == "model damaged":
        numbers.write_text("weight = 0.75\nmean = [1, 2", encoding="utf-8")
    with opened(tmp_path / "house", face={"centre": str(numbers)}) as house:
        house.begin("face")
        problem = house.kiosk.until_state("Problem")
        told = problem.at - next(one.at for one in reversed(house.kiosk.states) if one.state == "Looking")
        house.kiosk.press("action:pin")
        ended = house.enter_pin()
        row = Row(fault, told, problem.failure, ended, 0.0, "not before it is mended")
    figures(str(row))
    assert row.code in documented()[fault]
    assert row.ended == "done"
    assert row.told <= TOLD_SECONDS
