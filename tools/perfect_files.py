"""Fails when a file that must not be wrong has a line or a branch that no test reaches.

    python tools/perfect_files.py REPORT.json      REPORT.json is what `coverage json` wrote

The files are `[tool.coverage.run] include` of pyproject.toml. One that the report does not know was imported by no
test: that counts as not covered. Reached means: by one of the traced tests (`TRACED` in tests/conftest.py).
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any


def perfect_files(root: Path) -> list[str]:
    """The files meant, relative to `root`. Raises FileNotFoundError when a pattern names nothing."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    files: list[str] = []
    for pattern in project["tool"]["coverage"]["run"]["include"]:
        found = sorted(root.glob(pattern))
        if not found:
            raise FileNotFoundError(f"{pattern}: must be covered, but there is no such file")
        files += [file.relative_to(root).as_posix() for file in found]
    return files


def gaps(files: list[str], report: dict[str, Any]) -> list[str]:
    """One line for every file with unreached lines or branches; `report` is what `coverage json` wrote."""
    found = []
    for file in files:
        measured = report["files"].get(file)
        if measured is None:
            found.append(f"{file}: not imported by any test")
            continue
        lines = measured["missing_lines"]
        branches = [f"{start}->{end}" for start, end in measured["missing_branches"]]
        if lines or branches:
            found.append(f"{file}: lines {lines}, branches {branches} are not reached")
    return found


def main(arguments: list[str]) -> int:
    files = perfect_files(Path.cwd())
    report = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    found = gaps(files, report)
    for line in found:
        sys.stderr.write(f"not fully covered: {line}\n")
    if found:
        sys.stderr.write("Only the tests that tests/conftest.py names as TRACED count.\n")
    else:
        sys.stdout.write(f"{len(files)} files with every line and branch reached\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
