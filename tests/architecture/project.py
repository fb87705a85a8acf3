"""What the architecture tests look at: the files that belong to the project."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def tracked() -> tuple[Path, ...]:
    """Every file under version control, and every new one that is not ignored."""
    listed = subprocess.run(
        # The folder may belong to another user than the one who runs the tests (a container's mount).
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    paths = (ROOT / name for name in listed.decode("utf-8").split("\0") if name)
    return tuple(sorted({path for path in paths if path.is_file()}))


def texts() -> list[tuple[str, str]]:
    """(path below the root, content) of every tracked text file."""
    found = []
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content:
            found.append((path.relative_to(ROOT).as_posix(), content.decode("utf-8")))
    return found


def lines_that_match(pattern: str, suffixes: tuple[str, ...] = ("",)) -> list[str]:
    """`path:line: text` for every line of the tracked text files on which `pattern` is found."""
    expression = re.compile(pattern)
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, content in texts()
        if name.endswith(suffixes)
        for number, line in enumerate(content.splitlines(), 1)
        if expression.search(line)
    ]
