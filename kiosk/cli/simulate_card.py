"""`kiosk simulate card`: a virtual My Number Card in a reader, for any program that speaks PC/SC.

Without `--port` it starts a genuine pcscd for itself, apart from the system's own; with it the card is offered to a
vpcd that runs already. At the end it says what passed between reader and card (docs/virtual-card.md).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from devices.simulated.card import VirtualCard
from devices.simulated.card.counters import CounterFile
from devices.simulated.card.experimental import experimental_card
from devices.simulated.card.faults import FaultPlan
from devices.simulated.card.files import PersonCard
from devices.simulated.card.options import CardOptions, Interface, Keep
from devices.simulated.card.pace import Pace
from devices.simulated.pcscd import LaneError, PcscdLane, missing_parts
from devices.simulated.vpcd import Insertion
from devices.simulated.world import load_personas, personas_folder
from kiosk.cli.options import add_json
from kiosk.cli.report import verdict
from kiosk.cli.scenery import scenery
from kiosk.qualification import JST

_OWN_FLAGS = ("interface", "pace", "reselect")


def register(parts: Any) -> None:
    card = parts.add_parser(
        "card",
        help="a virtual My Number Card in a PC/SC reader",
        epilog="The language of --fault and what each option means: docs/virtual-card.md.",
    )
    others = ", ".join(field.name for field in fields(CardOptions) if field.name not in _OWN_FLAGS)
    card.add_argument("--persona", default="employee", help="whose card (default: %(default)s)")
    card.add_argument("--port", type=int, default=0, help="of a vpcd that runs already on 127.0.0.1")
    card.add_argument(
        "--reader",
        choices=[each.value for each in Interface],
        default=Interface.CONTACT.value,
        help="on which kind of reader it lies: its answer to reset (default: %(default)s)",
    )
    card.add_argument(
        "--pace",
        choices=[each.value for each in Pace],
        default=Pace.NONE.value,
        help="answers take as long as on this link (default: %(default)s)",
    )
    card.add_argument(
        "--reselect",
        choices=[each.value for each in Keep],
        default=Keep.CLEAR.value,
        help="what selecting the selected application does to its PIN (default: %(default)s)",
    )
    card.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="SCRIPT",
        help="what goes wrong: a file, or rules as 'at 12: pull; ins 20: answer 6983'; may be repeated",
    )
    card.add_argument("--counters", type=Path, metavar="FILE", help="keep the tries left there")
    card.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE", help=f"may be repeated; NAME is one of {others}"
    )
    card.add_argument("--experimental", action="store_true", help="the invented card with P-384 and other files")
    add_json(card)


def run(args: argparse.Namespace, build: Path, wait: Callable[[], None]) -> int:
    """`build`: where worlds are kept. `wait` returns when the card is to be taken away."""
    people = sorted(persona.id for persona in load_personas(personas_folder()))
    if args.persona not in people:
        return _wrong(f"no persona {args.persona!r}; there are: {', '.join(people)}")
    try:
        options = CardOptions().changed(interface=args.reader, pace=args.pace, reselect=args.reselect)
        options = options.changed(**dict(map(_option, args.option)))
        faults = FaultPlan([rule for script in args.fault for rule in _faults(script).rules])
        if args.counters is not None:
            CounterFile(args.counters).load(args.persona)
        card = scenery(build, lambda text: print(text, file=sys.stderr, flush=True), [args.persona]).world.cards[
            args.persona
        ]
        if args.experimental:
            if not card.visual:
                raise ValueError(f"--experimental: the card of {args.persona} has no card face")
            card, _ = experimental_card(card, datetime.now(JST).date())
    except (ValueError, OSError) as error:
        return _wrong(str(error))
    serve = _offered if args.port else _in_a_lane
    return serve(args, card, options, faults, wait)


def _offered(
    args: argparse.Namespace, person: PersonCard, options: CardOptions, faults: FaultPlan, wait: Callable[[], None]
) -> int:
    kept: dict[str, Any] = {}
    if args.counters is not None:
        file = CounterFile(args.counters)
        kept = {"counters": file.load(person.id), "changed": partial(file.save, person.id)}
    card = VirtualCard(person, options, faults=faults, **kept)
    insertion = Insertion(card, args.port)
    print(f"card of {args.persona} offered to vpcd on 127.0.0.1:{args.port}", flush=True)
    insertion.start()
    wait()
    insertion.remove()
    return _told(args, card.traffic.to_json(), card.counters, card.verify_count)


def _in_a_lane(
    args: argparse.Namespace, person: PersonCard, options: CardOptions, faults: FaultPlan, wait: Callable[[], None]
) -> int:
    if missing := missing_parts():
        return verdict("; ".join(missing), False, args.json)
    try:
        with PcscdLane.start() as lane:
            lane.insert(person, options, faults=faults, counter_file=args.counters)
            print(f"card of {args.persona} lies on the reader; in another terminal:", flush=True)
            print(f"export PCSCLITE_CSOCK_NAME={lane.socket_path}", flush=True)
            wait()
            return _told(args, lane.traffic(person.id), lane.counters(person.id), lane.verify_count(person.id))
    except LaneError as error:
        return verdict(str(error), False, args.json)


def _told(
    args: argparse.Namespace, traffic: Mapping[str, float], counters: Mapping[str, int], verified: Mapping[str, int]
) -> int:
    line = (
        f"card of {args.persona}: {traffic['apdus']:.0f} commands, {traffic['command_bytes']:.0f} bytes to it, "
        f"{traffic['response_bytes']:.0f} from it; {traffic['nfc106_seconds']:.3f} s on a link of 106 kbit/s, "
        f"{sum(verified.values())} PINs tried"
    )
    return verdict(line, True, args.json, {"traffic": traffic, "counters": counters, "verify_count": verified})


def _faults(script: str) -> FaultPlan:
    """Raises ValueError that names the file, OSError."""
    if ":" in script or not script.strip():
        return FaultPlan.parse(script)
    try:
        return FaultPlan.parse(Path(script).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"--fault {script}: no such file, and no rule either (WHEN: WHAT)") from None
    except ValueError as error:
        raise ValueError(f"{script}: {error}") from None


def _option(text: str) -> tuple[str, str | bool]:
    """`NAME=VALUE`; a name alone is NAME=true. What is allowed, `CardOptions` says."""
    name, _, value = text.partition("=")
    words: dict[str, bool] = {"true": True, "false": False, "": True}
    return name.replace("-", "_"), words.get(value, value)


def _wrong(message: str) -> int:
    print(message, file=sys.stderr)
    return 2
