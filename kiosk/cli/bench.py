"""What one part costs, measured beside another program that does the same work.

`kiosk bench card` counts what passes between reader and card, over a genuine pcscd and the virtual reader.
`kiosk bench face` measures what a picture of the camera costs, beside the library's own sample.
`kiosk bench people` measures the drawn people that the face check is tested with.
`kiosk bench ui` measures how long the window's thread is kept from its events while faces are compared.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from devices.simulated.card.pace import Pace
from kiosk.cli import bench_card, bench_encoder, bench_face, bench_people, bench_ui
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
    ui = parts.add_parser("ui", help="gaps of the window's thread while faces are compared, beside dlib on a thread")
    ui.add_argument("--seconds", type=_at_least_20, default=20.0, help="of each run (default: %(default)s)")
    ui.add_argument("--runs", type=int, choices=range(1, 10), default=3, help="of which the median counts (default: 3)")
    add_json(ui)
    encoder = parts.add_parser("encoder", help="the three ways to compute a face's descriptor, beside each other")
    encoder.add_argument("--chips", type=_at_least_20, default=60, help="aligned faces (default: %(default)s)")
    encoder.add_argument("--model", type=Path, help="a network file of dlib's format (default: the installed one)")
    add_json(encoder)
    people = parts.add_parser("people", help="whether drawn people are found, told apart, and good enough to be faked")
    people.add_argument("--persons", type=_at_least_2, default=200, help="seeds 1 to N (default: %(default)s)")
    people.add_argument("--attacks", type=int, default=30, help="of each kind (default: %(default)s)")
    people.add_argument("--out", type=Path, metavar="DIR", help="draw sheets of people and attacks there (PNG)")
    add_json(people)
    face = parts.add_parser("face", help="processor time per picture of the camera, beside face_recognition's sample")
    face.add_argument("--frames", type=_at_least_300, default=300, help="of each run (default: %(default)s)")
    add_json(face)


def _at_least_2(text: str) -> int:
    if (count := int(text)) < 2:
        raise argparse.ArgumentTypeError("must be 2 or more: a stranger is needed")
    return count


def _at_least_20(text: str) -> float:
    if not 20 <= (seconds := float(text)) <= 600:
        raise argparse.ArgumentTypeError("must be 20 to 600")
    return seconds


def _at_least_300(text: str) -> int:
    if not 300 <= (frames := int(text)) <= 10_000:
        raise argparse.ArgumentTypeError("must be 300 to 10000")
    return frames


def run(args: argparse.Namespace) -> int:
    if args.part == "encoder":
        return bench_encoder.run(int(args.chips), args.model, args.json)
    if args.part == "face":
        return bench_face.run(args.frames, args.json)
    if args.part == "ui":
        return bench_ui.run(args.seconds, args.runs, args.json)
    if args.part == "people":
        return bench_people.run(args.persons, args.attacks, args.out, args.json)
    paces = [Pace(each) for each in args.pace or bench_card.PACES]
    return bench_card.run(args.persona, _BUILD, args.json, paces)
