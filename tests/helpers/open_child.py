"""`devices.child` without its hardening, so that a test may look into its memory: `python -m … <descriptor>`."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

from devices import child
from devices.supervisor import Channel, ChildSpec

_ROOT = Path(__file__).resolve().parents[2]


def start(spec: ChildSpec) -> tuple[subprocess.Popen[bytes], Channel]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.helpers.open_child", str(theirs.fileno())],
        pass_fds=(theirs.fileno(),),
        stdin=subprocess.PIPE,
        cwd=_ROOT,
    )
    theirs.close()
    assert process.stdin is not None
    process.stdin.write(json.dumps({"target": spec.target, "parent": 0, "options": dict(spec.options)}).encode())
    process.stdin.close()
    return process, Channel(ours, spec.to_parent)


def hunt(pid: int, marks: dict[str, bytes]) -> set[str]:
    """Which of the marks stand in the writable memory of a process. Raises PermissionError where that is forbidden."""
    patterns = {name: re.compile(re.escape(mark)) for name, mark in marks.items()}
    found = set()
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            area, rights = line.split()[:2]
            if not rights.startswith("rw") or "[v" in line:
                continue
            start, end = (int(edge, 16) for edge in area.split("-"))
            try:
                memory.seek(start)
                data = memory.read(end - start)
            except (OSError, ValueError, OverflowError):
                continue
            found |= {name for name, pattern in patterns.items() if pattern.search(data)}
    return found


if __name__ == "__main__":
    child.harden = lambda parent=None: None
    child.main()
