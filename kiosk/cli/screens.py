"""`kiosk screens`: a picture of every page in every language, and what is wrong with them."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from kiosk.i18n import Catalogue
from kiosk.reception.policy import Policy

ASSETS = Path(__file__).resolve().parents[2] / "assets"


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("screens", help="a picture of every page in every language")
    parser.add_argument("--out", type=Path, default=Path("build/screens"), help="folder for the PNG files")
    parser.add_argument("--json", type=Path, help="write the list of pictures and flaws here")
    parser.add_argument("--only", default="", help="pages whose name contains this")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """0 when nothing is clipped, overlaps, or lacks a glyph."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from kiosk.ui import gallery
    from kiosk.ui.theme import Theme

    app = gallery.application()
    theme = Theme.load(ASSETS)
    policy = Policy()
    pictures, flaws = gallery.render_all(Catalogue.load(ASSETS / "i18n"), theme, policy, args.out, args.only)
    app.processEvents()
    for flaw in flaws:
        print(f"{flaw.page}: {flaw.what}")
    if args.json:
        table = {
            "pictures": [str(path.relative_to(args.out)) for path in pictures],
            "flaws": [{"page": flaw.page, "what": flaw.what} for flaw in flaws],
        }
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(table, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    verdict = "OK" if pictures and not flaws else "FAILED"
    count = f"{len(pictures)} pictures of {len(policy.languages)} languages in {args.out}"
    print(f"screens: {verdict} - {count}, {len(flaws)} flaws")
    return 0 if pictures and not flaws else 1
