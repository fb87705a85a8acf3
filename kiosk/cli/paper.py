"""Write the forms for when the line is down: a statement for patients, a notice for staff (PDF, A4).

Print some before they are needed. Nothing but the program itself is read: no settings, no network, no card.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from kiosk.cli.report import verdict
from kiosk.i18n import Catalogue

ASSETS = Path(__file__).resolve().parents[2] / "assets"
_LANGUAGES = ("ja", "en")
_FORMS = ("statement", "notice")


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("paper", help=(__doc__ or "").partition("\n")[0], description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.pdf")
    parser.add_argument("--language", choices=_LANGUAGES, default="ja", help="default: %(default)s")
    parser.add_argument("--form", choices=(*_FORMS, "all"), default="all", help="default: %(default)s")


def run(args: argparse.Namespace) -> int:
    """0 when the file was written."""
    from kiosk.ui import paper  # loads Qt: only for this command
    from kiosk.ui.theme import Theme

    app = paper.application()
    if not paper.has_japanese():
        return verdict("no Japanese font is installed; `kiosk doctor` names the package", False)
    catalogue, theme = Catalogue.load(ASSETS / "i18n"), Theme.load(ASSETS)
    forms = [paper.Form(name) for name in _FORMS if args.form in (name, "all")]
    sheets = [paper.make(form, catalogue, theme, args.language) for form in forms]
    try:
        paper.write_pdf(args.out, sheets)
    except paper.PaperNotWritten as error:
        return verdict(str(error), False)
    app.processEvents()
    return verdict(f"{args.out}: {len(sheets)} page(s), A4", True)
