"""The tests of the maintenance page: reader, camera, gateway."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from devices.errors import DeviceError
from kiosk.log import get
from kiosk.reception.events import Test
from kiosk.reception.failure import FailureCode

OK = "ok"
# Asks one device and waits for its answer; None: it works.
Probe = Callable[[], FailureCode | None]

_log = get("maintenance.diagnostics")
# What a probe that raises, or is not there, most likely means.
_USUAL: Mapping[Test, FailureCode] = {
    Test.READER: FailureCode.READER_MISSING,
    Test.CAMERA: FailureCode.CAMERA_LOST,
    Test.GATEWAY: FailureCode.GATEWAY_DOWN,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """`word`: "ok" or a failure's name in lower case, the suffix of a catalogue key."""

    device: Test
    word: str

    @property
    def ok(self) -> bool:
        return self.word == OK


class Diagnostics:
    """Runs the probes that the composition root injects; `run` blocks as long as a probe does."""

    def __init__(self, probes: Mapping[Test, Probe]) -> None:
        self._probes = dict(probes)

    def run(self, device: Test) -> Finding:
        probe = self._probes.get(device)
        try:
            failure = probe() if probe is not None else _USUAL[device]
        except (DeviceError, OSError, RuntimeError, ValueError) as error:
            _log.error("probe_failed", error, device=device)
            failure = _USUAL[device]
        return Finding(device, OK if failure is None else failure.name.lower())
