"""`kiosk face-centre`: the centring numbers of the face engine, from a folder of average (composite) faces."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "face-centre", help="compute assets/face/centre.toml from a folder of average (composite) faces"
    )
    parser.add_argument("--composites", type=Path, required=True, metavar="DIR")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.add_argument("--model", type=Path, metavar="FILE", help="another network of the same layers (dlib's format)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when the file was written, 1 when a composite is missing or shows no face."""
    from devices.errors import DeviceError
    from devices.face.centre import centre_text  # loads the models' library: only for this command

    try:
        text = centre_text(args.composites, args.model)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text, encoding="utf-8")
    except (DeviceError, OSError) as error:
        print(f"face-centre: {error}")
        return 1
    print(f"{args.out}: {len(text.encode())} bytes")
    return 0
