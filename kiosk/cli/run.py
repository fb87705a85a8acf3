"""The kiosk itself, with the devices that config.toml names.

With simulated devices a small operator panel puts personas' cards on the reader and steers the camera.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from devices.card.reader import SimulatedCardReader
from devices.child import harden
from devices.simulated.camera import Condition
from devices.simulated.personas import load_personas
from devices.simulated.reader import ReaderState
from devices.simulated.tray import TrayCondition as Tray
from devices.simulated.world import personas_folder
from kiosk import log
from kiosk.app import App, is_staged, surroundings, use_display
from kiosk.cli.options import add_config, settings
from kiosk.cli.scenery import scenery
from kiosk.cli.stage import Stage
from kiosk.config import Settings
from kiosk.maintenance.credentials import PRACTICE_PIN
from kiosk.ui.panel import OperatorPanel

_EMPTY = "empty"


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("run", help="the kiosk")
    add_config(parser)
    parser.add_argument("--seconds", type=float, default=0.0, help="end after this time (default: never)")
    parser.add_argument("--no-panel", action="store_true", help="no operator panel beside a simulated kiosk")
    parser.add_argument(
        "--trace",
        type=Path,
        metavar="FILE",
        help="write commands to the card there, without content (docs/hardware.md); as --set reader.trace=FILE",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.trace is not None:
        args.overrides = [*args.overrides, f"reader.trace={json.dumps(str(args.trace.absolute()))}"]
    config = settings(args)
    log.configure(config.log.level.value, config.log.folder)
    log.install_hooks()
    harden()
    offscreen = not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if offscreen and os.environ.get("QT_QPA_PLATFORM", "offscreen") == "offscreen" and not args.seconds:
        print("there is no display; `kiosk demo` works without one", file=sys.stderr)
        return 1
    use_display(offscreen=offscreen)
    stage = _stage(config) if is_staged(config) else None
    try:
        app = App(config, stage.start() if stage is not None else surroundings(config))
        if stage is not None:
            app.loop.watchers.append(stage.hear)
        signal.signal(signal.SIGTERM, lambda *_: app.quit())
        signal.signal(signal.SIGINT, lambda *_: app.quit())
        if config.simulated:
            print(f"practice PIN of staff and maintenance: {PRACTICE_PIN}; maintenance opens by touching the upper")
            print("corners left, right, left, right within three seconds", flush=True)
            print(f"gateway: {app.around.gateway.url}", flush=True)
        panel = _panel(app, stage, config) if stage is not None and not args.no_panel else None
        app.start()
        try:
            if config.screen.fullscreen:
                app.window.showFullScreen()
            if panel is not None:
                panel.show()
            app.run_until(lambda: False, args.seconds or float("inf"))
        finally:
            app.stop()
    finally:
        if stage is not None:
            stage.stop()
    return 0


def _stage(config: Settings) -> Stage:
    def say(text: str) -> None:
        print(text, flush=True)

    return Stage(config, scenery(Path("build"), say), say)


def _panel(app: App, stage: Stage, config: Settings) -> OperatorPanel:
    language = config.kiosk.languages[0]
    people = [
        (persona.id, persona.title_ja if language == "ja" else persona.title_en)
        for persona in load_personas(personas_folder())
    ]
    word = app.catalogue.word
    scenes = [(_EMPTY, word("panel.scene_empty", language))]
    scenes += [(each.value, word(f"panel.scene_{each.name.lower()}", language)) for each in Condition]
    inserted: list[str] = []

    def insert(persona: str, face_down: bool) -> None:
        inserted.append(persona)
        stage.sit(persona)
        stage.insert(persona, face_down=face_down)

    def seat(scene: str) -> None:
        if scene == _EMPTY:
            stage.sit(None)
            return
        stage.camera.set_condition(Condition(scene))
        if inserted:
            stage.sit(inserted[-1])

    tray = stage.tray
    lights = [] if tray is None else [(each.value, word(f"panel.tray_{each.name.lower()}", language)) for each in Tray]
    reader = app.around.reader
    simulated = reader if isinstance(reader, SimulatedCardReader) else None
    troubles = (
        [] if simulated is None else [(each.value, word(f"panel.reader_{each}", language)) for each in ReaderState]
    )
    return OperatorPanel(
        app.catalogue,
        language,
        people,
        scenes,
        insert=insert,
        remove=stage.remove,
        seat=seat,
        lights=lights,
        light=(lambda name: None) if tray is None else tray.set_condition,
        readers=[] if simulated is None else troubles,
        disturb=(lambda name: None) if simulated is None else simulated.set_reader,
    )
