"""Registration, consents, and what a consent opens."""

from __future__ import annotations

import json
import ssl
import urllib.request
from typing import Any
from urllib.error import HTTPError

import pytest

from kiosk.eligibility.gateway import HttpsGateway
from kiosk.eligibility.port import RESULT_EXPIRED, GatewayError, StaffVisual
from kiosk.eligibility.tls import TERMINAL
from kiosk.fullresult import FullResult
from kiosk.reception.consent import Answers, Item
from kiosk.reception.failure import FailureCode
from kiosk.reception.states import Eligibility, Method, StaffReason, Validity
from tests.contract.gateway.conftest import OTHER, Lane
from tests.helpers.gateway import LOST, certificate, every, pin_signature, query

STAFF = (StaffVisual(StaffReason.OTHER),)


def received(client: HttpsGateway, name: str = "employee") -> Eligibility:
    return client.receive("r1", client.challenge(), Method.STAFF, certificate(name), STAFF)


def released(lane: Lane, kind: str, terminal: str = TERMINAL) -> tuple[int, Any]:
    """As the simulated 資格確認端末 asks."""
    context = ssl.create_default_context(cafile=lane.tls.ca)
    context.load_cert_chain(lane.tls.certificate(terminal), lane.tls.key(terminal))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(f"{lane.server.url}/terminal/v1/{kind}?reception=r1", timeout=10) as response:
            return response.status, json.load(response)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_full_result_of_a_consent(client: HttpsGateway) -> None:
    answers = Answers(((Item.MEDICATION, True), (Item.CHECKUP, False)), comprehensive=False)
    received(client)
    with client.consent("r1", answers, "ja", "2026-04") as body:
        result = FullResult.parse(body.view()).qualification
    assert result.marked_simulated
    assert result.person.medication_consent == "1"
    assert result.person.medication_until is not None
    assert (result.person.checkup_consent, result.person.checkup_time) == ("0", None)
    assert result.person.surgery_consent == "0"


def by_pin(client: HttpsGateway, name: str) -> Eligibility:
    challenge = client.challenge()
    signature = pin_signature(name, client.message(challenge))
    return client.receive("r1", challenge, Method.PIN, certificate(name), (signature,))


def test_a_check_by_eye_registers_nobody(client: HttpsGateway) -> None:
    received(client, "unregistered")
    with pytest.raises(GatewayError) as caught:
        client.register("r1")
    assert caught.value.failure is FailureCode.REGISTRATION_NOT_BY_STAFF
    assert caught.value.upstream == "registration_needs_face_or_pin"


def test_registration_first(client: HttpsGateway) -> None:
    eligibility = by_pin(client, "unregistered")
    assert not eligibility.registered
    assert eligibility.questions == ()
    with pytest.raises(GatewayError) as caught:
        client.consent("r1", Answers.none(), "ja", "2026-04")
    assert caught.value.upstream == "not_registered"
    eligibility = client.register("r1")
    assert eligibility.registered
    assert client.register("r1") == eligibility
    client.consent("r1", every(eligibility.questions), "ja", "2026-04").wipe()


def test_a_lost_qualification_is_told_and_asks_nothing(client: HttpsGateway) -> None:
    eligibility = received(client, LOST)
    assert (eligibility.validity, eligibility.questions) == (Validity.INVALID, ())
    with client.consent("r1", Answers.none(), "ja", "2026-04") as body:
        result = FullResult.parse(body.view())
    assert result.qualification.body.validity == "2"
    assert result.qualification.person.medication_consent == "0"


def test_an_answer_to_what_was_not_asked_is_refused(client: HttpsGateway) -> None:
    received(client)
    with pytest.raises(GatewayError) as caught:
        client.consent("r1", every((Item.SURGERY,)), "ja", "2026-04")
    assert (caught.value.failure, caught.value.upstream) == (FailureCode.GATEWAY_ERROR, "answer_without_question")


def test_consents_of_an_unknown_reception(client: HttpsGateway) -> None:
    with pytest.raises(GatewayError, match="reception_unknown"):
        client.consent("r1", Answers.none(), "ja", "2026-04")


def test_a_consent_opens_its_kind_for_24_hours(lane: Lane, client: HttpsGateway) -> None:
    assert released(lane, "YZK") == (404, {"error": "reception_unknown"})
    received(client)
    assert released(lane, "YZK") == (403, {"error": "not_consented"})
    answers = Answers(((Item.MEDICATION, True), (Item.CHECKUP, False)), comprehensive=False)
    client.consent("r1", answers, "ja", "2026-04").wipe()
    status, body = released(lane, "YZK")
    assert status == 200
    assert body["kind"] == "YZK"
    assert all("架空" in row["name"] for row in body["rows"])
    assert len(body["rows"]) > 0
    assert released(lane, "TKK") == (403, {"error": "not_consented"})
    assert released(lane, "YZK", OTHER) == (404, {"error": "reception_unknown"})
    lane.clock.forward(hours=23, minutes=59)
    assert released(lane, "YZK")[0] == 200
    lane.clock.forward(minutes=2)
    assert released(lane, "YZK") == (403, {"error": "consent_expired"})


def test_check_up_rows(lane: Lane, client: HttpsGateway) -> None:
    client.consent("r1", every(received(client).questions), "ja", "2026-04").wipe()
    status, body = released(lane, "TKK")
    assert status == 200
    assert body["rows"]


def test_the_contract_is_published(lane: Lane) -> None:
    context = ssl.create_default_context(cafile=lane.tls.ca)
    context.load_cert_chain(lane.tls.certificate(), lane.tls.key())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with opener.open(f"{lane.server.url}/openapi.json", timeout=10) as response:
        contract = json.load(response)
    assert {"/v1/challenges", "/v1/receptions", "/v1/receptions/{reception}/consents"} <= contract["paths"].keys()


def audited(lane: Lane, path: str) -> Any:
    context = ssl.create_default_context(cafile=lane.tls.ca)
    context.load_cert_chain(lane.tls.certificate(), lane.tls.key())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with opener.open(f"{lane.server.url}{path}", timeout=10) as response:
        return json.load(response)


def test_the_record_of_a_consent_can_be_read(lane: Lane, client: HttpsGateway) -> None:
    received(client)
    client.consent("r1", every((Item.MEDICATION,)), "vi", "2026-04").wipe()
    assert client.withdraw("r1")
    record = audited(lane, "/v1/receptions/r1/consents")
    assert (record["text_version"], record["language"]) == ("2026-04", "vi")
    assert record["answers"] == [{"item": "YZK", "given": True}]
    assert record["withdrawn_at"] is not None
    assert released(lane, "YZK") == (403, {"error": "consent_withdrawn"})


def test_the_record_of_a_registration_can_be_read(lane: Lane, client: HttpsGateway) -> None:
    by_pin(client, "unregistered")
    client.register("r1")
    assert audited(lane, "/v1/receptions/r1/registration")["method"] == "pin"


def test_nothing_to_withdraw(client: HttpsGateway) -> None:
    received(client)
    assert not client.withdraw("r1")
    client.consent("r1", every((Item.MEDICATION,), False), "ja", "2026-04").wipe()
    assert not client.withdraw("r1")


def test_a_result_can_be_fetched_for_48_hours(lane: Lane, client: HttpsGateway) -> None:
    received(client)
    client.consent("r1", every((Item.MEDICATION,)), "ja", "2026-04").wipe()
    lane.clock.forward(hours=47, minutes=59)
    (client.fetch("r1") or pytest.fail("no result")).wipe()
    lane.clock.forward(minutes=2)
    with pytest.raises(GatewayError) as caught:
        client.fetch("r1")
    assert (caught.value.failure, caught.value.upstream) == (FailureCode.GATEWAY_ERROR, RESULT_EXPIRED)


def test_by_number(client: HttpsGateway) -> None:
    validity, result = client.look_up("n1", query("employee"), True)
    assert validity is Validity.VALID
    with result or pytest.fail("no result") as found:
        first = FullResult.parse(found.view())
    assert first.qualification.person.medication_consent is None
    with client.fetch("n1") or pytest.fail("no result") as again:
        assert FullResult.parse(again.view()) == first
    assert client.look_up("n2", query("employee", number="0"), None) == (Validity.NONE, None)
    assert client.fetch("n2") is None
    with pytest.raises(GatewayError, match="reception_exists"):
        client.look_up("n1", query("elder"), True)
