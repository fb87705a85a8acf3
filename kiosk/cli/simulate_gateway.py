"""Run the simulated eligibility gateway alone, on this machine, until standard input ends.

The world is one line of JSON (`kiosk.eligibility.model.GatewayWorld`); it stays in memory. The address is the first
line of the output.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import sys
from pathlib import Path
from typing import Any

from kiosk.cli.report import verdict
from kiosk.eligibility.model import BadMessage, GatewayWorld
from kiosk.eligibility.server import Fault, FaultKind, SimulatedGateway
from kiosk.eligibility.tls import ensure_test_tls

_MAX_WORLD = 4 * 1024 * 1024


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("simulate-gateway", help=(__doc__ or "").partition("\n")[0], description=__doc__)
    parser.add_argument("--world", required=True, metavar="FILE", help="-: the first line of standard input")
    parser.add_argument(
        "--tls", required=True, type=Path, metavar="FOLDER", help="test certificates; made when missing"
    )
    parser.add_argument("--port", type=int, default=0, help="of 127.0.0.1; default: the system chooses")
    parser.add_argument("--fault", type=FaultKind, choices=list(FaultKind), help="what goes wrong with every request")


def run(args: argparse.Namespace) -> int:
    try:
        data = _first_line() if args.world == "-" else Path(args.world).read_bytes()
        world = GatewayWorld.parse(data)
        tls = ensure_test_tls(args.tls)
    except (BadMessage, OSError) as error:
        return verdict(f"the simulated gateway was not started: {error}", False)
    # A handler that is entered means that the wait below ends.
    wake, woken = os.pipe()
    previous = signal.signal(signal.SIGTERM, lambda *_: os.close(woken))
    try:
        with SimulatedGateway(world, tls, port=args.port) as gateway:
            if args.fault is not None:
                gateway.fault = Fault(args.fault)
            print(gateway.url, flush=True)
            while True:
                ready, _, _ = select.select([sys.stdin.fileno(), wake], [], [])
                if wake in ready or not os.read(sys.stdin.fileno(), 4096):
                    return 0
    finally:
        signal.signal(signal.SIGTERM, previous)
        os.close(wake)


def _first_line() -> bytes:
    """Byte by byte from the descriptor, so that nothing behind it is taken."""
    line = bytearray()
    while len(line) < _MAX_WORLD and (byte := os.read(sys.stdin.fileno(), 1)) not in (b"", b"\n"):
        line += byte
    return bytes(line)
