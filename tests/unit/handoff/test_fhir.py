"""The FHIR bundle: only elements that R4 has, consents as the record's flags say, nothing for nobody."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from hypothesis import given, settings

from kiosk.fullresult import FullResult
from kiosk.handoff import fhir
from kiosk.handoff.errors import HandoffRefused
from kiosk.oqs.samples import Sample, samples
from kiosk.qualification import JST, BadQualification, Confirmation, QualificationResult
from tests.helpers.any_result import results
from tests.helpers.full import full
from tests.helpers.results import INSTITUTION, result

AT = datetime(2026, 4, 1, 9, 0, tzinfo=JST)
LATER = datetime(2026, 4, 2, 10, 0, tzinfo=JST)
SAMPLES = samples(AT)

# What HL7 FHIR 4.0.1 says of the types that are used here, as far as it is used: element -> type. "[]": it repeats;
# "!": it must be there. Written from knowledge of it, not from the classes.
R4: dict[str, dict[str, str]] = {
    "Bundle": {
        "id": "id",
        "meta": "Meta",
        "language": "code",
        "identifier": "Identifier",
        "type": "code!",
        "timestamp": "instant",
        "entry": "Bundle.entry[]",
    },
    "Bundle.entry": {"fullUrl": "uri", "resource": "Resource"},
    "DomainResource": {
        "id": "id",
        "meta": "Meta",
        "language": "code",
        "contained": "Resource[]",
        "extension": "Extension[]",
    },
    "Meta": {"profile": "canonical[]", "security": "Coding[]", "tag": "Coding[]"},
    "Extension": {"url": "uri!", "valueCode": "code", "valueString": "string"},
    "Identifier": {"system": "uri", "value": "string"},
    "Coding": {"system": "uri", "code": "code", "display": "string"},
    "CodeableConcept": {"coding": "Coding[]", "text": "string"},
    "Reference": {"reference": "string", "type": "uri", "identifier": "Identifier", "display": "string"},
    "Period": {"start": "dateTime", "end": "dateTime"},
    "HumanName": {"extension": "Extension[]", "use": "code", "text": "string", "family": "string", "given": "string[]"},
    "Address": {"text": "string", "postalCode": "string"},
    "Organization": {"identifier": "Identifier[]", "name": "string"},
    "Patient": {
        "identifier": "Identifier[]",
        "name": "HumanName[]",
        "gender": "code",
        "birthDate": "date",
        "address": "Address[]",
    },
    "Coverage": {
        "status": "code!",
        "type": "CodeableConcept",
        "beneficiary": "Reference!",
        "dependent": "string",
        "relationship": "CodeableConcept",
        "period": "Period",
        "payor": "Reference[]!",
    },
    "CoverageEligibilityResponse": {
        "status": "code!",
        "purpose": "code[]!",
        "patient": "Reference!",
        "servicedDate": "date",
        "created": "dateTime!",
        "requestor": "Reference",
        "request": "Reference!",
        "outcome": "code!",
        "disposition": "string",
        "insurer": "Reference!",
        "insurance": "CoverageEligibilityResponse.insurance[]",
    },
    "CoverageEligibilityResponse.insurance": {"coverage": "Reference!", "inforce": "boolean"},
    "Consent": {
        "status": "code!",
        "scope": "CodeableConcept!",
        "category": "CodeableConcept[]!",
        "patient": "Reference",
        "dateTime": "dateTime",
        "performer": "Reference[]",
        "organization": "Reference[]",
        "policyRule": "CodeableConcept",
        "provision": "Consent.provision",
    },
    "Consent.provision": {
        "type": "code",
        "period": "Period",
        "actor": "Consent.provision.actor[]",
        "action": "CodeableConcept[]",
        "code": "CodeableConcept[]",
    },
    "Consent.provision.actor": {"role": "CodeableConcept!", "reference": "Reference!"},
}
# Codes of R4's required value sets, as far as they are used.
CODES = {
    "Bundle.type": {"collection"},
    "HumanName.use": {"official", "usual"},
    "Patient.gender": {"male", "female", "unknown"},
    "Coverage.status": {"active", "cancelled"},
    "CoverageEligibilityResponse.status": {"active"},
    "CoverageEligibilityResponse.purpose": {"validation"},
    "CoverageEligibilityResponse.outcome": {"complete"},
    "Consent.status": {"active", "rejected", "inactive"},
    "Consent.provision.type": {"permit", "deny"},
}
DOMAIN = ("Patient", "Organization", "Coverage", "CoverageEligibilityResponse", "Consent")


def walk(kind: str, value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """(Type.element, value) of all that is in it. AssertionError for what R4 does not have."""
    value = dict(value)
    if kind == "Resource":
        kind = value.pop("resourceType")
    known = {**(R4["DomainResource"] if kind in DOMAIN else {}), **R4[kind]}
    for name, shape in known.items():
        assert not shape.endswith("!") or name in value, f"{kind}.{name} is missing"
    for name, found in value.items():
        assert name in known, f"R4 has no {kind}.{name}"
        shape = known[name].rstrip("!")
        assert isinstance(found, list) == shape.endswith("[]"), f"{kind}.{name}"
        for each in found if isinstance(found, list) else [found]:
            assert each not in ("", [], {}), f"{kind}.{name} is empty"
            yield f"{kind}.{name}", each
            if isinstance(each, dict):
                yield from walk(shape.removesuffix("[]"), each)


def made(value: FullResult) -> dict[str, Any]:
    """The bundle, after the classes and the table have seen it."""
    content = fhir.bundle(value)
    assert Bundle.model_validate_json(bytes(content)).model_dump_json().encode() == content
    found: dict[str, Any] = json.loads(content)
    elements = list(walk("Resource", found))
    for name, each in elements:
        assert name not in CODES or each in CODES[name], name
    # Every reference leads to a resource of the bundle, to one that is contained, or names who is meant.
    urls = {entry["fullUrl"] for entry in found["entry"]}
    assert len(urls) == len(found["entry"])
    assert {f"urn:uuid:{entry['resource']['id']}" for entry in found["entry"]} == urls
    assert {each for name, each in elements if name == "Reference.reference"} <= urls | {"#insurer"}
    for name, each in elements:
        if name.endswith(".period"):
            assert each.get("start", "0001") <= each.get("end", "9999")
    return found


def resources(found: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in found["entry"] if entry["resource"]["resourceType"] == kind]


def only(found: dict[str, Any], kind: str) -> dict[str, Any]:
    (resource,) = resources(found, kind)
    return resource


def consents(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    by_code = {each["provision"]["code"][0]["coding"][0]["code"]: each for each in resources(found, "Consent")}
    assert len(by_code) == len(resources(found, "Consent"))
    return by_code


def bundle_of(person: dict[str, Any]) -> dict[str, Any]:
    return made(full(record=result(AT, **person)))


# --- every sample, every record ------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", [each for each in SAMPLES if each.result.body.results], ids=lambda each: each.key)
def test_every_sample_with_a_person(sample: Sample) -> None:
    found = made(full(record=sample.result))
    person = sample.result.person
    assert only(found, "Patient")["name"][0]["text"] == person.name
    inforce = only(found, "CoverageEligibilityResponse")["insurance"][0]["inforce"]
    assert inforce == (sample.result.body.validity in ("1", "6"))
    assert (only(found, "Coverage")["status"] == "active") == inforce
    check_consents(found, person)


@pytest.mark.parametrize("sample", [each for each in SAMPLES if not each.result.body.results], ids=lambda s: s.key)
def test_nothing_without_a_person(sample: Sample) -> None:
    assert not sample.face
    with pytest.raises(BadQualification):
        fhir.bundle(full(record=sample.result))


def test_the_table_has_no_more_than_is_used() -> None:
    used = {name for sample in SAMPLES if sample.result.body.results for name in paths(sample.result)}
    table = {f"{kind}.{name}" for kind, known in R4.items() if kind != "DomainResource" for name in known}
    common = {f"{kind}.{name}" for kind in DOMAIN for name in R4["DomainResource"]}
    assert table <= used
    assert used - table <= common


def paths(record: QualificationResult) -> set[str]:
    return {name for name, _ in walk("Resource", made(full(record=record)))}


@settings(max_examples=150, deadline=None)
@given(results())
def test_any_record_becomes_a_bundle_or_is_refused(record: QualificationResult) -> None:
    if not record.body.results:
        with pytest.raises(BadQualification):
            fhir.bundle(full(record=record))
        return
    found = made(full(record=record))
    check_consents(found, record.person)
    assert len(json.dumps(found)) < 64 * 1024


def check_consents(found: dict[str, Any], person: Confirmation) -> None:
    flags = {
        "TKK": (person.checkup_consent, person.checkup_time, person.checkup_until),
        "YZK": (person.medication_consent, person.medication_time, person.medication_until),
        "SRJ": (person.diagnosis_consent, person.diagnosis_time, person.diagnosis_until),
        "SHJ": (person.surgery_consent, person.surgery_time, person.surgery_until),
        "TSR": (person.disease_consent, person.disease_time, None),
        "limit": (person.limit_consent, person.limit_time, None),
    }
    by_code = consents(found)
    patient = f"urn:uuid:{only(found, 'Patient')['id']}"
    for code, (flag, given_at, until) in flags.items():
        assert (code in by_code) == (flag in ("0", "1", "2")), code
        if code not in by_code:
            continue
        consent = by_code[code]
        kind, status = consent["provision"]["type"], consent["status"]
        assert (kind, status) == {"0": ("deny", "rejected"), "1": ("permit", "active"), "2": ("permit", "inactive")}[
            str(flag)
        ]
        assert consent["patient"] == {"reference": patient}
        assert digits(consent.get("dateTime")) == given_at
        period = consent["provision"].get("period", {})
        whole = given_at is not None and until is not None
        assert (digits(period.get("start")), digits(period.get("end"))) == (
            (given_at, until) if whole else (None, None)
        )


def digits(text: str | None) -> str | None:
    if text is None:
        return None
    assert text.endswith("+09:00")
    return datetime.fromisoformat(text).strftime("%Y%m%d%H%M%S").rjust(14, "0")


# --- one by one ----------------------------------------------------------------------------------------------------


def test_declined_is_deny_and_unasked_is_nothing() -> None:
    found = consents(bundle_of({"surgery_consent": None}))
    assert sorted(found) == ["TKK", "YZK"]
    assert (found["TKK"]["status"], found["TKK"]["provision"]["type"]) == ("rejected", "deny")
    assert found["YZK"]["provision"]["period"] == {
        "start": "2026-04-01T09:00:00+09:00",
        "end": "2026-04-02T09:00:00+09:00",
    }


def test_a_consent_is_for_this_institution() -> None:
    (actor,) = consents(bundle_of({}))["YZK"]["provision"]["actor"]
    assert actor["reference"]["identifier"] == {
        "system": "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no",
        "value": INSTITUTION,
    }


def test_limit_by_consent_has_no_end() -> None:
    """限度額 and 特定疾病: no AvailableTime, so no period, which would go on for ever."""
    consent = consents(bundle_of({"limit_consent": "1", "limit_time": "20260401090000"}))["limit"]
    assert consent["dateTime"] == "2026-04-01T09:00:00+09:00"
    assert "period" not in consent["provision"]
    refused = consents(bundle_of({"limit_consent": "0"}))["limit"]
    assert refused["provision"]["type"] == "deny"


def test_coverage_as_jp_core_has_it() -> None:
    coverage = only(bundle_of({"relation": "2"}), "Coverage")
    assert coverage["meta"]["profile"] == ["http://jpfhir.jp/fhir/core/StructureDefinition/JP_Coverage"]
    start = "http://jpfhir.jp/fhir/core/Extension/StructureDefinition/JP_Coverage_InsuredPerson"
    assert {each["url"].removeprefix(start): each["valueString"] for each in coverage["extension"]} == {
        "Symbol": "見本",
        "Number": "1001",
        "SubNumber": "01",
    }
    assert coverage["payor"] == [{"reference": "#insurer"}]
    (insurer,) = coverage["contained"]
    assert insurer["identifier"] == [{"system": "urn:oid:1.2.392.100495.20.3.61", "value": "990016"}]
    assert insurer["name"] == "見本保険者（模擬）"
    assert coverage["relationship"]["coding"][0]["code"] == "2"
    assert not {"security", "tag"} & insurer.get("meta", {}).keys()  # R4, dom-5


def test_what_is_not_known_is_left_out() -> None:
    absent = dict.fromkeys(["insurer_number", "symbol", "number", "branch", "relation", "address", "post_number"])
    found = bundle_of(absent)
    coverage = only(found, "Coverage")
    assert not {"extension", "dependent", "relationship", "period"} & coverage.keys()
    assert "identifier" not in coverage["contained"][0]
    assert "identifier" not in only(found, "CoverageEligibilityResponse")["insurer"]
    assert "address" not in only(found, "Patient")


def test_patient_names_in_writing_and_in_sound() -> None:
    patient = only(bundle_of({"kana": "ｼｹﾝ ﾊﾟｶﾞｰ", "name_other": "試験　通称", "kana_other": "ｼｹﾝ ﾂｳｼｮｳ"}), "Patient")
    names = [(each["extension"][0]["valueCode"], each["use"], each["text"]) for each in patient["name"]]
    assert names == [
        ("IDE", "official", "試験　花子"),
        ("SYL", "official", "シケン パガー"),
        ("IDE", "usual", "試験　通称"),
        ("SYL", "usual", "シケン ツウショウ"),
    ]
    assert (patient["name"][0]["family"], patient["name"][0]["given"]) == ("試験", ["花子"])


def test_a_name_that_cannot_be_taken_apart_is_a_text() -> None:
    name = only(bundle_of({"name": "試験　MARIA DE LA CRUZ"}), "Patient")["name"][0]
    assert "family" not in name
    assert "given" not in name


@pytest.mark.parametrize(("code", "gender"), [("1", "male"), ("2", "female"), ("3", "unknown")])
def test_gender(code: str, gender: str) -> None:
    assert only(bundle_of({"sex1": code}), "Patient")["gender"] == gender


def test_address_and_birth_date() -> None:
    patient = only(bundle_of({"address": "見本県１", "post_number": "000-0000", "birth": "20000229"}), "Patient")
    assert patient["address"] == [{"text": "見本県１", "postalCode": "000-0000"}]
    assert patient["birthDate"] == "2000-02-29"


def test_patient_number_of_the_institution() -> None:
    identifiers = only(bundle_of({"reference_number": "0012"}), "Patient")["identifier"]
    assert identifiers[1] == {"system": f"urn:oid:1.2.392.100495.20.3.51.1{INSTITUTION}", "value": "0012"}


@pytest.mark.parametrize(
    ("person", "period"),
    [
        ({"valid_from": "20250801", "valid_until": "20260731"}, {"start": "2025-08-01", "end": "2026-07-31"}),
        ({"qualified_from": "20250801"}, {"start": "2025-08-01"}),
        ({"valid_until": "20260731"}, {"end": "2026-07-31"}),
        # The day of the loss is the first without insurance.
        ({"valid_from": "20250801", "disqualified_from": "20260401"}, {"start": "2025-08-01", "end": "2026-03-31"}),
        ({"valid_until": "20260131", "disqualified_from": "20260401"}, {"end": "2026-01-31"}),
        ({"valid_from": "20260401", "disqualified_from": "20260401"}, {"end": "2026-03-31"}),
    ],
)
def test_period_of_the_coverage(person: dict[str, str], period: dict[str, str]) -> None:
    assert only(bundle_of(person), "Coverage")["period"] == period


def test_what_is_lost_is_not_in_force() -> None:
    record = result(AT, loss="03", disqualified_from="20260331")
    record = replace(record, body=replace(record.body, validity="2"))
    found = made(full(record=record))
    response = only(found, "CoverageEligibilityResponse")
    assert response["insurance"][0]["inforce"] is False
    assert response["outcome"] == "complete"
    assert response["disposition"] == "無効、医療保険等の資格取得"


def test_ids_come_from_the_reception_alone() -> None:
    first, second = full("r1", result(AT)), full("r1", result(LATER, name="試験　別人", number="2002"))
    assert fhir.bundle(first) == fhir.bundle(first)
    assert ids(made(first)) == ids(made(second))
    assert not set(ids(made(first))) & set(ids(made(full("r2", result(AT)))))


def ids(found: dict[str, Any]) -> list[str]:
    return [found["id"], *(entry["resource"]["id"] for entry in found["entry"])]


def test_a_simulation_says_so_in_every_resource() -> None:
    found = bundle_of({})
    for resource in (found, *(entry["resource"] for entry in found["entry"])):
        for place in ("security", "tag"):
            assert [each["code"] for each in resource["meta"][place]] == ["HTEST"]


def test_only_a_simulation_says_so() -> None:
    found = made(full(record=result(AT, institution="0110000001")))
    assert "meta" not in found
    assert "HTEST" not in json.dumps(found)


def test_what_no_bundle_can_hold_is_refused_without_its_value() -> None:
    """`FullResult.parse` lets no such record through; the classes' own error would show the value."""
    record = result(AT, birth="19859999")
    with pytest.raises(HandoffRefused) as caught:
        fhir.bundle(full(record=record))
    assert "1985" not in str(caught.value)
    assert caught.value.__suppress_context__


# --- the price -----------------------------------------------------------------------------------------------------


def test_loading_twice_is_nothing() -> None:
    fhir.load()
    fhir.load()
    assert "fhir.resources.R4B.consent" in sys.modules


def test_the_classes_are_imported_only_when_they_are_needed() -> None:
    code = (
        "import sys\n"
        "from kiosk.handoff import desk, fhir\n"
        "assert not any(name.startswith('fhir.') for name in sys.modules)\n"
        "fhir.load()\n"
        "assert 'fhir.resources.R4B.bundle' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
