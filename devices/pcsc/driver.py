"""What the card process needs of PC/SC, in one object."""

from __future__ import annotations

import os
from collections.abc import Callable

from devices.card.driver import Seen
from devices.pcsc.connection import Connection, open_card
from devices.pcsc.holders import likely_holder
from devices.pcsc.monitor import SOCKET_VARIABLE, ReaderMonitor
from devices.pcsc.scard import PyscardApi, ScardApi


class PcscDriver:
    """`reader`: part of the names of the readers to use, or empty for all. `socket`: where pcscd listens, when not in
    its usual place. `production`: virtual readers are refused."""

    def __init__(
        self, reader: str = "", socket: str = "", api: ScardApi | None = None, *, production: bool = False
    ) -> None:
        if socket:
            # libpcsclite reads it once, when it is loaded: before pyscard is imported.
            os.environ[SOCKET_VARIABLE] = socket
        self._api = api or PyscardApi()
        self._pattern = reader
        self._production = production
        self._monitor: ReaderMonitor | None = None

    def start(self, sink: Callable[[Seen], None]) -> None:
        self._monitor = ReaderMonitor(self._api, self._pattern, sink, production=self._production)
        self._monitor.start()

    def connect(self, reader: str) -> Connection:
        return open_card(self._api, reader, who=likely_holder)

    def stop(self) -> None:
        if self._monitor is not None:
            self._monitor.stop()
