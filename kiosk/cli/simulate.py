"""One simulated part alone: the eligibility gateway, or a card in a reader.

`kiosk simulate gateway` is a real HTTPS server on 127.0.0.1 that knows the fictional people.
`kiosk simulate card` puts a virtual My Number Card into a genuine pcscd that it starts for itself, apart from the
system's own; `--port` offers the card to a vpcd that runs already. Both end with the end of standard input, or Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from devices.simulated.card import VirtualCard
from devices.simulated.pcscd import PcscdLane, missing_parts
from devices.simulated.vpcd import Insertion
from kiosk.cli.report import verdict
from kiosk.cli.scenery import Scenery, scenery
from kiosk.eligibility.model import BadMessage, GatewayWorld
from kiosk.eligibility.server import Fault, FaultKind, SimulatedGateway
from kiosk.eligibility.tls import TERMINAL, ensure_test_tls

_BUILD = Path("build")


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("simulate", help="one simulated part alone")
    parts = parser.add_subparsers(dest="part", metavar="PART", required=True)

    gateway = parts.add_parser("gateway", help="the eligibility gateway (HTTPS, client certificates)")
    gateway.add_argument("--world", default="", metavar="FILE", help="who it knows; - is one line of standard input")
    gateway.add_argument("--tls", type=Path, default=_BUILD / "test-tls", metavar="DIR", help="certificates and keys")
    gateway.add_argument("--terminal", default=TERMINAL, help="whose client certificate is made (default: %(default)s)")
    gateway.add_argument("--port", type=int, default=0, help="0: any that is free")
    gateway.add_argument("--fault", choices=[kind.value for kind in FaultKind], help="what goes wrong at every request")

    card = parts.add_parser("card", help="a virtual My Number Card in a PC/SC reader")
    card.add_argument("--persona", default="employee", help="whose card (default: %(default)s)")
    card.add_argument("--port", type=int, default=0, help="of a vpcd that runs already on 127.0.0.1")
    card.add_argument("--reselect", choices=("clear", "keep"), default="clear", help="what selecting the same AP does")


def run(args: argparse.Namespace) -> int:
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    return _gateway(args, stop) if args.part == "gateway" else _card(args, stop)


def _gateway(args: argparse.Namespace, stop: threading.Event) -> int:
    try:
        if args.world == "-":
            world = GatewayWorld.parse(sys.stdin.buffer.readline())
        elif args.world:
            world = GatewayWorld.parse(Path(args.world).read_bytes())
        else:
            world = _scenery().gateway
    except (BadMessage, OSError) as error:
        return verdict(f"the simulated gateway was not started: {error}", False)
    with SimulatedGateway(world, ensure_test_tls(args.tls, (args.terminal,)), port=args.port) as server:
        if args.fault:
            server.fault = Fault(FaultKind(args.fault))
        print(f"simulated gateway, {len(world.people)} people: {server.url}", flush=True)
        _wait(stop)
    return 0


def _card(args: argparse.Namespace, stop: threading.Event) -> int:
    cards = _scenery().world.cards
    if args.persona not in cards:
        print(f"no persona {args.persona!r}; there are: {', '.join(sorted(cards))}", file=sys.stderr)
        return 2
    card = cards[args.persona]
    if args.port:
        print(f"card of {args.persona} offered to vpcd on 127.0.0.1:{args.port}", flush=True)
        insertion = Insertion(VirtualCard(card, reselect=args.reselect), args.port)
        insertion.start()
        _wait(stop)
        insertion.remove()
        return 0
    for part in missing_parts():
        print(f"missing: {part}", file=sys.stderr)
        return 1
    with PcscdLane.start() as lane:
        lane.insert(card, reselect=args.reselect)
        print(f"card of {args.persona} lies on the reader; in another terminal:", flush=True)
        print(f"export PCSCLITE_CSOCK_NAME={lane.socket_path}", flush=True)
        _wait(stop)
    return 0


def _scenery() -> Scenery:
    return scenery(_BUILD, lambda text: print(text, file=sys.stderr, flush=True))


def _wait(stop: threading.Event) -> None:
    threading.Thread(target=_until_end_of_input, args=(stop,), daemon=True).start()
    while not stop.wait(0.5):
        continue


def _until_end_of_input(stop: threading.Event) -> None:
    # From the descriptor: a thread that holds the lock of sys.stdin would bring the interpreter down at its end.
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            continue
    stop.set()
