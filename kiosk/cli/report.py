"""How a command that measures or judges ends: one verdict line, and the figures as JSON if wanted."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def verdict(line: str, ok: bool, json_path: Path | None = None, data: Mapping[str, Any] | None = None) -> int:
    """Print `OK: line` or `FAILED: line`; write `{"ok", "verdict", **data}` to `json_path`. Returns the exit code.

    `data` is whatever JSON holds; paths and other objects are written as their text.
    """
    if json_path is not None:
        content = {**(data or {}), "ok": ok, "verdict": line}
        try:
            json_path.parent.mkdir(parents=True, exist_ok=True)
            json_path.write_text(
                json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True, default=str) + "\n", encoding="utf-8"
            )
        except OSError as error:
            print(f"{json_path} cannot be written ({type(error).__name__})", file=sys.stderr)
            ok = False
    print(f"{'OK' if ok else 'FAILED'}: {line}")
    return 0 if ok else 1
