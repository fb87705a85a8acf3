"""SIGKILL at random moments of a reception: none or exactly one file, nothing left behind, the next one works."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from devices.simulated.personas import load_personas
from devices.simulated.world import personas_folder
from kiosk.cli.scenery import Scenery, build
from kiosk.eligibility.gateway import GatewaySettings, HttpsGateway
from kiosk.eligibility.server import SimulatedGateway
from kiosk.eligibility.tls import TERMINAL, ensure_test_tls
from kiosk.handoff.journal import Journal
from kiosk.qualification import JST
from tests.conftest import Figures
from tests.helpers.face_file import lately, read_face_file
from tests.helpers.processes import session_members

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Site:
    """A gateway that outlives the kiosk, and the folder in which the kiosk lives again and again."""

    out: Path
    world: Path
    url: str
    client: HttpsGateway

    @property
    def files(self) -> list[Path]:
        return sorted((self.out / "handoff" / "face").glob("*.xml"))

    def start(self, way: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "kiosk", "demo", "--keep", "--out", str(self.out), "--world", str(self.world)]
        command += ["--gateway", self.url, "--way", way, "--reader", "simulated", "--pace", "0.03"]
        command += ["--no-pictures", "--offscreen"]
        return subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    employee = tuple(persona for persona in load_personas(personas_folder()) if persona.id == "employee")
    world: Scenery = build(employee, lambda text: None)
    (tmp_path / "world.json").write_bytes(world.to_bytes())
    out = tmp_path / "out"
    tls = ensure_test_tls(out / "state" / "test-tls", (TERMINAL,))
    with SimulatedGateway(world.gateway, tls) as gateway:
        settings = GatewaySettings(gateway.url, TERMINAL, tls.certificate(), tls.key(), tls.ca)
        with closing(HttpsGateway(settings)) as client:
            yield Site(out, tmp_path / "world.json", gateway.url, client)


def kill_somewhere(site: Site, way: str, delay: float) -> str:
    """Kill the kiosk's main process `delay` seconds after its first page; returns the last page that was seen."""
    process = site.start(way)
    ready, last = threading.Event(), ["nothing"]

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if b"page: " in line:
                last[0] = line.decode().rpartition("page: ")[2].strip()
                ready.set()
        ready.set()

    listener = threading.Thread(target=listen)
    listener.start()
    assert ready.wait(60)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    end = time.monotonic() + 10
    while session_members(process.pid) and time.monotonic() < end:
        time.sleep(0.05)
    left = session_members(process.pid)
    listener.join(10)
    assert process.stdout is not None
    process.stdout.close()
    assert left == [], f"processes outlived the kiosk, killed on page {last[0]}"
    return last[0]


def check(site: Site, told: str) -> int:
    """Every reception whose consents the gateway has: exactly one file. Every other: none. Returns how many files."""
    complete = set()
    journal = Journal(site.out / "state" / "handoff.journal", lambda: datetime.now(JST))
    with closing(journal):
        for entry in journal:
            result = site.client.fetch(entry.reception)
            if result is not None:
                result.wipe()
                complete.add(entry.name)
    assert {file.name for file in site.files} == complete, told
    for file in site.files:
        read_face_file(file, *lately())
    assert list((site.out / "handoff" / "face").glob("*.tmp")) == [], told
    return len(complete)


def run_to_the_end(site: Site) -> None:
    process = site.start("pin")
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said.decode(errors="replace")[-2000:]


def shared_memory() -> set[str]:
    """Names in /dev/shm, but for what test_privacy plants there, perhaps at this moment."""
    return {name for name in os.listdir("/dev/shm") if not name.startswith("uketsuke-planted-")}


def trial(site: Site, kills: int, figures: Figures) -> None:
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    before = shared_memory()
    pages: dict[str, int] = {}
    for _ in range(kills):
        way = chance.choice(["pin", "face", "each"])
        page = kill_somewhere(site, way, chance.uniform(0.0, 5.0 if way == "face" else 2.0))
        pages[page] = pages.get(page, 0) + 1
        names = [file.name.split("_")[3] for file in site.files]
        assert len(names) == len(set(names)), f"seed {seed}: two files of one reception"
    run_to_the_end(site)
    files = check(site, f"seed {seed}, killed on {pages}")
    assert shared_memory() - before == set()
    figures(f"seed {seed}: {kills} kills on {pages}, {files} receptions with exactly one file")


def test_a_few_kills(site: Site, figures: Figures) -> None:
    trial(site, 2, figures)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_fifty_kills(site: Site, figures: Figures) -> None:
    trial(site, 50, figures)
