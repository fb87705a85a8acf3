"""Full results of fictional people, as the gateway would answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from devices.secret import SecretBytes
from kiosk.qualification import JST, Body, Confirmation, Header, QualificationResult

INSTITUTION = "9910000001"


def result(now: datetime | None = None, *, institution: str = INSTITUTION, **person: Any) -> QualificationResult:
    """`person` changes fields of `Confirmation`."""
    moment = (now or datetime.now(JST)).astimezone(JST).replace(microsecond=0)
    confirmation = Confirmation(
        classification="01",
        insurer_number="990016",
        symbol="見本",
        number="1001",
        branch="01",
        relation="1",
        name="試験　花子",
        kana="ｼｹﾝ ﾊﾅｺ",
        sex1="2",
        birth="19850412",
        insurer_name="見本保険者（模擬）",
        medication_consent="1",
        medication_time=f"{moment:%Y%m%d%H%M%S}",
        medication_until=f"{moment + timedelta(hours=24):%Y%m%d%H%M%S}",
        checkup_consent="0",
    )
    return QualificationResult(
        header=Header(
            executed=f"{moment:%Y%m%d%H%M%S}",
            confirmed_on=f"{moment:%Y%m%d}",
            institution=institution,
            file_identifier="ArnHCeDfNjMCFzg=",
            reference="1",
            segment="1",
        ),
        body=Body(status="1", validity="1", results=(replace(confirmation, **person),)),
    )


def secret(value: QualificationResult | None = None) -> SecretBytes:
    return SecretBytes((value or result()).to_json())
