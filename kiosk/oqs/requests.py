"""Requests: OQSsiquc01req, YZKsiquc01req, TKKsiquc01req (docs/sources.md, "exchange folders").

The two interfaces name the same things differently: InsuredCardSymbol in the one is InsuranceCardSymbol in the other.
What is asked for is written exactly or not at all: with ● in a number somebody else might be meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kiosk.oqs.document import Encoding
from kiosk.oqs.markup import Leaf, Writer, digits, one_of, read_group, read_leaves, text
from kiosk.oqs.names import Kind
from kiosk.oqs.reader import CHARACTER_CODES, ROOT, SIZE, BadDocument, Node, tree
from kiosk.qualification import DAY, INSURER_NUMBER, LIMIT_CONSENT, SHAPE_OURS, Fault, SearchInfo

MAX_BYTES = 64 * 1024  # of a request; ours have less than one
PDF, XML = "1", "2"  # FileCategory

_INSTITUTION = Leaf("institution", "MedicalInstitutionCode", digits(10, 10))
_IDENTIFIER = Leaf("file_identifier", "ArbitraryFileIdentifier", text(64))
# Not in any request that was seen, but in every answer: taken when it agrees.
_CHARACTER_CODE = Leaf("code", "CharacterCodeIdentifier", one_of("0", "1"), required=False)
_ELIGIBILITY_HEADER = (
    Leaf("confirmed_on", "QualificationConfirmationDate", DAY),
    _INSTITUTION,
    _IDENTIFIER,
)
# The shapes are those of the answer, `kiosk.qualification.SearchInfo`.
_SEARCH = (
    Leaf("insurer_number", "InsurerNumber", INSURER_NUMBER),
    Leaf("symbol", "InsuredCardSymbol", text(40), required=False, blank=True),
    Leaf("number", "InsuredIdentificationNumber", text(40)),
    Leaf("branch", "InsuredBranchNumber", digits(2, 2), required=False, blank=True),
    Leaf("birth", "Birthdate", DAY),
    Leaf("limit_consent", "LimitApplicationCertificateRelatedConsFlg", LIMIT_CONSENT, required=False),
    Leaf("identifier", "ArbitraryIdentifier", text(64), required=False),
)
_CLINICAL_HEADER = (
    _INSTITUTION,
    Leaf("insurer_number", "InsurerNumber", INSURER_NUMBER),
    Leaf("symbol", "InsuranceCardSymbol", text(40), required=False, blank=True),
    Leaf("number", "InsuredPersonIdentificationNumber", text(40)),
    Leaf("branch", "BranchNumber", digits(2, 2), required=False, blank=True),
    _IDENTIFIER,
)
_CLINICAL_BODY = (
    Leaf("file_category", "FileCategory", one_of(PDF, XML)),
    Leaf("classification", "PrDiInfClassification", one_of("1")),
    Leaf("treatment", "MedicalTreatmentFlag", one_of("1", "2", "3")),  # OQSCD028; 4 is not asked for by file
)
# That a period belongs to medication only is what one consumer does.
_PERIOD = (Leaf("start", "StartDate", DAY), Leaf("end", "EndDate", DAY))
_SEARCH_GROUP = "QualificationConfirmSearchInfo"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class EligibilityRequest:
    """`OQSsiquc01req`: one person by insured number. `confirmed_on`: YYYYMMDD, the day that the question is about."""

    confirmed_on: str
    institution: str
    file_identifier: str
    search: SearchInfo

    @property
    def kind(self) -> Kind:
        return Kind.ELIGIBILITY


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ClinicalRequest:
    """`YZKsiquc01req` or `TKKsiquc01req`. `start` and `end` (YYYYMMDD, both) for medication only."""

    kind: Kind
    institution: str
    insurer_number: str
    symbol: str | None
    number: str
    branch: str | None
    file_identifier: str
    start: str | None = None
    end: str | None = None
    file_category: str = XML
    classification: str = "1"
    treatment: str = "1"


Request = EligibilityRequest | ClinicalRequest


def write(request: Request, encoding: Encoding) -> bytearray:
    """Raises `Unmappable`. The caller wipes what it gets."""
    writer = Writer(encoding, exact=True)
    writer.open("XmlMsg", "MessageHeader")
    if isinstance(request, EligibilityRequest):
        writer.leaves(_ELIGIBILITY_HEADER, request)
        writer.close()
        writer.open("MessageBody", _SEARCH_GROUP)
        writer.leaves(_SEARCH, request.search)
        writer.close(3)
    else:
        writer.leaves(_CLINICAL_HEADER, request)
        writer.close()
        writer.open("MessageBody")
        writer.leaves(_clinical_body(request.kind), request)
        writer.close(2)
    return writer.content


def read(kind: Kind, content: bytes | bytearray) -> tuple[Request, Encoding]:
    """A request of this kind and its encoding. Raises `BadDocument`."""
    if len(content) > MAX_BYTES:
        raise BadDocument(Fault(SIZE, "file", "too large", f"{MAX_BYTES} bytes"))
    encoding, root = tree(content)
    if root.name != "XmlMsg":
        raise BadDocument(Fault(ROOT, "root", "another root", "XmlMsg"))
    read_leaves(root, (), "XmlMsg", ("MessageHeader", "MessageBody"))
    header = read_group(root, "MessageHeader", "XmlMsg")
    body = read_group(root, "MessageBody", "XmlMsg")
    if kind is Kind.ELIGIBILITY:
        return _read_eligibility(header, body, encoding), encoding
    return _read_clinical(kind, header, body, encoding), encoding


def _clinical_body(kind: Kind) -> tuple[Leaf, ...]:
    return (*_PERIOD, *_CLINICAL_BODY) if kind is Kind.MEDICATION else _CLINICAL_BODY


def _header(node: Node, table: tuple[Leaf, ...], encoding: Encoding) -> dict[str, Any]:
    where = "XmlMsg/MessageHeader"
    found = dict(read_leaves(node, (*table, _CHARACTER_CODE), where))
    if found.pop("code") not in (None, encoding.identifier):
        place = f"{where}/CharacterCodeIdentifier"
        raise BadDocument(Fault(CHARACTER_CODES, place, "another encoding than declared", encoding.identifier))
    return found


def _read_eligibility(header: Node, body: Node, encoding: Encoding) -> EligibilityRequest:
    found = _header(header, _ELIGIBILITY_HEADER, encoding)
    where = "XmlMsg/MessageBody"
    read_leaves(body, (), where, (_SEARCH_GROUP,))
    search = read_leaves(read_group(body, _SEARCH_GROUP, where), _SEARCH, f"{where}/{_SEARCH_GROUP}")
    return EligibilityRequest(**found, search=SearchInfo(**search))


def _read_clinical(kind: Kind, header: Node, body: Node, encoding: Encoding) -> ClinicalRequest:
    where = "XmlMsg/MessageBody"
    found = _header(header, _CLINICAL_HEADER, encoding)
    request = ClinicalRequest(kind=kind, **found, **read_leaves(body, _clinical_body(kind), where))
    if request.start is not None and request.end is not None and request.end < request.start:
        raise BadDocument(Fault(SHAPE_OURS, f"{where}/EndDate", "before StartDate", "StartDate or later"))
    return request
