"""Options that several commands have."""

from __future__ import annotations

import argparse
from pathlib import Path

from kiosk.config import Settings, load

CONFIG = Path("config.toml")


def add_config(parser: argparse.ArgumentParser) -> None:
    """`--config` and `--set`; read them with `settings`."""
    parser.add_argument("--config", type=Path, default=CONFIG, metavar="FILE", help="settings (default: %(default)s)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="overrides",
        metavar="TABLE.KEY=VALUE",
        help="override one key for this run; may be repeated",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`, for `kiosk.cli.report.verdict`."""
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="write the result there, too")


def settings(args: argparse.Namespace) -> Settings:
    """Raises `ConfigError`, which the root shows."""
    return load(args.config, args.overrides)
