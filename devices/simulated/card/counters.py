"""Try counters in a file, so that a simulated card keeps them from one process to the next."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path


class CounterFile:
    """JSON: `{card id: {"application/EF": tries left}}`. Several processes may share one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, card_id: str) -> dict[str, int]:
        """Empty without the file or the card. Raises OSError; ValueError for a file that is none of ours."""
        return self._all().get(card_id, {})

    def save(self, card_id: str, counters: Mapping[str, int]) -> None:
        """Whole or not at all: what a card counted down must not come back after a crash. Raises as `load`."""
        with self._locked():
            found = self._all()
            found[card_id] = dict(counters)
            fresh = self._path.with_name(self._path.name + ".new")
            with fresh.open("w", encoding="utf-8") as file:
                json.dump(found, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)

    def _all(self) -> dict[str, dict[str, int]]:
        try:
            value = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError:
            value = None
        if not isinstance(value, dict) or not all(_is_card(entry) for entry in value.values()):
            raise ValueError(
                f"{self._path}: not a file of try counters: allowed: {{card: {{application/EF: 0 to 15}}}}"
            )
        return value

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_name(self._path.name + ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _is_card(value: object) -> bool:
    return isinstance(value, dict) and all(type(left) is int and 0 <= left <= 15 for left in value.values())
