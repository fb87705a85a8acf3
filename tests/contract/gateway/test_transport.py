"""Faults of the way there and back, and what the kiosk makes of them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from pathlib import Path

import pytest

from kiosk.eligibility.gateway import HttpsGateway
from kiosk.eligibility.port import Challenge, GatewayError, StaffVisual
from kiosk.eligibility.server import Fault, FaultKind
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import Eligibility, Method, StaffReason
from tests.contract.gateway.conftest import OTHER, Lane
from tests.helpers.gateway import certificate, every

STAFF = (StaffVisual(StaffReason.OTHER),)
DOWN = FailureCode.GATEWAY_DOWN


def failure(client: HttpsGateway) -> tuple[FailureCode, str]:
    with pytest.raises(GatewayError) as caught:
        client.check()
    return caught.value.failure, caught.value.upstream


def received(client: HttpsGateway, reception: str = "r1", challenge: Challenge | None = None) -> Eligibility:
    return client.receive(reception, challenge or client.challenge(), Method.STAFF, certificate("employee"), STAFF)


def test_a_server_that_drips_meets_the_deadline(lane: Lane) -> None:
    client = lane.connect(overall=0.8, read=0.5)
    client.check()
    lane.server.fault = Fault(FaultKind.SLOW, pause=0.1)  # each byte comes well within `read`; all take 12 s
    assert failure(client) == (DOWN, "<timeout>")


def test_a_dripping_handshake_meets_the_deadline_too(lane: Lane, tmp_path: Path) -> None:
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"\x16\x03\x03\x40\x00")
                while not stop.wait(0.05):
                    try:
                        connection.sendall(b"\x00")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        client = lane.connect(url=f"https://127.0.0.1:{listener.getsockname()[1]}", overall=0.6, read=0.4, tries=1)
        with pytest.raises(GatewayError) as caught:
            client.check()
        stop.set()
        thread.join()
    assert caught.value.failure is DOWN


def test_without_a_client_certificate_nothing_is_served(lane: Lane) -> None:
    def ask() -> bytes:
        context = ssl.create_default_context(cafile=lane.tls.ca)
        with (
            socket.create_connection(("127.0.0.1", lane.server.port), 5) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
        ):
            secured.sendall(b"POST /v1/challenges HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            return secured.recv(1)

    answer = b""
    with contextlib.suppress(OSError):  # an alert, or just the end, whichever arrives first
        answer = ask()
    assert answer == b""
    assert lane.server.requests == []


@pytest.mark.parametrize("kind", [FaultKind.NOTHING, FaultKind.TRUNCATED])
def test_a_lost_answer_is_asked_for_again_with_the_same_id(lane: Lane, client: HttpsGateway, kind: FaultKind) -> None:
    challenge = client.challenge()
    lane.server.fault = Fault(kind, times=1, path="/v1/receptions")
    assert received(client, challenge=challenge).registered
    assert lane.server.requests[1:] == ["POST /v1/receptions"] * 2


def test_a_lost_refusal_is_the_same_refusal_again(lane: Lane, client: HttpsGateway) -> None:
    challenge = client.challenge()
    lane.server.fault = Fault(FaultKind.NOTHING, times=1, path="/v1/receptions")
    with pytest.raises(GatewayError) as caught:
        client.receive("r1", challenge, Method.FACE, certificate("employee"), STAFF)
    assert caught.value.failure is FailureCode.EVIDENCE_INSUFFICIENT
    assert caught.value.upstream == "evidence_insufficient"


def test_the_same_reception_with_another_body_is_refused(client: HttpsGateway) -> None:
    received(client)
    with pytest.raises(GatewayError, match="reception_exists"):
        client.receive("r1", client.challenge(), Method.STAFF, certificate("elder"), STAFF)


def test_consents_whose_answer_was_lost_are_fetched(lane: Lane, client: HttpsGateway) -> None:
    questions = received(client).questions
    assert client.fetch("r1") is None
    assert client.fetch("unheard-of") is None
    lane.server.fault = Fault(FaultKind.NOTHING, path="/consents")
    with pytest.raises(GatewayError):
        client.consent("r1", every(questions), "ja", "2026-04")
    lane.server.fault = None
    with client.fetch("r1") or pytest.fail("no result") as fetched:
        first = bytes(fetched.view())
    with client.consent("r1", every(questions), "ja", "2026-04") as again:
        assert bytes(again.view()) == first
    with pytest.raises(GatewayError, match="consents_exist"):
        client.consent("r1", every(questions, False), "ja", "2026-04")


def test_a_reception_belongs_to_its_terminal(lane: Lane, client: HttpsGateway) -> None:
    other = lane.connect(terminal=OTHER, certificate=lane.tls.certificate(OTHER), key=lane.tls.key(OTHER))
    with client.consent("r1", every(received(client).questions), "ja", "2026-04"):
        assert other.fetch("r1") is None


def test_errors_tell_nothing_of_the_request(lane: Lane, client: HttpsGateway) -> None:
    lane.server.fault = Fault(FaultKind.NOTHING)
    with pytest.raises(GatewayError) as caught:
        client.fetch("0123456789abcdef")
    assert caught.value.__suppress_context__
    assert "0123456789abcdef" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1", "https://", "https://a@b", "https://a/?b", "127.0.0.1"])
def test_addresses_that_are_not_taken(lane: Lane, url: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        lane.connect(url=url)


@pytest.mark.parametrize("reception", ["", "../x", "a b", "a?b", "a" * 65])
def test_ids_that_are_not_taken(client: HttpsGateway, reception: str) -> None:
    with pytest.raises(ValueError, match="reception id"):
        client.fetch(reception)
