"""Write docs/states.md, the reception's state diagram, from the rule book."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from kiosk.cli.report import verdict
from kiosk.reception.diagram import document
from kiosk.reception.policy import Policy


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("diagram", help=(__doc__ or "").partition("\n")[0], description=__doc__)
    parser.add_argument("--write", type=Path, default=Path("docs"), metavar="FOLDER", help="default: %(default)s")


def run(args: argparse.Namespace) -> int:
    args.write.mkdir(parents=True, exist_ok=True)
    (args.write / "states.md").write_text(document(Policy()), encoding="utf-8")
    return verdict(f"states.md written to {args.write}", True)
