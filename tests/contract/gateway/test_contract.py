"""One document for both sides: what is published, what the client sends, what the server answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kiosk.eligibility import contract, model
from kiosk.eligibility.gateway import GatewaySettings, HttpsGateway
from kiosk.eligibility.model import BadMessage
from kiosk.eligibility.port import GatewayError, StaffVisual
from kiosk.eligibility.server import SimulatedGateway
from kiosk.eligibility.simulated import RESULTS_KEPT
from kiosk.eligibility.tls import TERMINAL, TlsFolder
from kiosk.fullresult import FullResult
from kiosk.qualification import BadQualification
from kiosk.reception.consent import Item
from kiosk.reception.states import Method, StaffReason
from tests.helpers import gateway as helper
from tests.helpers.any_result import results as any_results
from tests.helpers.gateway import certificate, every, query
from tests.helpers.results import result

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = contract.document()


def validator(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]}, validate_formats=True)


def of(name: str) -> jsonschema_rs.Draft202012Validator:
    return validator({"$ref": f"#/components/schemas/{name}"})


def faults(name: str, value: object) -> list[str]:
    return [error.message for error in of(name).iter_errors(value)]


# --- the document --------------------------------------------------------------------------------------------------


def test_the_committed_copy_is_not_stale() -> None:
    written = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert written == contract.text(), "kiosk simulate gateway --write-openapi docs/openapi.json"


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    text = json.dumps(DOCUMENT)
    for reference in re.findall(r'"#/([^"]+)"', text):
        value = DOCUMENT
        for part in reference.split("/"):
            value = value[part]
    for name in DOCUMENT["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text


def examples(value: object) -> Iterator[tuple[dict[str, Any], object]]:
    if isinstance(value, dict):
        if "example" in value:
            yield value["schema"], value["example"]
        for each in value.values():
            yield from examples(each)


def test_every_body_has_an_example_that_fits() -> None:
    found = list(examples(DOCUMENT["paths"]))
    assert len(found) > 40
    for schema, example in found:
        assert list(validator(schema).iter_errors(example)) == []


def test_it_says_how_long_results_are_kept_and_who_may_ask() -> None:
    assert f"kept for {RESULTS_KEPT.days * 24} hours" in DOCUMENT["info"]["description"]
    assert DOCUMENT["components"]["securitySchemes"]["terminalCertificate"]["type"] == "mutualTLS"
    assert DOCUMENT["security"] == [{"terminalCertificate": []}]


# --- what travels --------------------------------------------------------------------------------------------------


class Wire:
    """Holds every request and every answer of the real client and the real server to the document."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, str]] = set()
        self.faults: list[str] = []

    def wrap(self, app: ASGIApp) -> ASGIApp:
        async def watching(scope: Scope, receive: Receive, send: Send) -> None:
            sent, answered, status = bytearray(), bytearray(), [0]

            async def taken() -> Message:
                message = await receive()
                sent.extend(message.get("body", b""))
                return message

            async def given(message: Message) -> None:
                status[0] = message.get("status", status[0])
                answered.extend(message.get("body", b""))
                await send(message)

            await app(scope, taken, given)
            self.judge(scope, bytes(sent), status[0], bytes(answered))

        return watching

    def judge(self, scope: Scope, sent: bytes, status: int, answered: bytes) -> None:
        operation = self.operation(scope["method"], scope["path"])
        self.seen.add((operation["operationId"], str(status)))
        body = operation.get("requestBody")
        if (body is not None) != bool(sent):
            self.faults.append(f"{operation['operationId']}: body")
        elif body is not None:
            self.check(operation["operationId"], body, sent)
        if str(status) not in operation["responses"]:
            self.faults.append(f"{operation['operationId']}: {status}")
        else:
            self.check(f"{operation['operationId']} {status}", operation["responses"][str(status)], answered)

    def check(self, where: str, part: dict[str, Any], data: bytes) -> None:
        schema = part["content"]["application/json"]["schema"]
        self.faults += [f"{where}: {each.message}" for each in validator(schema).iter_errors(json.loads(data))]

    @staticmethod
    def operation(method: str, path: str) -> dict[str, Any]:
        for template, methods in DOCUMENT["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in methods:
                found: dict[str, Any] = methods[method.lower()]
                return found
        raise AssertionError(f"{method} {path} is not in the document")


def test_client_and_server_speak_as_the_document_says(tls: TlsFolder) -> None:
    """A whole reception of everything, and the ways in which it is refused."""
    wire = Wire()
    staff = (StaffVisual(StaffReason.OTHER),)
    with SimulatedGateway(helper.rich(), tls, wrap=wire.wrap) as server:
        client = HttpsGateway(
            GatewaySettings(server.url, TERMINAL, tls.certificate(), tls.key(), tls.ca, asks=tuple(Item))
        )

        def refused(ask: Callable[[], object]) -> None:
            with pytest.raises(GatewayError):
                ask()

        challenge = client.challenge()
        eligibility = client.receive("r1", challenge, Method.STAFF, certificate("employee"), staff)
        refused(lambda: client.receive("r0", challenge, Method.STAFF, certificate("employee"), staff))
        refused(lambda: client.receive("r1", challenge, Method.STAFF, certificate("elder"), staff))
        signed = client.challenge()
        evidence = helper.presence("elder", client.message(signed)), helper.pin_signature("elder", b"")
        refused(lambda: client.receive("r2", signed, Method.FACE, certificate("elder"), evidence))
        assert client.fetch("r1") is None
        assert client.fetch("nobody") is None
        refused(lambda: client.consent("nobody", every(()), "ja", "1"))
        answers = every(eligibility.questions, dispense=("rx-1",))
        client.consent("r1", answers, "ja", "2026-04").wipe()
        refused(lambda: client.consent("r1", every(()), "ja", "2026-04"))
        (client.fetch("r1") or pytest.fail("no result")).wipe()
        client.withdraw("r1")
        refused(lambda: client.withdraw("nobody"))
        client.receive("r4", client.challenge(), Method.STAFF, certificate("unregistered"), staff)
        refused(lambda: client.register("r4"))
        signed = client.challenge()
        signature = helper.pin_signature("unregistered", client.message(signed))
        client.receive("r3", signed, Method.PIN, certificate("unregistered"), (signature,))
        client.register("r3")
        refused(lambda: client.register("nobody"))
        for number, limit in enumerate((None, True, False)):
            _, result = client.look_up(f"n{number}", query("employee"), limit)
            (result or pytest.fail("no result")).wipe()
        assert client.look_up("n9", query("employee", number="0"), None)[1] is None
        assert client.look_up("n9", query("employee"), None)[1] is not None  # mistyped, and typed again
        refused(lambda: client.look_up("n9", query("elder"), None))
        client.close()
    assert wire.faults == []
    sent = {"challenge", "receive", "register", "consent", "withdraw", "resume", "lookUp"}
    assert {(name, "200") for name in sent} <= wire.seen
    assert {("receive", "403"), ("receive", "409"), ("resume", "202"), ("resume", "404")} <= wire.seen


# --- the classes that parse ----------------------------------------------------------------------------------------


REPLIES = ("ChallengeReply", "EligibilityReply", "WithdrawalReply", "PendingReply", "Problem", "ConsentRecord")
REQUESTS = ("ReceptionRequest", "ConsentRequest", "LookupRequest")


def spoilt(value: Any) -> Iterator[Any]:
    """Everything once left out, once of another kind, once beside something unknown."""
    if isinstance(value, dict):
        yield {**value, "unknown": 1}
        for name, each in value.items():
            yield {key: kept for key, kept in value.items() if key != name}
            others: tuple[Any, ...] = (None, 1.5, "\n", "x" * 5000, [], {}, True)
            for other in others:
                yield {**value, name: other}
            for worse in spoilt(each):
                yield {**value, name: worse}
    elif isinstance(value, list):
        yield value * 50
        for number, each in enumerate(value):
            for worse in spoilt(each):
                yield [*value[:number], worse, *value[number + 1 :]]


@pytest.mark.parametrize("name", REPLIES + REQUESTS)
def test_parser_and_document_refuse_the_same(name: str) -> None:
    kind: type[model.Message] = getattr(model, name)
    example = contract.EXAMPLES[name]
    kind.parse(json.dumps(example).encode())
    count = 0
    for value in spoilt(example):
        count += 1
        assert accepted(kind, value) == of(name).is_valid(value), value
    assert count > 8


def accepted(kind: type[model.Message], value: object) -> bool:
    try:
        kind.parse(json.dumps(value).encode())
    except BadMessage:
        return False
    return True


@given(st.text(alphabet="AZaz09+/=-", max_size=48))
def test_base64_is_the_same_on_both_sides(text: str) -> None:
    for name, field in (("SignatureEvidence", "signature"), ("ChallengeReply", "nonce")):
        example = {"kind": "jpki_signature"} if name == "SignatureEvidence" else contract.EXAMPLES[name]
        value = {**example, field: text}
        assert accepted(getattr(model, name), value) == of(name).is_valid(value)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=50)
@given(any_results())
def test_every_record_that_parses_fits_the_document(record: Any) -> None:
    value = json.loads(FullResult("r1", record).to_json())
    assert faults("FullResult", value) == []


def test_what_the_document_refuses_of_a_full_result_the_client_refuses() -> None:
    """The other way round does not hold: elements have laws among each other that no schema can say."""
    value = json.loads(FullResult("r1", result()).to_json())
    count = 0
    for worse in spoilt(value):
        if not of("FullResult").is_valid(worse):
            count += 1
            with pytest.raises(BadQualification):
                FullResult.parse(json.dumps(worse).encode())
    assert count > 100
