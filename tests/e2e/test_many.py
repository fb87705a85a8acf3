"""A thousand patients, one after the other, at one kiosk: its memory stays as it is, and nothing of them is left.

Card process over `pcscd`, face process, window, HTTPS and files are the kiosk's own; every third patient comes with
the PIN, every seventh is somebody else than the card says, every eleventh takes the card away while the camera looks.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Figures, demand_lane
from tests.helpers.memory import hunt, own_kb
from tests.helpers.processes import family
from tests.helpers.visitor import House, opened

pytestmark = pytest.mark.pcsc

MANY = int(os.environ.get("RECEPTIONS", "1000"))
WARM = 100  # after as many, memory may no longer grow
GROWTH_KB = 20 * 1024


@dataclass(frozen=True)
class Count:
    """What one kiosk has in use. Memory in KiB (`own_kb`): `main` of its first process, `all` of all of them."""

    main: int
    all: int
    descriptors: int
    threads: int
    processes: int

    @classmethod
    def of(cls, house: House) -> Count:
        pids = family(house.kiosk.pid)
        main = Path(f"/proc/{house.kiosk.pid}")
        return cls(
            own_kb(house.kiosk.pid),
            sum(own_kb(pid) for pid in pids),
            len(list((main / "fd").iterdir())),
            len(list((main / "task").iterdir())),
            len(pids),
        )


def settled(house: House) -> Count:
    """Once the spare processes have started, which is when their memory no longer grows."""
    house.kiosk.until_state("Idle")
    before, end = Count.of(house), time.monotonic() + 30
    while time.monotonic() < end:
        time.sleep(0.5)
        now = Count.of(house)
        if now.processes == 5 and abs(now.all - before.all) < 512:
            return now
        before = now
    return before


def receive(house: House, turn: int) -> str:
    if turn % 11 == 10:
        return house.pulled()
    if turn % 7 == 6:
        return house.not_recognised()
    return house.by_pin() if turn % 3 == 2 else house.by_face()


def expected(turn: int) -> str:
    return "Idle" if turn % 11 == 10 else "FaceRetry" if turn % 7 == 6 else "done"


def run(house: House, many: int, steps: tuple[int, ...]) -> tuple[list[tuple[int, Count]], float]:
    """Receive so many; at each of `steps` the memory is counted, and hunted through."""
    counts = []
    begun, spent = time.monotonic(), 0.0
    for turn in range(many):
        assert receive(house, turn) == expected(turn), f"reception {turn + 1}"
        if turn + 1 in steps:
            at = time.monotonic()
            counts.append((turn + 1, count := settled(house)))
            assert hunt(house.processes(), house.needles) == {}, f"after {turn + 1} receptions"
            spent += time.monotonic() - at
            print(f"{turn + 1:5} receptions, {time.monotonic() - begun:6.0f} s, {count}", flush=True)
    return counts, (time.monotonic() - begun - spent) / many


def table(counts: list[tuple[int, Count]], seconds: float) -> str:
    lines = ["receptions | main MiB | all MiB | descriptors | threads | processes"]
    lines += [
        f"{turn:10} | {c.main / 1024:8.1f} | {c.all / 1024:7.1f} | {c.descriptors:11} | {c.threads:7} | {c.processes:9}"
        for turn, c in counts
    ]
    return "\n".join([*lines, f"{seconds:.2f} s for one reception"])


@pytest.mark.long
def test_a_few_patients(tmp_path: Path) -> None:
    """The same over a few: no descriptor, thread or process more, nothing left."""
    demand_lane()
    with opened(tmp_path) as house:
        counts, _ = run(house, 5, (2, 5))
    (_, first), (_, last) = counts
    assert (last.processes, first.processes) == (5, 5)
    assert last.descriptors <= first.descriptors
    assert last.threads <= first.threads


@pytest.mark.long
@pytest.mark.timeout(3 * 3600)
def test_a_thousand_patients(tmp_path: Path, figures: Figures) -> None:
    """`RECEPTIONS=200` for fewer; memory is compared from the hundredth on."""
    demand_lane()
    steps = tuple(sorted({WARM, MANY // 2, MANY, *range(WARM, MANY + 1, 100)}))
    shared = set(os.listdir("/dev/shm"))
    with opened(tmp_path) as house:
        counts, seconds = run(house, MANY, steps)
    figures(table(counts, seconds))
    (_, warm), last = counts[0], counts[-1][1]
    for _, count in counts[1:]:
        assert count.main - warm.main <= GROWTH_KB
        assert count.all - warm.all <= GROWTH_KB
        assert count.processes == warm.processes
    assert last.descriptors <= warm.descriptors
    assert last.threads <= warm.threads
    assert {name for name in os.listdir("/dev/shm") if "uketsuke" in name} <= shared
