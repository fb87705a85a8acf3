"""The same answer as HL7 FHIR: one collection `Bundle` for each reception, for systems that do not read the XML.

What is in it, what is JP Core's and what is our own choice: docs/fhir.md. Every element exists in FHIR R4 (4.0.1); the
R4B classes of `fhir.resources` hold their types and which must be there. They are imported when the first bundle is
made (or with `load`): only institutions that switch this on pay for them.
"""

from __future__ import annotations

import importlib
import unicodedata
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from kiosk.fullresult import FullResult
from kiosk.handoff.errors import HandoffRefused
from kiosk.oqs.names import file_identifier
from kiosk.qualification import CLASSIFICATION, LOSS, VALIDITY, Confirmation, Shape
from kiosk.reception.consent import Item

JP_PATIENT = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Patient"
JP_COVERAGE = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Coverage"
_JP_EXTENSION = "http://jpfhir.jp/fhir/core/Extension/StructureDefinition/JP_Coverage_InsuredPerson"
_INSTITUTION = "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no"
_PATIENT_NUMBER = "urn:oid:1.2.392.100495.20.3.51.1"  # followed by the institution's ten digits
_INSURER_NUMBER = "urn:oid:1.2.392.100495.20.3.61"
_RELATION = "urn:oid:1.2.392.100495.20.2.62"
_REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
_HL7 = "http://terminology.hl7.org/CodeSystem"
# Ours: these tables have no public URI.
OURS = "urn:uketsuke:fhir"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, OURS)

_GENDER = {"1": "male", "2": "female", "3": "unknown"}
_RELATIONS = {"1": "被保険者", "2": "被扶養者"}
_IN_FORCE = ("1", "6")
_POLICY = "患者が同意した情報だけを、この医療機関が閲覧できる。"
# By flag of OQSCD016: Consent.status and Consent.provision.type. 3 (同意取得困難) is nobody's answer.
_ANSWERS = {"0": ("rejected", "deny"), "1": ("active", "permit"), "2": ("inactive", "permit")}
_WORDS = {
    Item.CHECKUP: "特定健診情報",
    Item.MEDICATION: "薬剤情報",
    Item.DIAGNOSIS: "診療情報",
    Item.SURGERY: "手術情報",
    Item.DISEASE: "特定疾病療養受療証",
    Item.LIMIT: "限度額適用認定証",
}

Json = dict[str, Any]


def load() -> None:
    """Import the classes now, so that the first patient does not wait for them."""
    for name in ("bundle", "patient", "organization", "coverage", "coverageeligibilityresponse", "consent"):
        importlib.import_module(f"fhir.resources.R4B.{name}")


def bundle(full: FullResult) -> bytearray:
    """UTF-8 JSON: Patient, Coverage, CoverageEligibilityResponse and one Consent for each answer. The same result gives
    the same bytes. Raises `BadQualification` when it does not name exactly one person, `HandoffRefused` for what no
    bundle can be made of."""
    from fhir.resources.R4B.bundle import Bundle

    person = full.qualification.person
    maker = _Maker(full)
    resources = [maker.patient(person), maker.coverage(person), maker.eligibility(person)]
    resources += [maker.consent(answer) for answer in _answers(person)]
    whole = {
        **maker.common("Bundle", "bundle"),
        "identifier": {"system": "urn:ietf:rfc:3986", "value": maker.url("bundle")},
        "type": "collection",
        "timestamp": maker.executed,
        "entry": [{"fullUrl": f"urn:uuid:{each['id']}", "resource": each} for each in resources],
    }
    try:
        return bytearray(Bundle.model_validate(whole).model_dump_json().encode())
    except ValueError:
        # Its text would show the values.
        raise HandoffRefused("a value that FHIR does not have") from None


@dataclass(frozen=True, slots=True, repr=False)
class _Answer:
    """`flag` of OQSCD016; times YYYYMMDDHHmmss: when it was given, until when data can be had."""

    item: Item
    flag: str
    given: str | None
    until: str | None


def _answers(person: Confirmation) -> Iterator[_Answer]:
    for item, flag, given, until in (
        (Item.CHECKUP, person.checkup_consent, person.checkup_time, person.checkup_until),
        (Item.MEDICATION, person.medication_consent, person.medication_time, person.medication_until),
        (Item.DIAGNOSIS, person.diagnosis_consent, person.diagnosis_time, person.diagnosis_until),
        (Item.SURGERY, person.surgery_consent, person.surgery_time, person.surgery_until),
        (Item.DISEASE, person.disease_consent, person.disease_time, None),
        (Item.LIMIT, person.limit_consent, person.limit_time, None),
    ):
        if flag in _ANSWERS:
            yield _Answer(item, flag, given, until)


class _Maker:
    """Resources as JSON objects. `part` names a resource within the bundle."""

    def __init__(self, full: FullResult) -> None:
        self._reception = full.reception
        self._header = full.qualification.header
        self._validity = full.qualification.body.validity
        self._simulated = full.qualification.marked_simulated
        self.executed = _time(self._header.executed)

    def url(self, part: str) -> str:
        return f"urn:uuid:{self._id(part)}"

    def common(self, kind: str, part: str, *profiles: str) -> Json:
        """What every resource begins with. A simulation is marked in each, so that none can be taken out of it."""
        meta: Json = {"profile": list(profiles)} if profiles else {}
        if self._simulated:
            mark = [{"system": f"{_HL7}/v3-ActReason", "code": "HTEST", "display": "test health data"}]
            meta |= {"security": mark, "tag": mark}
        return _filled({"resourceType": kind, "id": self._id(part), "meta": meta or None, "language": "ja"})

    def patient(self, person: Confirmation) -> Json:
        # Of this reception only: nothing in it can be followed from one visit to the next.
        identifiers = [{"system": f"{OURS}:reception", "value": self._id("patient")}]
        if person.reference_number is not None:
            system = f"{_PATIENT_NUMBER}{self._header.institution}"
            identifiers.append({"system": system, "value": person.reference_number})
        names = [_name("official", "IDE", person.name), _name("official", "SYL", _wide(person.kana))]
        if person.name_other is not None:
            names.append(_name("usual", "IDE", person.name_other))
        if person.kana_other is not None:
            names.append(_name("usual", "SYL", _wide(person.kana_other)))
        address = _filled({"text": person.address, "postalCode": person.post_number})
        return {
            **self.common("Patient", "patient", JP_PATIENT),
            "identifier": identifiers,
            "name": names,
            "gender": _GENDER[person.sex1],
            "birthDate": _day(person.birth),
            **({"address": [address]} if address else {}),
        }

    def coverage(self, person: Confirmation) -> Json:
        numbers = (("Symbol", person.symbol), ("Number", person.number), ("SubNumber", person.branch))
        extensions = [
            {"url": f"{_JP_EXTENSION}{name}", "valueString": value} for name, value in numbers if value is not None
        ]
        number = _insurer_number(person)
        insurer = {
            "resourceType": "Organization",
            "id": "insurer",
            "identifier": None if number is None else [number],
            "name": person.insurer_name,
        }
        kind = {"system": f"{OURS}:OQSCD010", "code": person.classification}
        word = _meaning(CLASSIFICATION, person.classification)
        found = {
            **self.common("Coverage", "coverage", JP_COVERAGE),
            "contained": [_filled(insurer)],
            "extension": extensions or None,
            "status": "active" if self._in_force else "cancelled",
            "type": {"coding": [{"system": f"{_HL7}/v3-ActCode", "code": "PUBLICPOL"}, kind], "text": word},
            "beneficiary": self._reference("patient"),
            "dependent": person.branch,
            "relationship": _relationship(person.relation),
            "period": _period(person),
            "payor": [{"reference": "#insurer"}],
        }
        return _filled(found)

    def eligibility(self, person: Confirmation) -> Json:
        words = [_meaning(VALIDITY, self._validity)]
        if person.loss is not None:
            words.append(_meaning(LOSS, person.loss))
        request = {"system": f"{OURS}:ArbitraryFileIdentifier", "value": file_identifier(self._reception)}
        return {
            **self.common("CoverageEligibilityResponse", "eligibility"),
            "status": "active",
            "purpose": ["validation"],
            "patient": self._reference("patient"),
            "servicedDate": _day(self._header.confirmed_on),
            "created": self.executed,
            "requestor": self._institution,
            "request": {"type": "CoverageEligibilityRequest", "identifier": request},
            "outcome": "complete",
            "disposition": "、".join(words),
            "insurer": _filled(
                {"type": "Organization", "identifier": _insurer_number(person), "display": person.insurer_name}
            ),
            "insurance": [{"coverage": self._reference("coverage"), "inforce": self._in_force}],
        }

    def consent(self, answer: _Answer) -> Json:
        status, kind = _ANSWERS[answer.flag]
        code = {"system": f"{OURS}:consent-item", "code": str(answer.item), "display": _WORDS[answer.item]}
        recipient = {"coding": [{"system": f"{_HL7}/v3-ParticipationType", "code": "IRCP"}]}
        # Without an end a period would say that it goes on; 特定疾病 and 限度額 are for this answer only.
        period = None
        if answer.given is not None and answer.until is not None:
            period = {"start": _time(answer.given), "end": _time(answer.until)}
        found = {
            **self.common("Consent", f"consent/{answer.item}"),
            "status": status,
            "scope": {"coding": [{"system": f"{_HL7}/consentscope", "code": "patient-privacy"}]},
            "category": [{"coding": [{"system": "http://loinc.org", "code": "64292-6"}]}],
            "patient": self._reference("patient"),
            "dateTime": None if answer.given is None else _time(answer.given),
            "performer": [self._reference("patient")],
            "organization": [self._institution],
            "policyRule": {"text": _POLICY},
            "provision": _filled(
                {
                    "type": kind,
                    "period": period,
                    "actor": [{"role": recipient, "reference": self._institution}],
                    "action": [{"coding": [{"system": f"{_HL7}/consentaction", "code": "access"}]}],
                    "code": [{"coding": [code]}],
                }
            ),
        }
        return _filled(found)

    @property
    def _in_force(self) -> bool:
        return self._validity in _IN_FORCE

    @property
    def _institution(self) -> Json:
        return {"type": "Organization", "identifier": {"system": _INSTITUTION, "value": self._header.institution}}

    def _reference(self, part: str) -> Json:
        return {"reference": self.url(part)}

    def _id(self, part: str) -> str:
        return str(uuid.uuid5(_NAMESPACE, f"{self._reception}/{part}"))


def _filled(value: Json) -> Json:
    return {name: each for name, each in value.items() if each is not None}


def _name(use: str, representation: str, text: str) -> Json:
    """JP Core: IDE as written, SYL as spoken; family and given name only where they can be told apart."""
    parts = text.split()
    apart = {"family": parts[0], "given": [parts[1]]} if len(parts) == 2 else {}
    return {"extension": [{"url": _REPRESENTATION, "valueCode": representation}], "use": use, "text": text, **apart}


def _wide(kana: str) -> str:
    """Half-width kana of the record as full-width kana, a sound mark and its kana in one."""
    return unicodedata.normalize("NFKC", kana)


def _insurer_number(person: Confirmation) -> Json | None:
    return None if person.insurer_number is None else {"system": _INSURER_NUMBER, "value": person.insurer_number}


def _relationship(relation: str | None) -> Json | None:
    if relation is None:
        return None
    return {"coding": [{"system": _RELATION, "code": relation, "display": _RELATIONS[relation]}]}


def _period(person: Confirmation) -> Json | None:
    """Validity of the insured card, and not beyond the day before the loss: `Period.end` is the last day of it."""
    ends = [] if person.valid_until is None else [_day(person.valid_until)]
    if person.disqualified_from is not None:
        lost = date.fromisoformat(_day(person.disqualified_from))
        ends.append(date.fromordinal(max(1, lost.toordinal() - 1)).isoformat())
    first = person.valid_from or person.qualified_from
    start, end = first and _day(first), min(ends, default=None)
    if start is not None and end is not None and end < start:
        start = None  # lost before this card began: when the insurance did is not said
    return _filled({"start": start, "end": end}) or None


def _meaning(shape: Shape, code: str | None) -> str:
    assert shape.codes is not None
    assert code is not None
    return shape.codes.values[code]


def _day(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}"


def _time(text: str) -> str:
    """Japanese time of the record."""
    return f"{_day(text)}T{text[8:10]}:{text[10:12]}:{text[12:14]}+09:00"
