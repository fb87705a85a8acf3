"""What waits for the line, and the key that it is locked with.

The running kiosk works the queue off by itself; no command does. `list` reads headers only, needs no key and shows
nothing personal.
"""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import Any

from kiosk.cli.options import add_config, add_json, settings
from kiosk.cli.report import verdict
from kiosk.downtime.errors import KeyRefused
from kiosk.downtime.key import make_key
from kiosk.downtime.queue import FOLDER, look


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("queue", help=(__doc__ or "").partition("\n")[0], description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    shown = actions.add_parser("list", help="how much waits, of which kinds, since when")
    add_config(shown)
    add_json(shown)
    made = actions.add_parser("make-key", help="write a new key (mode 0600); never overwrites")
    made.add_argument("file", type=Path, metavar="FILE", help="outside the state folder")
    add_config(made)


def run(args: argparse.Namespace) -> int:
    state = settings(args).kiosk.state_dir
    return _list(state / FOLDER, args.json) if args.action == "list" else _make_key(args.file, state)


def _list(folder: Path, json_path: Path | None) -> int:
    try:
        waiting = look(folder)
    except OSError as error:
        return verdict(f"{folder} cannot be read ({type(error).__name__})", False, json_path)
    kinds = {kind.name.lower(): count for kind, count in waiting.kinds.items()}
    since = None if waiting.oldest is None else waiting.oldest.astimezone().isoformat(timespec="seconds")
    data = {"count": waiting.count, "oldest": since, "kinds": kinds, "unreadable": waiting.unreadable}
    if waiting.oldest is None:
        return verdict("nothing waits", True, json_path, data)
    for name, count in (*kinds.items(), ("unreadable", waiting.unreadable)):
        print(f"{name:10} {count}")
    line = f"{waiting.count} waiting, the oldest since {_clock(waiting.oldest)}"
    return verdict(line, waiting.unreadable == 0, json_path, data)


def _make_key(path: Path, state: Path) -> int:
    try:
        make_key(path, state)
    except KeyRefused as error:
        return verdict(f"no key was made: {error}", False)
    except OSError as error:
        return verdict(f"{path} cannot be written ({type(error).__name__})", False)
    return verdict(f"{path}: new key; name it in downtime.key_file, and keep no copy with the state folder", True)


def _clock(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
