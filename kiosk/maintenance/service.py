"""Whether staff closed the kiosk (窓口休止): one word in a file, across restarts."""

from __future__ import annotations

from pathlib import Path

from kiosk.files import write_atomically


class ServiceFlag:
    """No file: open. Anything else than "open" in it: closed, since staff can open it again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def open(self) -> bool:
        try:
            return self._path.read_bytes().strip() == b"open"
        except FileNotFoundError:
            return True
        except OSError:
            return False

    def store(self, open: bool) -> None:
        """Raises OSError; the old word then stands."""
        write_atomically(self._path, b"open\n" if open else b"closed\n")
