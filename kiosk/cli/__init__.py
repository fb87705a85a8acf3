"""The command line: one module for each command.

A module `kiosk/cli/<name>.py` with `register(subparsers)` and `run(args) -> int` is the command `<name>`, written with
hyphens; the first line of its docstring is its help. Only the module of the command that was asked for is imported, so
that `kiosk --help` is quick and a command needs nothing of the others.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from kiosk.config import ConfigError

# Exit codes: 0 fine, 1 the verdict is negative, 2 the call or the configuration is wrong.
WRONG = 2
_STOPPED = 130  # as shells have it for SIGINT


def commands(folder: Path = Path(__file__).parent) -> dict[str, str]:
    """Name of each command -> its help, without importing any of them."""
    found: dict[str, str] = {}
    for file in sorted(folder.glob("[a-z]*.py")):
        source = file.read_text(encoding="utf-8")
        if "\ndef register(" in source:
            doc = ast.get_docstring(ast.parse(source)) or ""
            name = file.stem.replace("_", "-")
            found[name] = doc.partition("\n")[0].removeprefix(f"`kiosk {name}`: ").rstrip(".")
    return found


def parser(wanted: str | None) -> argparse.ArgumentParser:
    """All commands by name and help; the arguments of `wanted` only."""
    root = argparse.ArgumentParser(
        prog="kiosk", description="Reception kiosk for Japan's health-insurance card (受付)."
    )
    # required=False: argparse's own message would be a list of names; the help is friendlier.
    sub = root.add_subparsers(dest="command", metavar="COMMAND", required=False)
    for name, help_line in commands().items():
        if name == wanted:
            importlib.import_module(f"kiosk.cli.{name.replace('-', '_')}").register(sub)
        else:
            sub.add_parser(name, help=help_line.replace("%", "%%"), add_help=False)
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    wanted = next((word for word in words if not word.startswith("-")), None)
    root = parser(wanted)
    args = root.parse_args(words)
    if args.command is None:
        root.print_help()
        return WRONG
    module = importlib.import_module(f"kiosk.cli.{args.command.replace('-', '_')}")
    try:
        return int(module.run(args))
    except ConfigError as error:
        for line in error.lines():
            print(line, file=sys.stderr)
        print("`kiosk check` explains; nothing was started", file=sys.stderr)
        return WRONG
    except KeyboardInterrupt:
        return _STOPPED
