"""Write sample result files in both encodings, with a manifest of what a receipt computer should read in them.

The people are fictional and every file says that it is a simulation. Consumers often take only files of the day; files
are therefore of now, unless `--at` gives another time, with which every run writes the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from kiosk.cli.options import add_json
from kiosk.cli.report import verdict
from kiosk.oqs.document import SIMULATION_NOTICE, Encoding
from kiosk.oqs.samples import INSTITUTION, Sample, samples, written
from kiosk.qualification import JST, TIME

FOLDERS = {Encoding.UTF8: "utf-8", Encoding.SHIFT_JIS: "shift_jis"}
MANIFEST = "manifest.json"


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("samples", help=(__doc__ or "").partition("\n")[0], description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder of their own, new or empty")
    parser.add_argument("--at", type=_time, default=None, metavar="YYYYMMDDHHmmss", help="Japanese time of the answers")
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    out: Path = args.out
    # Real files must never lie beside simulated ones.
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        return verdict(f"{out}: not empty", False, args.json, {})
    entries = []
    try:
        for folder in FOLDERS.values():
            (out / folder).mkdir(parents=True)
        for sample in samples(args.at or datetime.now(JST)):
            made = [_write(out, sample, encoding) for encoding in FOLDERS]
            entries += made
            kind = "face" if sample.face else "answer"
            circles = max(entry["substituted"] for entry in made)
            print(f"{sample.key:26} {kind:6} {sample.title}{f' (● x {circles} in Shift_JIS)' if circles else ''}")
        manifest = {"notice": SIMULATION_NOTICE, "simulated": True, "institution": INSTITUTION, "files": entries}
        (out / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        return verdict(f"{out}: cannot be written ({type(error).__name__})", False, args.json, {})
    figures = {"samples": len(entries) // len(FOLDERS), "files": len(entries), "manifest": out / MANIFEST}
    line = f"{figures['samples']} samples x {len(FOLDERS)} encodings = {len(entries)} files in {out}; see {MANIFEST}"
    return verdict(line, True, args.json, figures)


def _write(out: Path, sample: Sample, encoding: Encoding) -> dict[str, Any]:
    file = written(sample, encoding)
    path = Path(FOLDERS[encoding]) / file.name
    (out / path).write_bytes(file.content)
    return {
        "file": path.as_posix(),
        "key": sample.key,
        "title": sample.title,
        "good_for": sample.good_for,
        "kind": "face" if sample.face else "answer",
        "encoding": encoding.declared,
        "sha256": hashlib.sha256(file.content).hexdigest(),
        "substituted": file.substituted,
        "expected": file.expected,
    }


def _time(text: str) -> datetime:
    if not TIME.fits(text):
        raise argparse.ArgumentTypeError(TIME.allowed)
    return datetime.strptime(text, TIME.time_format).replace(tzinfo=JST)
