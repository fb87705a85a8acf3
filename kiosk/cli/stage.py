"""The simulated world around a kiosk: cards, a reader, somebody before the camera, a gateway in its own process."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Protocol

from devices import ports as d
from devices.card.reader import SimulatedCardReader, SupervisedCardReader
from devices.simulated.camera import SimulatedCamera
from devices.simulated.card.files import CardKind, PersonCard
from devices.simulated.pcscd import LaneError, PcscdLane, loopback_up, missing_parts
from devices.simulated.tray import SimulatedTray, TrayCondition
from kiosk import log
from kiosk.app import GatewayAccess, Surroundings, Trust, card_camera, reader_options
from kiosk.cli.scenery import WORN, Say, Scenery
from kiosk.config import GatewayDriver, ReaderDriver, ScannerDriver, Settings
from kiosk.eligibility.tls import TlsFolder, ensure_test_tls
from kiosk.reception import states as s
from kiosk.runtime.loop import Change

_log = log.get("kiosk.stage")


class Hands(Protocol):
    """Puts cards on the reader and takes them away."""

    def insert(self, card: PersonCard) -> None: ...

    def remove(self) -> None: ...

    def swap(self, card: PersonCard) -> None: ...


class _SimulatedHands:
    def __init__(self, reader: SimulatedCardReader) -> None:
        self._reader = reader

    def insert(self, card: PersonCard) -> None:
        self._reader.insert(json.dumps(card.to_json()).encode())

    def remove(self) -> None:
        self._reader.remove()

    def swap(self, card: PersonCard) -> None:
        self.insert(card)


def test_tls_folder(settings: Settings) -> Path:
    """Where the certificates of the simulation lie."""
    return settings.kiosk.state_dir / "test-tls"


class _LaneHands:
    """The same on the PC/SC lane, which waits until pcscd has noticed: on a thread, so that no window waits."""

    def __init__(self, lane: PcscdLane) -> None:
        self._lane = lane
        self._moves: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="lane-hands", daemon=True)
        self._thread.start()

    def insert(self, card: PersonCard) -> None:
        self._moves.put(lambda: self._lane.insert(card))

    def remove(self) -> None:
        self._moves.put(self._lane.remove)

    def swap(self, card: PersonCard) -> None:
        self.remove()
        self.insert(card)

    def stop(self) -> None:
        self._moves.put(None)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while (move := self._moves.get()) is not None:
            try:
                move()
            except LaneError as error:
                _log.error("card_not_moved", error)


class Stage:
    """Started, used, stopped. `lane`: what the reader is, in words."""

    def __init__(
        self, settings: Settings, sceneries: Scenery, say: Say, gateway_url: str = "", *, calm: bool = False
    ) -> None:
        """`gateway_url`: of a simulated gateway that runs already, with the certificates of this state folder.
        `calm`: people before the camera keep still."""
        self.scenery = sceneries
        self._gateway_url = gateway_url
        self._settings = settings
        self._say = say
        self._gateway: subprocess.Popen[bytes] | None = None
        self._lane: PcscdLane | None = None
        self._lane_hands: _LaneHands | None = None
        self._run = Path(tempfile.mkdtemp(prefix="uketsuke-"))
        self.camera = SimulatedCamera(None, {"calm": calm, "warm": True})
        self.tray = SimulatedTray() if settings.scanner.driver is ScannerDriver.SIMULATED else None
        self.hands: Hands
        self.lane = ""
        self._worn = False

    def start(self) -> Surroundings:
        with contextlib.suppress(OSError):
            loopback_up()  # `unshare -n make demo`: the gateway is on it
        world = self.scenery.world
        trust = Trust((world.auth_ca,), world.cv_anchor)
        above = self.tray or card_camera(self._settings)
        return Surroundings(self._gateway_access(), trust, self._start_reader(trust), self.camera, above)

    def hear(self, change: Change) -> None:
        """A watcher of the reception: whoever is before the camera does what the page asks."""
        after = change.after
        self.camera.ask(after.hint if isinstance(after, s.Looking) else None)

    def stop(self) -> None:
        if self._lane is not None:
            if self._lane_hands is not None:
                self._lane_hands.stop()
            self._lane.stop()
        if self._gateway is not None:
            assert self._gateway.stdin is not None
            self._gateway.stdin.close()
            try:
                self._gateway.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._gateway.kill()
                self._gateway.wait()
            assert self._gateway.stdout is not None
            self._gateway.stdout.close()
        shutil.rmtree(self._run, ignore_errors=True)

    @property
    def pids(self) -> tuple[int, ...]:
        """Processes of the simulation itself, which may know everything."""
        found = [self._gateway.pid] if self._gateway is not None else []
        found.extend(self.camera.pids)
        if self._lane is not None:
            found.append(self._lane.pid)
        return tuple(found)

    def card(self, persona: str) -> PersonCard:
        return self.scenery.world.cards[persona]

    def birth(self, persona: str) -> date:
        """As the patient reads it from the card's face."""
        value = self.card(persona).visual[0x0002]
        at = value.index(b"\xdf\x22\x08") + 3
        return date.fromisoformat(value[at : at + 8].decode())

    def sit(self, persona: str | None) -> None:
        """Who is before the camera; None: nobody."""
        self.camera.show(None if persona is None else self.scenery.faces[persona])

    def insert(self, persona: str, *, face_down: bool = False) -> None:
        """What has no chip is seen by the camera above the reader only."""
        self._lay(persona, face_down=face_down)
        if self.card(persona).kind is not CardKind.PAPER:
            self.hands.insert(self.card(persona))

    def swap(self, persona: str) -> None:
        self._lay(persona, face_down=False)
        self.hands.swap(self.card(persona))

    def remove(self) -> None:
        self._lay(None, face_down=False)
        self.hands.remove()

    def nudge(self, persona: str) -> None:
        """The card is moved a little where it lies; the reader does not lose it."""
        self._lay(persona, face_down=False)

    def _lay(self, persona: str | None, *, face_down: bool) -> None:
        """Under the camera above the reader: a print that is worn away is part of the card."""
        if self.tray is None:
            return
        worn = persona is not None and self.scenery.laid.get(persona) == WORN
        if self._worn != worn:  # the light, or what the panel set, stays otherwise
            self._worn = worn
            self.tray.set_condition(TrayCondition.WORN if worn else TrayCondition.NORMAL)
        self.tray.lay(None if persona is None else self.card(persona), face_down=face_down)

    def _gateway_access(self) -> GatewayAccess:
        settings = self._settings.gateway
        if settings.driver is GatewayDriver.HTTPS:
            # A simulated reader before somebody else's gateway, such as that of `kiosk simulate terminal`.
            assert settings.ca_file is not None
            assert settings.client_cert is not None
            assert settings.client_key is not None
            return GatewayAccess(settings.url, settings.ca_file, settings.client_cert, settings.client_key)
        terminal = settings.terminal_id
        tls = ensure_test_tls(test_tls_folder(self._settings), (terminal,))
        url = self._gateway_url or self._start_gateway(tls)
        return GatewayAccess(url, tls.ca, tls.certificate(terminal), tls.key(terminal))

    def _start_gateway(self, tls: TlsFolder) -> str:
        """The world goes in by pipe and is nowhere on the disk; the address comes back by pipe."""
        self._gateway = subprocess.Popen(
            [sys.executable, "-m", "kiosk", "simulate", "gateway", "--world", "-", "--tls", str(tls.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        assert self._gateway.stdin is not None
        assert self._gateway.stdout is not None
        world = json.loads(self.scenery.gateway.to_bytes())
        world["institution"] = self._settings.kiosk.institution_code
        self._gateway.stdin.write(json.dumps(world).encode() + b"\n")
        self._gateway.stdin.flush()
        for line in self._gateway.stdout:
            word = line.decode().strip().split()[-1:]
            if word and word[0].startswith("https://"):
                return word[0]
        raise RuntimeError("the simulated gateway did not start")

    def _start_reader(self, trust: Trust) -> d.CardReader:
        settings = self._settings
        if settings.reader.driver is ReaderDriver.VPCD:
            missing = missing_parts()
            if not missing:
                self._lane = PcscdLane.start(self._run / "pcscd")
                self.hands = self._lane_hands = _LaneHands(self._lane)
                self.lane = "pcscd with the vpcd reader (PC/SC)"
                return SupervisedCardReader(reader_options(settings, trust, self._lane.socket_path))
            for part in missing:
                self._say(f"the PC/SC lane is missing: {part}")
            if os.environ.get("CI") == "true":
                raise RuntimeError("CI does not go on without the PC/SC lane")
        self.lane = "in-process card (no PC/SC)"
        reader = SimulatedCardReader(reader_options(settings, trust))
        self.hands = _SimulatedHands(reader)
        return reader
