"""Personal payloads of a running reception behind opaque handles. `wipe` overwrites them all."""

from __future__ import annotations

import threading
from typing import Protocol

from kiosk.reception.states import ReceptionId


class Wipeable(Protocol):
    """What the vault holds: `devices.secret.SecretBytes`, `devices.blob.Blob`."""

    def wipe(self) -> None: ...


class ReceptionOver(Exception):
    """The reception was wiped; a payload that came late was wiped too."""


class Vault:
    """Safe to use from every thread. A handle names its kind and a number, nothing personal."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[ReceptionId, list[str]] = {}
        self._payloads: dict[str, Wipeable] = {}
        self._numbers = 0

    def open(self, reception: ReceptionId) -> None:
        """From now until `wipe`, payloads of this reception are kept."""
        with self._lock:
            self._open.setdefault(reception, [])

    def put(self, reception: ReceptionId, kind: str, payload: Wipeable) -> str:
        """Keep `payload` and return its handle. Raises `ReceptionOver` after wiping it when the reception ended."""
        with self._lock:
            handles = self._open.get(reception)
            if handles is not None:
                self._numbers += 1
                handle = f"{kind}:{self._numbers}"
                handles.append(handle)
                self._payloads[handle] = payload
                return handle
        payload.wipe()
        raise ReceptionOver

    def get(self, handle: str) -> Wipeable:
        """The payload, still owned by the vault. Raises `ReceptionOver` when it is gone."""
        with self._lock:
            payload = self._payloads.get(handle)
        if payload is None:
            raise ReceptionOver
        return payload

    def take(self, handle: str) -> Wipeable:
        """The payload, now owned by the caller: for what is used once (PIN, 照合番号)."""
        with self._lock:
            payload = self._payloads.pop(handle, None)
        if payload is None:
            raise ReceptionOver
        return payload

    def wipe(self, reception: ReceptionId) -> None:
        """Overwrite and forget everything of this reception. May be called again."""
        with self._lock:
            handles = self._open.pop(reception, [])
            payloads = [self._payloads.pop(handle) for handle in handles if handle in self._payloads]
        for payload in payloads:
            payload.wipe()

    def wipe_all(self) -> None:
        with self._lock:
            receptions = list(self._open)
        for reception in receptions:
            self.wipe(reception)

    def __len__(self) -> int:
        """Number of payloads held."""
        with self._lock:
            return len(self._payloads)
