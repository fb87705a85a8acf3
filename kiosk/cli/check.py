"""Read config.toml and tell everything that is wrong with it."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kiosk import config
from kiosk.cli.options import add_config, add_json
from kiosk.cli.report import verdict


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("check", help=__doc__, description=__doc__)
    add_config(parser)
    add_json(parser)
    parser.add_argument("--write-docs", type=Path, metavar="FILE", help="write the reference of all keys and stop")
    parser.add_argument("--write-template", type=Path, metavar="FILE", help="write a config.toml of defaults and stop")


def run(args: argparse.Namespace) -> int:
    if args.write_docs or args.write_template:
        for path, text in ((args.write_docs, config.reference()), (args.write_template, config.template())):
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
                print(f"{path} written")
        return 0
    try:
        settings = config.load(args.config, args.overrides)
    except config.ConfigError as error:
        for line in error.lines():
            print(line)
        problems = [asdict(problem) for problem in error.problems]
        return verdict(f"{args.config}: {len(problems)} problem(s)", False, args.json, {"problems": problems})
    kind = "simulated, practice cards only" if settings.simulated else "no part is simulated"
    use = "production" if settings.kiosk.production else "not for production"
    return verdict(f"{args.config}: no problem ({use}; {kind})", True, args.json, {"problems": []})
