"""A kiosk that is ended by SIGKILL before its n-th call to the disk: `victim.py FOLDER put|again|finish N`.

Ends with 0 when it came through, so that the test knows when it has been at every step.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from devices.secret import SecretBytes
from kiosk.downtime.queue import Queue
from kiosk.downtime.work import ConsentWork

CALLS = ("open", "fsync", "pwrite", "rename", "replace", "unlink", "close")


def main(root: Path, work: str, fatal: int) -> None:
    left = fatal

    def deadly(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return wrapped

    queue = Queue(root / "queue", SecretBytes((root / "key").read_bytes()), now=lambda: datetime.now(UTC))
    for name in CALLS:
        setattr(os, name, deadly(getattr(os, name)))
    if work == "finish":
        queue.work_off(lambda _, __: True)
    else:
        queue.put("r1", ConsentWork(SecretBytes(b"second" if work == "again" else b"first")))
    left = 0
    queue.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
