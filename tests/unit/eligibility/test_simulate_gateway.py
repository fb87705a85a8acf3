"""`kiosk simulate gateway` as a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kiosk.eligibility.gateway import GatewaySettings, HttpsGateway
from kiosk.eligibility.model import BadMessage, GatewayWorld
from kiosk.eligibility.tls import TERMINAL, TlsFolder, ensure_test_tls
from tests.helpers.gateway import known

ROOT = Path(__file__).resolve().parents[3]


def start(folder: Path, world: str = "-") -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "kiosk", "simulate", "gateway", "--world", world, "--tls", str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


@pytest.mark.parametrize("end", ["end of input", "SIGTERM"])
def test_serves_until_it_is_told_to_end(tmp_path: Path, end: str) -> None:
    with start(tmp_path / "tls") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(known().to_bytes() + b"\n")
        process.stdin.flush()
        url = process.stdout.readline().decode().split()[-1]
        tls = TlsFolder(tmp_path / "tls")
        client = HttpsGateway(GatewaySettings(url, TERMINAL, tls.certificate(), tls.key(), tls.ca))
        client.check()
        client.close()
        if end == "SIGTERM":
            process.send_signal(signal.SIGTERM)
        else:
            process.stdin.close()
        assert process.wait(20) == 0


def test_a_world_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "world").write_text("{}")
    with start(tmp_path / "tls", str(tmp_path / "world")) as process:
        out, _ = process.communicate(timeout=20)
        assert process.returncode == 1
    assert out.startswith(b"FAILED: ")


def test_the_world_there_and_back() -> None:
    assert GatewayWorld.parse(known().to_bytes()) == known()
    with pytest.raises(BadMessage) as caught:
        GatewayWorld.parse(known().to_bytes().replace("試験".encode(), b"\xff"))
    assert "試験" not in str(caught.value)


def test_certificates_are_made_once_and_again_when_one_is_missing(tmp_path: Path) -> None:
    first = ensure_test_tls(tmp_path).ca.read_bytes()
    assert ensure_test_tls(tmp_path).ca.read_bytes() == first
    TlsFolder(tmp_path).key().unlink()
    assert ensure_test_tls(tmp_path).ca.read_bytes() != first
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())
    assert not any(b"J-LIS" in path.read_bytes() and b"TEST" not in path.read_bytes() for path in tmp_path.iterdir())
