"""One whole reception on simulated devices, or every persona's.

`kiosk demo` plays one persona, `--all` every row of `--list`, and says for each what was expected and what happened.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devices.child import harden
from devices.simulated.personas import load_personas
from devices.simulated.world import personas_folder
from kiosk import log
from kiosk.app import App, use_display
from kiosk.cli.options import add_config, add_json
from kiosk.cli.patient import Patient, Role, Story
from kiosk.cli.report import verdict
from kiosk.cli.scenery import Scenery, scenery
from kiosk.cli.stage import Stage
from kiosk.config import Settings, load
from kiosk.eligibility.gateway import GatewaySettings
from kiosk.eligibility.terminal import Released, Terminal
from kiosk.reception.consent import Item
from kiosk.ui.screenshots import save

_PATIENCE = 120.0  # seconds that one reception may take before the trial is given up


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of personas and endings."""

    role: Role
    title: str
    files: int
    last_page: str
    hidden: tuple[str, ...] = ()  # methods that must not be offered

    @property
    def name(self) -> str:
        return f"{self.role.persona} / {self.role.way}"


def rows() -> list[Row]:
    """Every `[[ending]]` of assets/personas."""
    found = []
    for persona in load_personas(personas_folder()):
        hidden = ("pin",) if persona.pin_tries == 0 or persona.kind.value == "pinless" else ()
        for ending in persona.endings:
            role = Role(persona.id, ending.way, declines=persona.declines_all)
            found.append(Row(role, persona.title_en, ending.files, ending.last_page, hidden))
    return found


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("demo", help="one whole reception on simulated devices")
    add_config(parser)
    parser.add_argument("--persona", default="employee", help="who comes (default: %(default)s)")
    parser.add_argument("--way", default="face", help="face, pin, staff, each, register, decline, swap, none")
    parser.add_argument("--list", action="store_true", help="print every persona and its endings")
    parser.add_argument("--all", action="store_true", help="play every persona and compare with what is expected")
    parser.add_argument("--out", type=Path, default=Path("build/demo"), help="where it writes (default: %(default)s)")
    parser.add_argument(
        "--reader", choices=("vpcd", "simulated"), default="vpcd", help="genuine pcscd or in-process card"
    )
    parser.add_argument("--language", default="ja", help="language of the pages (default: %(default)s)")
    parser.add_argument("--world", type=Path, default=None, help="a world made elsewhere; - reads standard input")
    parser.add_argument("--gateway", default="", metavar="URL", help="a simulated gateway that runs already")
    parser.add_argument("--keep", action="store_true", help="go on with what is in --out instead of beginning anew")
    parser.add_argument("--pace", type=float, default=0.25, help="seconds before a page is answered")
    parser.add_argument("--no-pictures", action="store_true", help="take no pictures of the pages")
    parser.add_argument("--offscreen", action="store_true", help="no window even if there is a display")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.list:
        return _print_list()
    started = time.monotonic()
    out: Path = args.out
    if not args.keep:
        shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    say = _Say(started)
    settings = _settings(args, out)
    log.configure("warning", out / "log")
    harden()
    offscreen = args.offscreen or not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    say(f"kiosk demo: {'no display, pages are drawn off screen' if offscreen else 'in a window'}")
    world = _world(args, say)
    use_display(offscreen=offscreen)
    stage = Stage(settings, world, say, args.gateway)
    try:
        with_app = _Demo(settings, stage, say, out, args)
        return with_app.all() if args.all else with_app.one(Role(args.persona, args.way, declines=_declines(args)))
    finally:
        stage.stop()


def _declines(args: argparse.Namespace) -> bool:
    return any(row.role.persona == args.persona and row.role.declines for row in rows())


def _settings(args: argparse.Namespace, out: Path) -> Settings:
    """config.toml, with everything that writes turned to the demo's folder."""
    overrides = [
        f"kiosk.state_dir={out / 'state'}",
        f"handoff.folder={out / 'handoff' / 'face'}",
        f"reader.driver={args.reader}",
        "camera.driver=simulated",
        "gateway.driver=simulated",
        "times.farewell_seconds=2",
        *args.overrides,
    ]
    return load(args.config, overrides)


def _world(args: argparse.Namespace, say: Callable[[str], None]) -> Scenery:
    if args.world is not None:
        data = sys.stdin.buffer.read() if str(args.world) == "-" else args.world.read_bytes()
        return Scenery.from_bytes(data)
    return scenery(Path("build"), say)


class _Say:
    """Lines with the time since the start."""

    def __init__(self, started: float) -> None:
        self._started = started

    def __call__(self, text: str) -> None:
        print(f"[{time.monotonic() - self._started:6.1f} s] {text}", flush=True)


class _Demo:
    def __init__(self, settings: Settings, stage: Stage, say: _Say, out: Path, args: argparse.Namespace) -> None:
        self._settings = settings
        self._stage = stage
        self._say = say
        self._out = out
        self._args = args
        say("starting the simulated gateway (HTTPS, client certificates) and the card reader")
        around = stage.start()
        say(f"card reader: {stage.lane}")
        self._app = App(settings, around, still=True)
        access = around.gateway
        self._terminal = Terminal(
            GatewaySettings(access.url, settings.gateway.terminal_id, access.certificate, access.key, access.ca)
        )

    def one(self, role: Role) -> int:
        row = next((row for row in rows() if row.role == role), None)
        if role.persona not in self._stage.scenery.world.cards:
            return verdict(f"there is no persona {role.persona!r}; `kiosk demo --list` names them", False)
        self._app.start()
        try:
            story, files = self._play(role, pictures=not self._args.no_pictures)
        finally:
            self._app.stop()
        doctor = self._doctor(story)
        timings = {name: round(value) for name, value in story.stages.items()}
        timings["whole reception"] = round(story.seconds * 1000)
        (self._out / "timings.json").write_text(json.dumps(timings, indent=2) + "\n", encoding="utf-8")
        self._report(story, files, doctor, timings)
        expected = row.files if row is not None else len(files)
        ok = len(files) == expected and bool(story.pages) and (row is None or row.last_page == story.last_page)
        line = f"{role.persona} by {role.way}: {len(files)} file(s), last page {story.last_page}"
        data = {"story": _plain(story), "files": [file.name for file in files], "timings_ms": timings}
        return verdict(line, ok, self._args.json, data)

    def all(self) -> int:
        self._app.start()
        results = []
        try:
            for row in rows():
                story, files = self._play(row.role, pictures=False, quiet=True)
                shown = tuple(method for method in row.hidden if method in story.offered)
                ok = len(files) == row.files and story.last_page == row.last_page and not shown
                results.append((row, story, len(files), ok))
                self._say(
                    f"{'as expected' if ok else 'DIFFERENT':12} {row.name:28} files {len(files)}/{row.files}  "
                    f"last page {story.last_page} ({row.last_page})"
                    + (f"  {' '.join(story.failures)}" if story.failures else "")
                )
        finally:
            self._app.stop()
        wrong = sum(not ok for *_, ok in results)
        data = {
            "rows": [
                {
                    "persona": row.role.persona,
                    "way": row.role.way,
                    "expected": {"files": row.files, "last_page": row.last_page},
                    "reached": {"files": files, "last_page": story.last_page},
                    "failures": story.failures,
                    "ok": ok,
                }
                for row, story, files, ok in results
            ]
        }
        return verdict(
            f"{len(results) - wrong} of {len(results)} endings as expected", wrong == 0, self._args.json, data
        )

    # --- one reception ---------------------------------------------------------------------------------------------

    def _play(self, role: Role, *, pictures: bool, quiet: bool = False) -> tuple[Story, list[Path]]:
        before = set(self._files())
        screens = self._out / "screens"
        taken = 0

        last = ""

        def page(name: str) -> None:
            nonlocal taken, last
            if name != last:
                taken += 1
                if not quiet:
                    self._say(f"page: {name}")
            last = name
            if pictures:
                save(self._app.window, screens / f"{taken:02d}-{name.replace('_', '-')}.png")

        if pictures:
            screens.mkdir(parents=True, exist_ok=True)
        patient = Patient(
            self._app, self._stage, role, pace=self._args.pace, on_page=page, language=self._args.language
        )
        try:
            self._app.run_until(patient.step, _PATIENCE)
        finally:
            patient.leave()
        if not patient.done:
            self._say(f"given up after {_PATIENCE:.0f} s on page {patient.story.pages[-1:]}")
        return patient.story, sorted(set(self._files()) - before)

    def _files(self) -> list[Path]:
        return sorted(self._settings.handoff_folder.glob("*.xml"))

    def _doctor(self, story: Story) -> list[Released]:
        return self._terminal.everything(story.reception) if story.reception else []

    def _report(self, story: Story, files: list[Path], doctor: list[Released], timings: dict[str, int]) -> None:
        print("\n  stage                       ms")
        for name, value in timings.items():
            print(f"  {name:22} {value:8d}")
        print("\n  hand-off file: " + (", ".join(str(file) for file in files) or "none"))
        print("\n  what the doctor would now see (fictional data, by the consents of this reception):")
        for released in doctor:
            for line in released.lines():
                print(f"    {line}")
        asked = self._settings.policy().questions
        for item, word in ((Item.DIAGNOSIS, "treatment (診療)"), (Item.SURGERY, "surgery (手術)")):
            if item not in asked:
                print(f"    {word}: nothing (not asked at this institution)")
        if not self._args.no_pictures:
            print(f"\n  pictures of every page: {self._out / 'screens'}")
        print()


def _plain(story: Story) -> dict[str, Any]:
    return {
        "persona": story.role.persona,
        "way": story.role.way,
        "pages": story.pages,
        "offered": list(story.offered),
        "failures": story.failures,
        "number": story.number,
        "last_page": story.last_page,
    }


def _print_list() -> int:
    print(f"{'persona':18} {'way':10} {'files':>5}  last page")
    for row in rows():
        print(f"{row.role.persona:18} {row.role.way:10} {row.files:5d}  {row.last_page}   {row.title}")
    return 0
