"""What one part costs, measured beside another program that does the same work.

`kiosk bench card` counts what passes between reader and card, over a genuine pcscd and the virtual reader.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from devices.simulated.card.pace import Pace
from kiosk.cli import bench_card
from kiosk.cli.options import add_json

_BUILD = Path("build")


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("bench", help="what one part costs, beside another program")
    parts = parser.add_subparsers(dest="part", metavar="PART", required=True)
    card = parts.add_parser(
        "card",
        help="commands, bytes and time between reader and card, beside OpenSC",
        epilog="Needs pcscd, vsmartcard-vpcd and opensc. The card is virtual: link time is a model, not a real card's.",
    )
    card.add_argument("--persona", default="employee", help="whose card (default: %(default)s)")
    card.add_argument(
        "--pace",
        action="append",
        choices=[each.value for each in bench_card.PACES],
        help="how long answers take; may be repeated (default: all)",
    )
    add_json(card)


def run(args: argparse.Namespace) -> int:
    paces = [Pace(each) for each in args.pace or bench_card.PACES]
    return bench_card.run(args.persona, _BUILD, args.json, paces)
