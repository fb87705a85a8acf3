"""One whole reception on simulated devices, or every persona's.

`kiosk demo` plays one persona, `--all` every ending of every persona, and says for each what was expected and what
happened: pages, codes that staff see, hand-off and side file, and what the doctor would then see.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from devices.child import harden
from devices.simulated.personas import WAYS
from kiosk import log
from kiosk.app import App, use_display
from kiosk.cli.endings import Row, Seen, differences, outline, rows, way
from kiosk.cli.options import add_config, add_json
from kiosk.cli.patient import SECOND_CARD, Patient, Role, Story
from kiosk.cli.report import verdict
from kiosk.cli.scenery import Scenery, scenery
from kiosk.cli.stage import Stage
from kiosk.config import Settings, load
from kiosk.eligibility.gateway import GatewaySettings
from kiosk.eligibility.terminal import Terminal
from kiosk.reception.consent import Item
from kiosk.reception.failure import FailureCode, text_key
from kiosk.reception.questions import Kind
from kiosk.ui.screenshots import save

_PATIENCE = 60.0  # seconds that one reception may take before the trial is given up
_PACE, _PACE_OF_ALL = 0.25, 0.03
# The practice institution uses everything that can be asked; config.toml is more modest.
_USES = ("consent.subsidy=true", "consent.specific_disease=true", "consent.prescription=both")
_PHARMACY_USES = ("consent.subsidy=true", "consent.specific_disease=true", "consent.dispense=true")


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("demo", help="one whole reception on simulated devices")
    add_config(parser)
    parser.add_argument("--persona", default="employee", help="who comes (default: %(default)s)")
    parser.add_argument("--way", default="face", choices=WAYS, metavar="WAY", help=", ".join(WAYS))
    parser.add_argument("--list", action="store_true", help="print every persona with its ways")
    parser.add_argument("--all", action="store_true", help="play every persona and compare with what is expected")
    parser.add_argument("--only", default="", metavar="PERSONAS", help="with --all: these, separated by commas")
    parser.add_argument("--out", type=Path, default=Path("build/demo"), help="where it writes (default: %(default)s)")
    parser.add_argument(
        "--reader", choices=("vpcd", "simulated"), default="vpcd", help="genuine pcscd or in-process card"
    )
    parser.add_argument("--language", default="ja", help="language of the pages (default: %(default)s)")
    parser.add_argument("--world", type=Path, default=None, help="a world made elsewhere; - reads standard input")
    parser.add_argument("--gateway", default="", metavar="URL", help="a simulated gateway that runs already")
    parser.add_argument("--keep", action="store_true", help="go on with what is in --out instead of beginning anew")
    parser.add_argument(
        "--pace", type=float, default=None, help=f"seconds before a page is answered ({_PACE}; --all: {_PACE_OF_ALL})"
    )
    parser.add_argument("--no-pictures", action="store_true", help="take no pictures of the pages")
    parser.add_argument("--offscreen", action="store_true", help="no window even if there is a display")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.list:
        return _print_list()
    started = time.monotonic()
    out: Path = args.out
    only = {name for name in args.only.split(",") if name} if args.all else {args.persona}
    table = rows(only)
    unknown = only - {row.persona.id for row in table}
    if unknown:
        return verdict(f"there is no persona {min(unknown)!r}; `kiosk demo --list` names them", False)
    if not args.keep:
        shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    say = _Say(started)
    log.configure("warning", out / "log")
    harden()
    offscreen = args.offscreen or not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    say(f"kiosk demo: {'no display, pages are drawn off screen' if offscreen else 'in a window'}")
    world = _world(args, only and {*only, SECOND_CARD}, say)
    use_display(offscreen=offscreen)
    return _play_all(args, table, world, say) if args.all else _play_one(args, table, world, say)


def _settings(args: argparse.Namespace, kind: str, encoding: str) -> Settings:
    """config.toml, with everything that writes turned to the demo's folder."""
    out: Path = args.out
    overrides = [
        f"kiosk.state_dir={out / 'state'}",
        f"kiosk.kind={kind}",
        f"handoff.folder={out / 'handoff' / 'face'}",
        f"handoff.encoding={encoding}",
        f"reader.driver={args.reader}",
        "camera.driver=simulated",
        "scanner.driver=simulated",
        "gateway.driver=simulated",
        "times.farewell_seconds=2",
        *(_PHARMACY_USES if kind == Kind.PHARMACY else _USES),
        *args.overrides,
    ]
    return load(args.config, overrides)


def _world(args: argparse.Namespace, only: Collection[str], say: Callable[[str], None]) -> Scenery:
    if args.world is not None:
        data = sys.stdin.buffer.read() if str(args.world) == "-" else args.world.read_bytes()
        return Scenery.from_bytes(data)
    return scenery(Path("build"), say, only)


class _Say:
    """Lines with the time since the start."""

    def __init__(self, started: float) -> None:
        self._started = started

    def __call__(self, text: str) -> None:
        print(f"[{time.monotonic() - self._started:6.1f} s] {text}", flush=True)


# --- one persona ---------------------------------------------------------------------------------------------------


def _play_one(args: argparse.Namespace, table: list[Row], world: Scenery, say: _Say) -> int:
    row = next((row for row in table if row.ending.way == args.way), None)
    if row is None:
        ways = sorted({each.ending.way for each in table})
        return verdict(f"{args.persona} does not go this way, but: {', '.join(ways)}", False)
    with _Counter(args, row.institution, world, say) as counter:
        story, seen = counter.play(row.role, pictures=not args.no_pictures)
        wrong = counter.judge(row, story, seen)
        timings = {name: round(value) for name, value in story.stages.items()}
        timings["whole reception"] = round(story.seconds * 1000)
        (args.out / "timings.json").write_text(json.dumps(timings, indent=2) + "\n", encoding="utf-8")
        counter.report(story, seen, timings)
    for difference in wrong:
        print(f"  DIFFERENT: {difference}")
    line = f"{row.name}: {len(seen.files)} file(s), last page {story.last_page}"
    data = {"story": _plain(story), "files": [file.name for file in seen.files], "timings_ms": timings}
    return verdict(line, not wrong, args.json, data | {"differences": wrong})


# --- every persona -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Played:
    row: Row
    story: Story
    files: int
    wrong: list[str]


def _play_all(args: argparse.Namespace, table: list[Row], world: Scenery, say: _Say) -> int:
    played: list[_Played] = []
    for institution, group in itertools.groupby(table, key=lambda row: row.institution):
        say(f"an institution of kind {institution[0]}, files in {institution[1]}")
        waiting = deque(group)
        while waiting:
            with _Counter(args, institution, world, say) as counter:
                counter.play_while_it_works(waiting, played)
    failed = sum(bool(each.wrong) for each in played)
    people = len({each.row.persona.id for each in played})
    line = f"{len(played) - failed} of {len(played)} endings of {people} personas as expected"
    return verdict(line, failed == 0, args.json, {"rows": [_plain_row(each) for each in played]})


def _plain_row(played: _Played) -> dict[str, Any]:
    row, story = played.row, played.story
    values = {each.name: getattr(row.ending, each.name) for each in fields(row.ending)}
    expected = {name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()}
    return {
        "persona": row.persona.id,
        "institution": row.persona.institution,
        "way": way(row.ending),
        "expected": expected,
        "reached": _plain(story) | {"files": played.files},
        "seconds": round(story.seconds, 2),
        "differences": played.wrong,
        "ok": not played.wrong,
    }


# --- a counter with a kiosk ----------------------------------------------------------------------------------------


class _Counter:
    """The kiosk of one institution with everything around it, while it is entered."""

    def __init__(self, args: argparse.Namespace, institution: tuple[str, str], world: Scenery, say: _Say) -> None:
        self._args = args
        self._settings = _settings(args, *institution)
        self._say = say
        self._stage = Stage(self._settings, world, say, args.gateway, calm=args.all)
        self._pace = args.pace if args.pace is not None else _PACE_OF_ALL if args.all else _PACE

    def __enter__(self) -> _Counter:
        self._say("starting the simulated gateway (HTTPS, client certificates) and the card reader")
        try:
            around = self._stage.start()
            self._say(f"card reader: {self._stage.lane}")
            self._app = App(self._settings, around, still=True)
            self._app.loop.watchers.append(self._stage.hear)
            access = around.gateway
            terminal = self._settings.gateway.terminal_id
            self._terminal = Terminal(GatewaySettings(access.url, terminal, access.certificate, access.key, access.ca))
            self._app.start()
        except BaseException:
            self._stage.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._app.stop()
        finally:
            self._stage.stop()

    def play_while_it_works(self, waiting: deque[Row], played: list[_Played]) -> None:
        """From `waiting` to `played`. A reception that came to no end would be in the way of the next."""
        while waiting:
            row = waiting.popleft()
            story, seen = self.play(row.role, pictures=False, quiet=True)
            wrong = self.judge(row, story, seen)
            played.append(_Played(row, story, len(seen.files), wrong))
            codes = " ".join([*story.failures, *story.upstream])
            self._say(
                f"{'DIFFERENT' if wrong else 'as expected':12}{row.name:38} {len(seen.files)} file(s), "
                f"{story.last_page:14} {codes:12} {story.seconds:4.1f} s"
            )
            for difference in wrong:
                self._say(f"             {difference}")
            if story.stuck:
                return

    def judge(self, row: Row, story: Story, seen: Seen) -> list[str]:
        """What differs from assets/personas; a world made elsewhere has its own records."""
        return (differences if self._args.world is None else outline)(row, story, seen)

    def play(self, role: Role, *, pictures: bool, quiet: bool = False) -> tuple[Story, Seen]:
        files, side = set(self._files()), set(self._side_files())
        screens = self._args.out / "screens"
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
            self._app,
            self._stage,
            role,
            pace=self._pace,
            on_page=page,
            language=self._args.language,
            linger=not self._args.all,
        )
        try:
            self._app.run_until(patient.step, _PATIENCE)
        finally:
            patient.leave()
        story = patient.story
        if not patient.done:
            story.stuck = f"{_PATIENCE:.0f} s on page {story.pages[-1:]}"
        doctor = self._terminal.everything(story.reception) if story.reception else []
        new = (sorted(set(self._files()) - files), sorted(set(self._side_files()) - side))
        return story, Seen(*new, doctor)

    def _files(self) -> list[Path]:
        return sorted(self._settings.handoff_folder.glob("*.xml"))

    def _side_files(self) -> list[Path]:
        return sorted(self._settings.side_folder.glob("*.xml"))

    def report(self, story: Story, seen: Seen, timings: dict[str, int]) -> None:
        print("\n  stage                       ms")
        for name, value in timings.items():
            print(f"  {name:22} {value:8d}")
        pressed = [name.removeprefix("action:") for name in story.touches if name != "key"]
        keys = len(story.touches) - len(pressed)
        print(f"\n  touches: {len(story.touches)} ({', '.join(pressed)}{f', {keys} keys' if keys else ''})")
        print("\n  hand-off file: " + (", ".join(str(file) for file in seen.files) or "none"))
        for file in seen.side_files:
            print(f"  side file: {file}")
        for code in story.failures:
            print(f"\n  staff read {code}: {self.staff_text(code)}")
        print("\n  what the doctor would now see (fictional data, by the consents of this reception):")
        for released in seen.doctor:
            for line in released.lines():
                print(f"    {line}")
        asked = self._settings.policy().questions
        for item, word in ((Item.DIAGNOSIS, "treatment (診療)"), (Item.SURGERY, "surgery (手術)")):
            if item not in asked:
                print(f"    {word}: nothing (not asked at this institution)")
        if not self._args.no_pictures:
            print(f"\n  pictures of every page: {self._args.out / 'screens'}")
        print()

    def staff_text(self, code: str) -> str:
        return self._app.catalogue.word(f"{text_key(FailureCode(code))}.staff", self._args.language)


def _plain(story: Story) -> dict[str, Any]:
    return {
        "persona": story.role.persona,
        "way": story.role.way,
        "pages": story.pages,
        "offered": list(story.offered),
        "answers": {item.value: yes for item, yes in story.answers.items()},
        "failures": story.failures,
        "upstream": story.upstream,
        "notices": story.notices,
        "counter": story.counter,
        "number": story.number,
        "touches": len(story.touches),
        "last_page": story.last_page,
    }


def _print_list() -> int:
    table = rows()
    people = {row.persona.id: row.persona for row in table}
    print(f"{'persona':21} {'at':4} {'who':52} ways")
    for name, persona in sorted(people.items()):
        ways = ", ".join(way(ending) for ending in persona.endings)
        print(f"{name:21} {persona.institution:2} {persona.title_en:52} {ways}")
    print(f"{len(people)} personas, {len(table)} endings; `kiosk demo --persona NAME --way WAY` plays one")
    return 0
