"""Programs of other people that talk to the card through PC/SC."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devices.simulated.pcscd import PcscdLane
from tests.helpers.picture import picture

APT_LINE = "apt-get install -y pcscd vsmartcard-vpcd opensc openssl"
PHOTO = picture(bytes(range(256)) * 40)


def pkcs11_module() -> Path | None:
    """OpenSC's PKCS #11 module."""
    return next(iter(sorted(Path("/usr/lib").glob("**/opensc-pkcs11.so"))), None)


def missing_tools() -> list[str]:
    names = ("opensc-tool", "pkcs15-tool", "pkcs11-tool", "openssl")
    missing = [f"{name} is not installed" for name in names if shutil.which(name) is None]
    if pkcs11_module() is None:
        missing.append("opensc-pkcs11.so is not installed")
    return missing


def run(lane: PcscdLane, *command: str, status: int = 0, environment: Mapping[str, str] | None = None) -> str:
    """Output of a program that ends with `status`; `environment` is added to the lane's."""
    variables = {**lane.environment, **(environment or {})}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


_CLIENT = """
import json, sys
from smartcard import scard
_, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
wanted, *apdus = json.loads(sys.argv[1])
name = "Virtual PCD 00 0%d" % wanted
_, states = scard.SCardGetStatusChange(context, 0, [(name, scard.SCARD_STATE_UNAWARE)])
result, card, _ = scard.SCardConnect(context, name, scard.SCARD_SHARE_EXCLUSIVE, scard.SCARD_PROTOCOL_T1)
answers = []
for apdu in apdus if result == 0 else []:
    code, data = scard.SCardTransmit(card, scard.SCARD_PCI_T1, list(bytes.fromhex(apdu)))
    answers.append([code & 0xFFFFFFFF, bytes(data or []).hex().upper()])
if result == 0:
    scard.SCardDisconnect(card, scard.SCARD_UNPOWER_CARD)
scard.SCardReleaseContext(context)
print(json.dumps({"state": states[0][1] & 0xFFFF, "connect": result & 0xFFFFFFFF, "answers": answers}))
"""


def pcsc(lane: PcscdLane, slot: int, *apdus: str) -> dict[str, Any]:
    """State of a slot, result of connecting, and the answers, by plain PC/SC calls in another process (libpcsclite
    looks at PCSCLITE_CSOCK_NAME once in a process)."""
    answer: dict[str, Any] = json.loads(
        run(lane, sys.executable, "-c", _CLIENT, json.dumps([slot, *apdus])).splitlines()[-1]
    )
    return answer
