"""Read config.toml and tell everything that is wrong with it; or hold face result files to their rules."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from kiosk import config
from kiosk.cli.options import add_config, add_json
from kiosk.cli.report import verdict
from kiosk.config import FaceEngine
from kiosk.oqs import rules, schema
from kiosk.oqs.reader import MAX_BYTES
from kiosk.qualification import Fault, Rule

UNREADABLE = Rule("unreadable", "The file can be read.", "the operating system")


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("check", help=__doc__, description=__doc__)
    add_config(parser)
    add_json(parser)
    parser.add_argument("--write-docs", type=Path, metavar="FILE", help="write the reference of all keys and stop")
    parser.add_argument("--write-template", type=Path, metavar="FILE", help="write a config.toml of defaults and stop")
    parser.add_argument(
        "--face-file",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="what a strict consumer would refuse about this face result file, or about all of this folder; "
        "may be repeated",
    )
    parser.add_argument("--rules", action="store_true", help="print all rules for face result files")
    parser.add_argument("--write-schema", type=Path, metavar="FILE", help="write the XML schema of the file and stop")
    parser.add_argument("--write-face-docs", type=Path, metavar="FILE", help="renew the tables of this page and stop")


def run(args: argparse.Namespace) -> int:
    if _written(args):
        return 0
    if args.face_file or args.rules:
        return _face_files(args)
    try:
        settings = config.load(args.config, args.overrides)
    except config.ConfigError as error:
        for line in error.lines():
            print(line)
        problems = [asdict(problem) for problem in error.problems]
        return verdict(f"{args.config}: {len(problems)} problem(s)", False, args.json, {"problems": problems})
    told, bound = _strangers(settings)
    print(told)
    kind = "simulated, practice cards only" if settings.simulated else "no part is simulated"
    use = "production" if settings.kiosk.production else "not for production"
    data: dict[str, Any] = {"problems": [], "strangers_per_reception": bound}
    return verdict(f"{args.config}: no problem ({use}; {kind})", True, args.json, data)


def _strangers(settings: config.Settings) -> tuple[str, float | None]:
    """How many strangers a reception may take for the card's owner, all its attempts counted: in words, as a share."""
    from devices.face.operating import load_thresholds  # numpy and the devices: not for --rules and the like

    face = settings.face
    point = load_thresholds(FaceEngine.CENTRED, frames=face.frames)
    bound = point.per_reception(face.attempts)
    if face.engine is not FaceEngine.CENTRED or bound is None or point.fmr is None:
        return f"face: no bound on strangers is stated for {face.engine}", None
    told = (
        f"face: chosen for at most {bound:.2%} of strangers taken for the owner in one reception: {face.attempts} "
        f"attempts x 1 comparison x {point.fmr:.2%} (mean of {face.frames}, up to {point.accept:g}; set: "
        f"{face.accept:g}); no figure exists for people over 70, children, or ten-year-old photos"
    )
    return told, bound


def _written(args: argparse.Namespace) -> bool:
    texts = []
    if args.write_docs:
        texts.append((args.write_docs, config.reference()))
    if args.write_template:
        texts.append((args.write_template, config.template()))
    if args.write_schema:
        texts.append((args.write_schema, schema.xsd()))
    if args.write_face_docs:
        texts.append((args.write_face_docs, schema.filled(args.write_face_docs.read_text(encoding="utf-8"))))
    for path, text in texts:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"{path} written")
    return bool(texts)


def _face_files(args: argparse.Namespace) -> int:
    if args.rules:
        for rule in rules.RULES:
            print(f"{rule.id:24} {rule.basis:10} {rule.says}")
    files = []
    for path in args.face_file:
        found = list(_expanded(path))
        if not found:
            print(f"{path}: no file {rules.ANSWER}*.xml in it")
            return verdict(f"{path}: nothing to check", False, args.json, {"files": []})
        files += found
    broken = {file: _faults(file) for file in files}
    for file, faults in broken.items():
        for fault in faults:
            print(f"{file}: {fault.rule.id} ({fault.rule.basis}): {fault}")
    bad = sum(bool(faults) for faults in broken.values())
    data = {
        "files": [{"file": file, "faults": [_fault(fault) for fault in faults]} for file, faults in broken.items()],
        "rules": [_rule(rule) for rule in rules.RULES],
    }
    line = f"{len(files)} file(s), {bad} that a strict consumer would refuse; {len(rules.RULES)} rules"
    return verdict(line, not bad, args.json, data)


def _expanded(path: Path) -> Iterator[Path]:
    """A folder stands for the answers in it, at any depth."""
    if path.is_dir():
        prefix = rules.ANSWER.lower()
        yield from sorted(
            file
            for file in path.rglob("*")
            if file.name.lower().startswith(prefix) and file.suffix.lower() == ".xml" and file.is_file()
        )
    else:
        yield path


def _faults(file: Path) -> list[Fault]:
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        return [Fault(UNREADABLE, "file", type(error).__name__, "a file that can be read")]
    return rules.check(file.name, content)


def _fault(fault: Fault) -> dict[str, str]:
    return _rule(fault.rule) | {"where": fault.where, "what": fault.what, "allowed": fault.allowed}


def _rule(rule: Rule) -> dict[str, str]:
    return {"rule": rule.id, "says": rule.says, "basis": rule.basis, "source": rule.source}
