"""Fault x outcome: what the kiosk makes of everything that can go wrong between it and the gateway.

Every row also holds that nothing is lost and nothing doubled: when the line is well again, the same request gives the
answer, and the gateway has counted it once.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from devices.secret import SecretBytes
from kiosk.eligibility.gateway import GatewaySettings, HttpsGateway
from kiosk.eligibility.port import Challenge, GatewayError, StaffVisual
from kiosk.eligibility.server import Fault, FaultKind, SimulatedGateway
from kiosk.eligibility.tls import SERVER, TERMINAL, TlsFolder, make_test_tls
from kiosk.reception.consent import Item
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import Eligibility, Method, StaffReason
from tests.contract.gateway.conftest import Lane
from tests.helpers.gateway import certificate, every, known, pin_signature, query

DOWN, ERROR = FailureCode.GATEWAY_DOWN, FailureCode.GATEWAY_ERROR
NONSENSE, UNTRUSTED = FailureCode.GATEWAY_NONSENSE, FailureCode.GATEWAY_UNTRUSTED
T = TypeVar("T")
STAFF = (StaffVisual(StaffReason.OTHER),)
BODY = "<body or result>"  # the full result is parsed by another part than the short answers


def by_pin(client: HttpsGateway, reception: str, challenge: Challenge) -> Eligibility:
    """Somebody who has not registered yet, and may."""
    signature = pin_signature("unregistered", client.message(challenge))
    return client.receive(reception, challenge, Method.PIN, certificate("unregistered"), (signature,))


@dataclass(frozen=True)
class Row:
    kind: FaultKind
    outcome: tuple[FailureCode, str]
    done: bool = True  # the gateway did the work


ROWS = (
    Row(FaultKind.ERROR, (ERROR, "simulated_failure"), done=False),
    Row(FaultKind.REFUSED, (ERROR, "simulated_refusal"), done=False),
    Row(FaultKind.NOTHING, (DOWN, "<connection>")),
    Row(FaultKind.TRUNCATED, (NONSENSE, "<truncated>")),
    Row(FaultKind.HALF, (NONSENSE, BODY)),
    Row(FaultKind.WRONG_BODY, (NONSENSE, BODY)),
    Row(FaultKind.MISENCODED, (NONSENSE, BODY)),
    Row(FaultKind.TOO_LARGE, (NONSENSE, "<too large>")),
    Row(FaultKind.DOUBLED, (NONSENSE, BODY)),
    Row(FaultKind.OTHER_RECEPTION, (NONSENSE, "<other reception>")),
    Row(FaultKind.SLOW, (DOWN, "<timeout>")),
    Row(FaultKind.STALL, (DOWN, "<timeout>")),
)


@dataclass
class Site:
    lane: Lane
    client: HttpsGateway
    challenge: Challenge

    def receive(self) -> object:
        return by_pin(self.client, "r1", self.challenge)

    def register(self) -> object:
        return self.client.register("r1")

    def consent(self) -> object:
        with self.client.consent("r1", every(self.questions()), "ja", "2026-04") as result:
            return bytes(result.view())

    def look_up(self) -> object:
        validity, result = self.client.look_up("r2", query("employee"), limit=True)
        assert result is not None
        with result:
            return validity, bytes(result.view())

    def withdraw(self) -> object:
        return self.client.withdraw("r1")

    def questions(self) -> tuple[Item, ...]:
        return self.client.register("r1").questions


STEPS: tuple[tuple[str, str], ...] = (  # in the order of a reception: name, part of the path
    ("receive", "/v1/receptions"),
    ("register", "/registration"),
    ("consent", "/consents"),
    ("withdraw", "/withdrawal"),
    ("look_up", "/v1/lookups"),
)


def counted(server: SimulatedGateway) -> tuple[int, int]:
    return len(server.desk.receptions()), len(server.desk.records())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.kind.value)
def test_a_fault_has_its_failure_and_costs_nothing(lane: Lane, row: Row) -> None:
    """A reception in which every step meets the fault first."""
    client = lane.connect(overall=0.4, read=0.3) if row.outcome[1] == "<timeout>" else lane.connect()
    site = Site(lane, client, client.challenge())
    for step, path in STEPS:
        ask: Callable[[], object] = getattr(site, step)
        before = counted(lane.server)
        lane.server.fault = Fault(row.kind, path=path)
        with pytest.raises(GatewayError) as caught:
            ask()
        lane.server.fault = None
        word = ("<result>" if step == "consent" else "<body>") if row.outcome[1] == BODY else row.outcome[1]
        assert (caught.value.failure, caught.value.upstream) == (row.outcome[0], word), step

        after = counted(lane.server)
        answer = ask()
        assert ask() == answer, step
        new = (int(step in ("receive", "look_up")), int(step == "consent"))
        assert counted(lane.server) == (before[0] + new[0], before[1] + new[1]), step
        assert after == (counted(lane.server) if row.done else before), step
    assert counted(lane.server) == (2, 1)


def test_every_fault_has_its_row() -> None:
    elsewhere = {FaultKind.CLOCK, FaultKind.TWICE}
    assert {row.kind for row in ROWS} == set(FaultKind) - elsewhere


def test_a_lost_result_is_fetched(lane: Lane, client: HttpsGateway) -> None:
    site = Site(lane, client, client.challenge())
    site.receive()
    lane.server.fault = Fault(FaultKind.NOTHING, path="/consents")
    with pytest.raises(GatewayError):
        site.consent()
    lane.server.fault = None
    with client.fetch("r1") or pytest.fail("no result") as fetched:
        assert bytes(fetched.view()) == site.consent()


@pytest.mark.parametrize("tries", [1, 2])
def test_an_answer_that_comes_twice_is_never_the_answer_to_something_else(lane: Lane, tries: int) -> None:
    """With one try it may be found where another answer is waited for; with two that is asked for again."""
    client = lane.connect(tries=tries)

    def sure(ask: Callable[[], T]) -> T:
        try:
            return ask()
        except GatewayError as error:
            if tries > 1 or (error.failure, error.upstream) != (NONSENSE, "<other request>"):
                raise
            return ask()

    for number in range(10):
        reception = f"r{number}"
        challenge = sure(client.challenge)
        lane.server.fault = Fault(FaultKind.TWICE)
        receive = partial(by_pin, client, reception, challenge)
        assert not sure(receive).registered
        assert sure(partial(client.register, reception)).registered
        questions = sure(partial(client.register, reception)).questions
        sure(partial(client.consent, reception, every(questions), "ja", "2026-04")).wipe()
        assert sure(partial(client.withdraw, reception))
        lane.server.desk._registered.clear()
    assert counted(lane.server) == (10, 10)


def test_clocks_a_year_apart_are_not_believed(lane: Lane, client: HttpsGateway) -> None:
    lane.server.fault = Fault(FaultKind.CLOCK)
    assert failure(client) == (UNTRUSTED, "<clock>")
    lane.server.fault = None
    client.check()


@pytest.mark.parametrize(("minutes", "good"), [(-11, False), (-9, True), (9, True), (11, False)])
def test_clocks_may_be_ten_minutes_apart(lane: Lane, minutes: float, good: bool) -> None:
    here = lane.clock().timestamp() + minutes * 60
    client = HttpsGateway(lane.settings, lambda: here)
    if good:
        client.check()
    else:
        assert failure(client) == (UNTRUSTED, "<clock>")
    client.close()


# --- before a word is said -----------------------------------------------------------------------------------------


def failure(client: HttpsGateway) -> tuple[FailureCode, str]:
    with pytest.raises(GatewayError) as caught:
        client.check()
    return caught.value.failure, caught.value.upstream


@contextmanager
def between(server: TlsFolder, client: TlsFolder, ca: Path, url: str = "") -> Iterator[tuple[HttpsGateway, list[str]]]:
    with SimulatedGateway(known(), server) as gateway:
        settings = GatewaySettings(url or gateway.url, TERMINAL, client.certificate(), client.key(), ca)
        gate = HttpsGateway(settings)
        yield gate, gateway.requests
        gate.close()


def test_a_name_that_nobody_knows(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "name not known")

    client = lane.connect(url="https://gateway.invalid")
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert failure(client) == (DOWN, "<connection>")


def test_nobody_listens(lane: Lane) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert failure(lane.connect(url=f"https://127.0.0.1:{port}")) == (DOWN, "<connection>")


def test_an_alert_instead_of_a_handshake(lane: Lane) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def alert() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")  # fatal, handshake_failure

        thread = threading.Thread(target=alert)
        thread.start()
        client = lane.connect(url=f"https://127.0.0.1:{listener.getsockname()[1]}", tries=1, connect=0.3)
        assert failure(client) == (UNTRUSTED, "<tls>")
        thread.join()


def test_a_server_of_another_authority_is_not_spoken_to(lane: Lane, tmp_path: Path) -> None:
    assert failure(lane.connect(ca=make_test_tls(tmp_path).ca)) == (UNTRUSTED, "<tls>")
    assert lane.server.requests == []


def test_a_server_of_another_name_is_not_spoken_to(tls: TlsFolder, tmp_path: Path) -> None:
    other = make_test_tls(tmp_path, host="elsewhere.invalid")
    with between(other, other, other.ca) as (client, requests):
        assert failure(client) == (UNTRUSTED, "<tls>")
        assert requests == []


def test_a_server_whose_certificate_has_ended_is_not_spoken_to(tmp_path: Path) -> None:
    ended = make_test_tls(tmp_path, ended=(SERVER,))
    with between(ended, ended, ended.ca) as (client, requests):
        assert failure(client) == (UNTRUSTED, "<tls>")
        assert requests == []


def test_our_own_certificate_has_ended(tmp_path: Path) -> None:
    ended = make_test_tls(tmp_path, ended=(TERMINAL,))
    with between(ended, ended, ended.ca) as (client, requests):
        assert failure(client) == (UNTRUSTED, "<client certificate>")
        assert requests == []


def test_a_client_of_another_authority_is_not_served(lane: Lane, tmp_path: Path) -> None:
    other = make_test_tls(tmp_path)
    client = lane.connect(certificate=other.certificate(), key=other.key())
    assert failure(client) == (UNTRUSTED, "<client certificate>")
    assert lane.server.requests == []


def test_nothing_of_a_reception_is_lost_while_nobody_is_reached(lane: Lane, client: HttpsGateway) -> None:
    """Refused, then the line is back: the reception goes on where it was."""
    site = Site(lane, client, client.challenge())
    site.receive()
    away = HttpsGateway(replace(lane.settings, url="https://127.0.0.1:1"), lambda: lane.clock().timestamp())
    with pytest.raises(GatewayError) as caught:
        away.consent("r1", every(site.questions()), "ja", "2026-04")
    assert caught.value.failure is DOWN
    away.close()
    assert counted(lane.server) == (1, 0)
    assert site.consent()
    assert counted(lane.server) == (1, 1)


def test_a_query_that_is_none_is_our_own_mistake(client: HttpsGateway) -> None:
    for data in (b"", b"[]", b'{"insurer": 1}', b'{"insurer":"1","symbol":"","number":"1","branch":"","birth":"1"}'):
        with pytest.raises(ValueError, match="not a query"):
            client.look_up("r1", SecretBytes(data), limit=None)


# --- answers that fit the document and not the question ------------------------------------------------------------


def replacing(old: bytes, new: bytes) -> Callable[[ASGIApp], ASGIApp]:
    def wrap(app: ASGIApp) -> ASGIApp:
        async def replaced(scope: Scope, receive: Receive, send: Send) -> None:
            async def spoilt(message: Message) -> None:
                if message["type"] == "http.response.start":
                    kept = [each for each in message["headers"] if each[0] != b"content-length"]
                    message = {**message, "headers": kept}
                else:
                    message = {**message, "body": re.sub(old, new, message["body"])}
                await send(message)

            await app(scope, receive, spoilt)

        return replaced

    return wrap


OTHER, RESULT = "<other reception>", "<result>"


@pytest.mark.parametrize(
    ("old", "new", "consent", "look_up"),
    [
        (rb'("ArbitraryFileIdentifier": ?)"[^"]+"', rb'\1"AAAAAAAAAAAAAAAA"', OTHER, OTHER),
        (rb'"ArbitraryFileIdentifier": ?"[^"]+",', b"", OTHER, OTHER),
        (rb'("reception": ?)"r[12]"(, ?"qualification")', rb'\1"r9"\2', OTHER, OTHER),
        (rb'("validity": ?)"1"', rb'\1"2"', "", RESULT),
        (rb'("validity": ?)"1"', rb'\1"4"', "", RESULT),
        (rb'("result": ?)\{.*\}', rb"\1null}", "", RESULT),
        (rb'("QualificationValidity": ?)"1"', rb'\1"4"', RESULT, RESULT),
        (rb'("Birthdate": ?)"[0-9]{8}"', rb'\1"20260230"', RESULT, RESULT),
    ],
)
def test_an_answer_to_another_question(tls: TlsFolder, old: bytes, new: bytes, consent: str, look_up: str) -> None:
    with SimulatedGateway(known(), tls, wrap=replacing(old, new)) as server:
        client = HttpsGateway(GatewaySettings(server.url, TERMINAL, tls.certificate(), tls.key(), tls.ca))
        if consent:
            client.receive("r1", client.challenge(), Method.STAFF, certificate("employee"), STAFF)
            with pytest.raises(GatewayError) as caught:
                client.consent("r1", every(()), "ja", "2026-04")
            assert (caught.value.failure, caught.value.upstream) == (NONSENSE, consent)
        with pytest.raises(GatewayError) as caught:
            client.look_up("r2", query("employee"), limit=None)
        assert (caught.value.failure, caught.value.upstream) == (NONSENSE, look_up)
        client.close()
