"""The gateway's full result: what comes back as it went, and what is refused without its values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kiosk.fullresult import FullResult, SubsidyCertificate, SubsidyOutcome
from kiosk.qualification import MAX_BYTES, BadQualification
from tests.helpers.results import result

CERTIFICATE = SubsidyCertificate("99540019", "1234567", "見本こども医療（模擬）", "20260401", "")


def full(**values: Any) -> FullResult:
    return FullResult("reception-1", result(), **values)


@pytest.mark.parametrize(
    ("values", "side_file"),
    [
        ({}, False),
        ({"subsidy": SubsidyOutcome.NONE}, True),
        ({"subsidy": SubsidyOutcome.PROVIDED, "certificates": (CERTIFICATE,)}, True),
        ({"dispense": ("a", "b")}, True),
    ],
)
def test_it_comes_back_as_it_went(values: dict[str, Any], side_file: bool) -> None:
    sent = full(**values)
    assert FullResult.parse(sent.to_json()) == sent
    assert FullResult.parse(bytearray(sent.to_json())) == sent
    assert sent.has_side_file is side_file


def test_its_text_form_says_nothing() -> None:
    assert "1234567" not in repr(full(certificates=(CERTIFICATE,)))
    assert "1234567" not in repr(CERTIFICATE)


def spoilt(**changes: Any) -> bytes:
    return json.dumps({**json.loads(full(certificates=(CERTIFICATE,)).to_json()), **changes}).encode()


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"\xff", "result"),
        (b"{", "result"),
        (b"[]", "result"),
        (b" " * (MAX_BYTES + 1), "result"),
        (b"[" * 100_000, "result"),
        (spoilt(more=1), "result"),
        (spoilt(reception=""), "result/reception"),
        (spoilt(reception=7), "result/reception"),
        (spoilt(subsidy="refused"), "result/subsidy"),
        (spoilt(subsidy=[]), "result/subsidy"),
        (spoilt(certificates={}), "result/certificates"),
        (spoilt(certificates=[1]), "result/certificates"),
        (spoilt(certificates=[{"payer": "1"}]), "result/certificates"),
        (
            spoilt(certificates=[{**json.loads(spoilt())["certificates"][0], "payer": "1" * 9}]),
            "result/certificates/payer",
        ),
        (spoilt(certificates=[{}] * 21), "result/certificates"),
        (spoilt(dispense=["x" * 65]), "result/dispense"),
        (spoilt(qualification=None), "XmlMsg"),
    ],
)
def test_what_is_no_full_result_is_refused(data: bytes, where: str) -> None:
    with pytest.raises(BadQualification) as caught:
        FullResult.parse(data)
    assert caught.value.where == where
    assert "1234567" not in str(caught.value)
