"""One simulated part alone: the eligibility gateway, the 連携アプリケーション, or a card in a reader.

`kiosk simulate gateway` is a real HTTPS server on 127.0.0.1 that knows the fictional people.
`kiosk simulate card` puts a virtual My Number Card into a reader (`kiosk.cli.simulate_card`). Both end with the end of
standard input, or Ctrl-C.
`kiosk simulate terminal` serves the folders `req`, `res` and `face` as a receipt computer knows them; it ends after
`--for` seconds, at SIGTERM or Ctrl-C (docs/integrators.md).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from kiosk.cli import simulate_card
from kiosk.cli.options import add_json
from kiosk.cli.report import verdict
from kiosk.cli.scenery import Scenery, scenery
from kiosk.eligibility import contract, liaison
from kiosk.eligibility.model import BadMessage, GatewayWorld
from kiosk.eligibility.server import Fault, FaultKind, SimulatedGateway
from kiosk.eligibility.simulated import Desk, Release
from kiosk.eligibility.tls import TERMINAL, ensure_test_tls
from kiosk.fullresult import FullResult
from kiosk.oqs.document import Encoding
from kiosk.qualification import JST, QualificationResult
from kiosk.reception.consent import Answers, Item
from kiosk.reception.insured import Query

_BUILD = Path("build")
_ENCODINGS = {"utf-8": Encoding.UTF8, "shift_jis": Encoding.SHIFT_JIS}


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("simulate", help="one simulated part alone")
    parts = parser.add_subparsers(dest="part", metavar="PART", required=True)

    gateway = parts.add_parser("gateway", help="the eligibility gateway (HTTPS, client certificates)")
    gateway.add_argument("--world", default="", metavar="FILE", help="who it knows; - is one line of standard input")
    gateway.add_argument("--tls", type=Path, default=_BUILD / "test-tls", metavar="DIR", help="certificates and keys")
    gateway.add_argument("--terminal", default=TERMINAL, help="whose client certificate is made (default: %(default)s)")
    gateway.add_argument("--port", type=int, default=0, help="0: any that is free")
    gateway.add_argument("--write-openapi", type=Path, metavar="FILE", help="write its OpenAPI document, and end")
    gateway.add_argument("--fault", choices=[kind.value for kind in FaultKind], help="what goes wrong at every request")

    simulate_card.register(parts)

    terminal = parts.add_parser("terminal", help="the 連携アプリケーション: folders req, res and face")
    terminal.add_argument("--root", type=Path, required=True, metavar="DIR", help="gets the three folders")
    terminal.add_argument("--world", default="", metavar="FILE", help="who comes; - is one line of standard input")
    terminal.add_argument("--encoding", choices=list(_ENCODINGS), default="utf-8", help="of what is written")
    terminal.add_argument("--delay", type=_seconds, default=0.0, metavar="S", help="until an answer is written")
    terminal.add_argument(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="KIND[:N]",
        help=f"what goes wrong with the next N answers, or with all: {', '.join(liaison.FaultKind)}; may be repeated",
    )
    terminal.add_argument(
        "--late", type=_seconds, default=liaison.LATE, metavar="S", help="of the fault late (%(default)s)"
    )
    terminal.add_argument("--arrivals", type=_seconds, default=0.0, metavar="S", help="a patient comes every S seconds")
    terminal.add_argument("--for", type=_seconds, default=0.0, dest="seconds", metavar="S", help="end after S seconds")
    terminal.add_argument("--institution", default="", metavar="CODE", help="ten digits beginning with 99")
    terminal.add_argument("--gateway", action="store_true", help="serve the eligibility gateway (HTTPS), too")
    terminal.add_argument("--tls", type=Path, default=_BUILD / "test-tls", metavar="DIR", help="of the gateway")
    terminal.add_argument("--terminal", default=TERMINAL, help="whose client certificate is made (%(default)s)")
    terminal.add_argument("--port", type=int, default=0, help="of the gateway; 0: any that is free")
    add_json(terminal)


def run(args: argparse.Namespace) -> int:
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    if args.part == "card":
        return simulate_card.run(args, _BUILD, lambda: _wait(stop))
    return {"gateway": _gateway, "terminal": _terminal}[args.part](args, stop)


def _gateway(args: argparse.Namespace, stop: threading.Event) -> int:
    if args.write_openapi:
        args.write_openapi.write_text(contract.text(), encoding="utf-8")
        return 0
    try:
        world = _world(args)
    except (BadMessage, OSError) as error:
        return verdict(f"the simulated gateway was not started: {error}", False)
    with SimulatedGateway(world, ensure_test_tls(args.tls, (args.terminal,)), port=args.port) as server:
        if args.fault:
            server.fault = Fault(FaultKind(args.fault))
        print(f"simulated gateway, {len(world.people)} people: {server.url}", flush=True)
        _wait(stop)
    return 0


def _world(args: argparse.Namespace) -> GatewayWorld:
    """Raises `BadMessage`, OSError."""
    if args.world == "-":
        return GatewayWorld.parse(sys.stdin.buffer.readline())
    return GatewayWorld.parse(Path(args.world).read_bytes()) if args.world else _scenery().gateway


def _terminal(args: argparse.Namespace, stop: threading.Event) -> int:
    try:
        world = _world(args)
    except (BadMessage, OSError) as error:
        return verdict(f"the simulated terminal was not started: {error}", False, args.json)
    institution = args.institution or world.institution
    if re.fullmatch("99[0-9]{8}", institution) is None:
        return verdict("the institution of a simulated terminal has ten digits beginning with 99", False, args.json)
    world = world.model_copy(update={"institution": institution})
    settings = liaison.TerminalSettings(
        args.root, institution, _ENCODINGS[args.encoding], args.delay, args.arrivals, args.late
    )
    with contextlib.ExitStack() as stack:
        desk: liaison.Desk = Desk(world, lambda: datetime.now(JST))
        if args.gateway:
            tls = ensure_test_tls(args.tls, (args.terminal,))
            server = stack.enter_context(SimulatedGateway(world, tls, port=args.port))
            desk = _SharedDesk(server)
            print(f"simulated gateway, {len(world.people)} people: {server.url}", flush=True)
        terminal = liaison.Terminal(settings, desk, tuple(world.people), _tell, faults=tuple(args.fault))
        try:
            terminal.prepare()
        except OSError as error:
            return verdict(f"the folders cannot be made ({type(error).__name__})", False, args.json)
        print(f"simulated terminal of {institution}: {args.root}/{{{','.join(liaison.FOLDERS)}}}", flush=True)
        end = time.monotonic() + args.seconds if args.seconds else float("inf")
        while not stop.is_set() and time.monotonic() < end:
            terminal.step()
            stop.wait(settings.poll)
    counts = dict(sorted(terminal.counts.items()))
    line = ", ".join(f"{count} {what}" for what, count in counts.items()) or "nobody asked and nobody came"
    if terminal.pending:
        line += f", {terminal.pending} not written any more"
    return verdict(f"simulated terminal: {line}", True, args.json, {"events": counts, "pending": terminal.pending})


class _SharedDesk:
    """The gateway's desk from another thread."""

    def __init__(self, server: SimulatedGateway) -> None:
        self._server = server

    def by_number(
        self, query: Query, limit: bool | None, identifier: str, institution: str = ""
    ) -> QualificationResult:
        return self._server.call(lambda: self._server.desk.by_number(query, limit, identifier, institution))

    def release(
        self, item: Item, insurer: str, symbol: str, number: str, branch: str, institution: str = ""
    ) -> Release:
        return self._server.call(lambda: self._server.desk.release(item, insurer, symbol, number, branch, institution))

    def walk_in(self, person: str | int, answers: Answers, asks: tuple[Item, ...] = ()) -> FullResult:
        return self._server.call(lambda: self._server.desk.walk_in(person, answers, asks))


def _tell(event: liaison.Event) -> None:
    print(f"{datetime.now(JST):%H:%M:%S} #{event.number} {event.what}: {event.detail}", flush=True)


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 86400:
        raise argparse.ArgumentTypeError("0 to 86400 seconds")
    return value


def _fault(text: str) -> liaison.Fault:
    try:
        return liaison.Fault.parse(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"KIND or KIND:N with N from 1; KIND is one of {', '.join(liaison.FaultKind)}"
        ) from None


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
