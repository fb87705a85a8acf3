"""SIGKILL at random steps of a kiosk without its window, hundreds of times: nothing lost, nothing doubled.

The gateway lives in the test's process and outlives the kiosk. Each life begins with the recovery of the one before.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from kiosk.eligibility.server import SimulatedGateway
from kiosk.eligibility.tls import TERMINAL, ensure_test_tls
from tests.conftest import Figures
from tests.helpers import lives
from tests.helpers.headless import Count, Site, people

PEOPLE = ("employee", "child_pmh", "elder")
EVENTS = 60  # in one life: no more than these are waited for before the end comes


@pytest.fixture(scope="module")
def nursery() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.helpers.lives"])
    return context


@contextmanager
def settled(root: Path) -> Iterator[tuple[Site, SimulatedGateway]]:
    world, holders = people(*PEOPLE)
    tls = ensure_test_tls(root / "tls", (TERMINAL,))
    with SimulatedGateway(world, tls) as gateway:
        yield Site(root, gateway.url, tls, holders), gateway


def kill_somewhere(nursery: multiprocessing.context.ForkServerContext, site: Site, chance: random.Random) -> str:
    """Let a kiosk live until a random step and a random moment after it; returns the step."""
    ours, theirs = nursery.Pipe(duplex=False)
    with ours, theirs:
        process = nursery.Process(target=lives.live, args=(site, chance.randrange(10**6), theirs))
        process.start()
        theirs.close()
        step = "start"
        try:
            for _ in range(chance.randrange(EVENTS)):
                step = ours.recv()
        except EOFError:
            step = "end"
        time.sleep(chance.choice((0.0, 0.0, chance.uniform(0.0, 0.02))))
        process.kill()
        process.join(20)
        process.close()
    return str(step)


def come_back(nursery: multiprocessing.context.ForkServerContext, site: Site) -> None:
    process = nursery.Process(target=lives.recover, args=(site,))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    process.close()


def trial(
    nursery: multiprocessing.context.ForkServerContext, root: Path, kills: int, seed: int
) -> tuple[Counter[str], Count]:
    chance = random.Random(seed)
    steps: Counter[str] = Counter()
    with settled(root) as (site, gateway):
        for _ in range(kills):
            steps[kill_somewhere(nursery, site, chance)] += 1
            names = [file.name[29:49] for file in site.files]
            assert len(names) == len(set(names)), f"seed {seed}: two files of one reception"
        come_back(nursery, site)
        return steps, Count.of(site, gateway)


def told(seed: int, steps: Counter[str], counts: list[Count]) -> str:
    lines = [f"seed {seed}: {sum(steps.values())} kills"]
    lines += [f"  {count:4d}  after {step}" for step, count in steps.most_common()]
    for name in ("complete", "look_ups", "files", "sides", "lost", "doubled", "left"):
        lines.append(f"  {name:9} {sum(getattr(count, name) for count in counts)}")
    return "\n".join(lines)


def judge(seed: int, results: list[tuple[Counter[str], Count]], figures: Figures) -> None:
    steps = sum((steps for steps, _ in results), Counter[str]())
    counts = [count for _, count in results]
    figures(told(seed, steps, counts))
    for count in counts:
        assert (count.lost, count.doubled, count.left) == (0, 0, 0), f"seed {seed}"
        assert count.files == count.complete > 0


def test_twenty_kills(nursery: multiprocessing.context.ForkServerContext, tmp_path: Path, figures: Figures) -> None:
    seed = random.randrange(10**6)
    judge(seed, [trial(nursery, tmp_path, 20, seed)], figures)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_450_kills(nursery: multiprocessing.context.ForkServerContext, tmp_path: Path, figures: Figures) -> None:
    """Two kiosks at a time, each with its own gateway."""
    seed = random.randrange(10**6)
    with ThreadPoolExecutor(2) as pool:
        halves = [pool.submit(trial, nursery, tmp_path / str(half), 225, seed + half) for half in (0, 1)]
        judge(seed, [half.result() for half in halves], figures)
