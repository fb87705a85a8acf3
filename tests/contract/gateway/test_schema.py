"""schemathesis talks to the running gateway from its OpenAPI document alone, over mutual TLS, with every check.

It runs as a process of its own; its phases: examples, coverage (boundaries, wrong methods), fuzzing, stateful (along
the document's links).
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kiosk.eligibility import contract
from kiosk.eligibility.gateway import GatewaySettings, HttpsGateway
from kiosk.eligibility.port import StaffVisual
from kiosk.eligibility.server import SimulatedGateway
from kiosk.eligibility.tls import TERMINAL, TlsFolder
from kiosk.reception.consent import Answers, Item
from kiosk.reception.states import Method, StaffReason
from tests.helpers import gateway as helper

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("employee", "unregistered", "elder", helper.LOST)


def known(server: SimulatedGateway, tls: TlsFolder, path: Path) -> None:
    """A file for `tests.helpers.schema_hooks`; some receptions with consents, some without."""
    client = HttpsGateway(GatewaySettings(server.url, TERMINAL, tls.certificate(), tls.key(), tls.ca))
    receptions = []
    for number in range(24):
        name, reception = NAMES[number % len(NAMES)], f"known-{number}"
        receptions.append(reception)
        evidence = (StaffVisual(StaffReason.OTHER),)
        client.receive(reception, client.challenge(), Method.STAFF, helper.certificate(name), evidence)
        if number < 8 and name in ("employee", "elder"):
            client.consent(reception, Answers(((Item.MEDICATION, True),), False), "ja", "2026-04").wipe()
    client.close()
    certificates = [base64.b64encode(helper.person(name).auth_certificate).decode() for name in NAMES]
    queries = [json.loads(bytes(helper.query(name).view())) for name in NAMES]
    path.write_text(
        json.dumps({"terminal": TERMINAL, "certificates": certificates, "queries": queries, "receptions": receptions})
    )


def schemathesis(server: SimulatedGateway, tls: TlsFolder, folder: Path, *options: str) -> tuple[int, str]:
    """Exit code and what it printed."""
    if not (folder / "known.json").exists():
        known(server, tls, folder / "known.json")
    (folder / "openapi.json").write_text(contract.text())
    server.requests.clear()
    command = [sys.executable, "-m", "schemathesis.cli", "run", str(folder / "openapi.json")]
    command += ["--url", server.url, "--tls-verify", str(tls.ca)]
    command += ["--request-cert", str(tls.certificate()), "--request-cert-key", str(tls.key())]
    command += ["--checks", "all", "--generation-database", "none", "--no-color", "--workers", "1"]
    found = subprocess.run(
        [*command, *options],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.helpers.schema_hooks",
            "KNOWN_PEOPLE": str(folder / "known.json"),
        },
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    return found.returncode, found.stdout + found.stderr


def operations() -> dict[str, re.Pattern[str]]:
    """operationId -> what the server logs for it."""
    return {
        each["operationId"]: re.compile(re.sub(r"\{\w+\}", "[^/]+", f"{method.upper()} {path}"))
        for path, methods in contract.document()["paths"].items()
        for method, each in methods.items()
    }


def counts(server: SimulatedGateway) -> Counter[str]:
    return Counter(
        name for request in server.requests for name, pattern in operations().items() if pattern.fullmatch(request)
    )


def test_the_server_keeps_its_contract(tls: TlsFolder, tmp_path: Path) -> None:
    """15 examples for each operation and all links: a process that starts, and some 600 requests."""
    with SimulatedGateway(helper.known(), tls) as server:
        code, output = schemathesis(
            server, tls, tmp_path, "--max-examples", "15", "--phases", "examples,fuzzing,stateful", "--seed", "1"
        )
        assert code == 0, output
        assert set(counts(server)) == set(operations())
        assert "API Links:" in output
        assert len(server.desk.records()) > 4  # it came further than to refusals


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_the_server_keeps_its_contract_for_long(tls: TlsFolder, tmp_path: Path) -> None:
    with SimulatedGateway(helper.known(), tls) as server:
        code, output = schemathesis(server, tls, tmp_path, "--max-examples", "220", "--seed", "1")
        assert code == 0, output
        found = counts(server)
        # Of operations without a body schemathesis knows fewer different examples than it is asked for.
        fewer = [name for name in operations() if found[name] < 200]
        options = [each for name in fewer for each in ("--include-operation-id", name)]
        if fewer:
            more = ("--max-examples", "700", "--phases", "fuzzing", "--seed", "2")
            code, output = schemathesis(server, tls, tmp_path, *more, *options)
            assert code == 0, output
            found += counts(server)
        assert min(found[name] for name in operations()) >= 200, found
        print(sorted(found.items()))


# --- it would find a bug -------------------------------------------------------------------------------------------


def wrong_status(app: ASGIApp) -> ASGIApp:
    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def spoilt(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                message = {**message, "status": 201}
            await send(message)

        await app(scope, receive, spoilt if scope["path"].endswith("/withdrawal") else send)

    return wrapped


def crash(app: ASGIApp) -> ASGIApp:
    """Falls over a look-up with an empty symbol."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/v1/lookups":
            await app(scope, receive, send)
            return
        message = await receive()
        if b'"symbol":""' in message.get("body", b"").replace(b" ", b""):
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b"oops"})
            return

        async def again() -> Message:
            return message

        await app(scope, again, send)

    return wrapped


def wrong_shape(app: ASGIApp) -> ASGIApp:
    """A word where the contract has a yes or no."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def spoilt(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [each for each in message["headers"] if each[0] != b"content-length"]}
            if message["type"] == "http.response.body":
                message = {**message, "body": message["body"].replace(b'"registered":true', b'"registered":"yes"')}
            await send(message)

        await app(scope, receive, spoilt if scope["path"].endswith("/registration") else send)

    return wrapped


BUGS = (
    (wrong_status, "withdraw", "Undocumented status code"),
    (crash, "lookUp", "Server error"),
    (wrong_shape, "register", "Response violates schema"),
)


def test_bugs_in_the_server_are_found(tls: TlsFolder, tmp_path: Path) -> None:
    def buggy(app: ASGIApp) -> ASGIApp:
        for bug, _, _ in BUGS:
            app = bug(app)
        return app

    options = ["--max-examples", "25", "--phases", "fuzzing", "--seed", "1", "--continue-on-failure"]
    for _, operation, _ in BUGS:
        options += ["--include-operation-id", operation]
    with SimulatedGateway(helper.known(), tls, wrap=buggy) as server:
        code, output = schemathesis(server, tls, tmp_path, *options)
    assert code == 1, output
    for _, _, finding in BUGS:
        assert finding in output
