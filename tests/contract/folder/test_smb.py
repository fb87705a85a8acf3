"""The folder look-up over a real SMB share: smbd, a client of it, and the terminal on the server's side."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import no_lane
from tests.contract.folder.smb_child import UNABLE

ROOT = Path(__file__).resolve().parents[3]
EXPECTED = {
    "answered in UTF-8": ["validity 1, somebody", [0, 0]],
    "answered in Shift_JIS": ["validity 1, somebody", [0, 0]],
    "half-written": ["validity 1, somebody", [0, 0]],
    "wrong-identifier": ["FOLDER_NONSENSE <other reception>", [0, 0]],
    "dtd": ["FOLDER_NONSENSE <dtd>", [0, 0]],
    "garbage": ["FOLDER_NONSENSE <declaration>", [0, 0]],
    "late": ["FOLDER_TIMEOUT <no answer>", [0, 0]],
    "late, fetched": [True, [0, 0]],
    "no answer": ["FOLDER_TIMEOUT <no answer>", [0, 0]],
    "held by another program": ["validity 1, somebody", [0, 1]],
    "let go and tidied": [0, 0],
    "server gone": "FOLDER_DOWN <share gone>",
    "server back": ["validity 1, somebody", [0, 0]],
}


@pytest.mark.long
def test_over_smb(tmp_path: Path) -> None:
    # Takes its time: server and client are started, and lose each other. The namespaces end with the process, and with
    # them the mount; the port is in a network of its own.
    unshare = ["unshare", "-n", "-m"] if os.geteuid() == 0 else ["unshare", "-Urnm"]
    child = subprocess.run(
        [*unshare, sys.executable, "-m", "tests.contract.folder.smb_child", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        timeout=200,
        check=False,
    )
    if child.returncode in (1, UNABLE) and not (child.returncode == 1 and b"Traceback" in child.stderr):
        no_lane(f"no SMB lane ({child.stdout.decode().strip()}). Install it: apt-get install samba smbclient smbnetfs")
    assert child.returncode == 0, child.stderr.decode()
    assert json.loads(child.stdout) == EXPECTED
