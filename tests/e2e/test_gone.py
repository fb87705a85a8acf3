"""After a reception nothing of the patient is left in the memory of any process of the kiosk, however it ended.

The hunt first finds every mark where it was planted, and the genuine ones while a reception needs them.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import demand_lane
from tests.helpers.memory import hunt, lonely
from tests.helpers.visitor import House, opened

pytestmark = pytest.mark.pcsc

PLANT = """
import mmap, os, sys
data = sys.stdin.buffer.read()
place = sys.argv[1]
if place == "heap":
    kept = bytearray(data)
elif place == "map":
    kept = mmap.mmap(-1, len(data)); kept[:] = data
elif place == "memory without a name":
    kept = os.memfd_create("planted"); os.write(kept, data)
elif place == "overwritten":
    kept = bytearray(data); kept[:] = bytes(len(data))
for at in (id(data) + 32,):
    import ctypes; ctypes.memset(at, 0, len(data))
print("ready", flush=True)
sys.stdin = None
import time; time.sleep(120)
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    demand_lane()
    # Time enough to look into the processes while nobody sits there, on a busy machine too.
    with opened(tmp_path_factory.mktemp("house"), "times.face_seconds=40") as house:
        yield house


@pytest.mark.parametrize("place", ["heap", "map", "memory without a name", "overwritten"])
def test_every_planted_mark_is_found(house: House, place: str) -> None:
    needles = house.needles
    assert {"photo file at 1/4", "template centred float64 at 64", "number", "PIN in VERIFY"} <= needles.pieces.keys()
    for kind in ("photo pixels", "frame 0 BGR", "frame 0 gray"):
        assert any(name.startswith(kind) for name in needles.pieces), f"no marks of {kind}"
    planted = b"?".join(needles.pieces.values())
    process = subprocess.Popen(
        [sys.executable, "-c", PLANT, place], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(planted)
        process.stdin.close()
        assert process.stdout.readline() == b"ready\n"
        found = hunt({place: [process.pid]}, needles).get(place, set())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert found == (set() if place == "overwritten" else set(needles.pieces))


def test_marks_are_seen_while_they_are_needed(house: House) -> None:
    """So that an empty hunt afterwards means something: these are the bytes that the kiosk really works with."""
    me, house.me = house.me, house.nobody
    house.begin("face")  # nobody sits there yet: card photo and its descriptor wait
    house.me = me
    waiting = {"face": set[str](), **hunt({"main": [house.kiosk.pid]}, house.needles)}
    end = time.monotonic() + 40  # the photo is described meanwhile
    while not any(name.startswith("template") for name in waiting["face"]) and time.monotonic() < end:
        waiting |= hunt({"face": house.kiosk.look().face}, house.needles)
    house.seat.show(house.me)
    looking = set[str]()
    while not any(name.startswith("frame") for name in looking) and time.monotonic() < end:
        looking = hunt({"main": [house.kiosk.pid]}, house.needles).get("main", set())
    assert house.finish().ending == "done"
    assert {"photo file at 1/4", "photo file at 2/4", "photo file at 3/4"} <= waiting["main"]
    assert any(name.startswith("template") for name in waiting["face"])
    assert any(name.startswith("frame") for name in looking)


def nothing_is_left(house: House) -> None:
    house.kiosk.until_state("Idle")
    end = time.monotonic() + 10
    time.sleep(0.5)  # the camera has gone on, in a moment where the machine is busy elsewhere
    while (left := hunt(house.processes(), house.needles)) and time.monotonic() < end:
        time.sleep(0.5)
    assert left == {}


ENDINGS = {
    "by_face": "done",
    "killed": "Problem",
    "not_recognised": "FaceRetry",
    "pulled": "Idle",
    "nobody_comes": "FaceRetry",
}
AT_ONCE = ("by_face",)


@pytest.mark.parametrize(
    "way", [way if way in AT_ONCE else pytest.param(way, marks=pytest.mark.long) for way in ENDINGS]
)
def test_nothing_is_left_after_a_face_check(house: House, way: str) -> None:
    assert getattr(house, way)() == ENDINGS[way]
    nothing_is_left(house)


def test_nothing_is_left_after_a_pin(house: House) -> None:
    """Four digits stand in every memory by chance. So the card gets a PIN that stands in none of these."""
    pids = [pid for group in house.processes().values() for pid in group]
    chance = random.Random(time.time_ns())
    pin = next(
        pin
        for pin in (f"{chance.randrange(10_000):04}" for _ in range(40))
        if len(set(pin)) > 2 and not lonely(pids, pin)
    )
    house.use_pin(pin)
    assert house.by_pin() == "done"
    nothing_is_left(house)
    pids = [pid for group in house.processes().values() for pid in group]
    assert lonely(pids, pin) == 0


def test_no_process_may_write_its_memory_to_the_disk(house: House) -> None:
    assert house.kiosk.look().dumpable == 0
    for role, pids in house.processes().items():
        for pid in pids:
            limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
            core = next(line for line in limits if line.startswith("Max core file size"))
            assert core.split()[4:6] == ["0", "0"], role
