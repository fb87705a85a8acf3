"""Verify or show the audit file."""

from __future__ import annotations

import argparse
import json
import sqlite3
from pathlib import Path
from typing import Any

from kiosk.audit import verify
from kiosk.audit.chain import read
from kiosk.cli.options import add_config, add_json, settings
from kiosk.cli.report import verdict


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("audit", help=__doc__, description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    check = actions.add_parser("verify", help="follow the hash chain from the first entry to the last")
    show = actions.add_parser("show", help="print the entries, one JSON object per line")
    show.add_argument("--last", type=int, default=0, metavar="N", help="the last N entries only")
    for action in (check, show):
        action.add_argument("--db", type=Path, metavar="FILE", help="audit file (default: the one of the settings)")
        add_config(action)
        add_json(action)


def run(args: argparse.Namespace) -> int:
    path = args.db or settings(args).audit_file
    if not path.is_file():
        return verdict(f"{path}: there is no such audit file", False, args.json, {"entries": 0})
    if args.action == "verify":
        return _verify(path, args.json)
    return _show(path, args.last, args.json)


def _verify(path: Path, json_path: Path | None) -> int:
    found = verify(path)
    data = {"entries": found.entries, "first_bad": found.first_bad, "reason": found.reason}
    if found.ok:
        return verdict(f"{path}: {found.entries} entries, the chain is whole", True, json_path, data)
    return verdict(f"{path}: entry {found.first_bad}: {found.reason}", False, json_path, data)


def _show(path: Path, last: int, json_path: Path | None) -> int:
    entries: list[Any] = []
    try:
        for _, body, digest in read(path):
            entries.append({**json.loads(body), "hash": digest})
    except (sqlite3.Error, ValueError, TypeError):
        for entry in entries[-last:]:
            print(json.dumps(entry, ensure_ascii=False))
        return verdict(f"{path}: damaged after {len(entries)} entries", False, json_path, {"entries": entries})
    for entry in entries[-last:]:
        print(json.dumps(entry, ensure_ascii=False))
    return verdict(f"{path}: {len(entries)} entries", True, json_path, {"entries": entries[-last:]})
