"""Sample files for makers of receipt computers: fictional people, every code of the layout at least once.

`samples(at)` are the records; `written(sample, encoding)` is a file and what a consumer should read in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from kiosk.oqs.document import Encoding, seen, write
from kiosk.oqs.rules import ANSWER, FACE
from kiosk.qualification import (
    CLASSIFICATION,
    CONSENT_LASTS,
    DISEASE,
    JST,
    LIMIT_FLAG,
    LOSS,
    TREATMENT,
    Body,
    Codes,
    Confirmation,
    ElderlyRecipient,
    Header,
    Limit,
    MedicalTicket,
    Part,
    QualificationResult,
    SearchInfo,
    Shape,
    SpecificDisease,
    elements,
)

INSTITUTION = "9910000001"
_INSURER = "見本健康保険組合（模擬）"


@dataclass(frozen=True, slots=True)
class Sample:
    """`face`: a face result file; otherwise an answer by number, or an error in its place."""

    key: str
    title: str
    good_for: str
    result: QualificationResult
    face: bool = True


@dataclass(frozen=True, slots=True)
class File:
    """`expected`: path of each element -> its text, as a consumer should see it. `substituted`: characters that became
    ●."""

    name: str
    content: bytes
    expected: dict[str, str]
    substituted: int


def written(sample: Sample, encoding: Encoding) -> File:
    document = write(sample.result, encoding, simulated=True)
    expected = {
        "XmlMsg/MessageHeader/CharacterCodeIdentifier": encoding.identifier,
        **{path: seen(text, encoding) for path, text in _texts(sample.result, "XmlMsg")},
    }
    return File(_name(sample, encoding), bytes(document.content), dict(sorted(expected.items())), document.substituted)


def _name(sample: Sample, encoding: Encoding) -> str:
    twenty = hashlib.sha256(f"{sample.key}/{encoding.name}".encode()).hexdigest()[:20]
    if sample.face:
        return f"{FACE}{INSTITUTION}{twenty}_{sample.result.header.executed}.xml"
    return f"{ANSWER}{twenty}.xml"


def _texts(part: Part, where: str) -> Iterator[tuple[str, str]]:
    """Entries of lists are counted from 1."""
    for element in elements(part):
        place = f"{where}/{element.name}"
        match element.value:
            case str() as text:
                yield place, text.rjust(8) if element.name == "InsurerNumber" else text
            case tuple() as entries:
                for number, entry in enumerate(entries, 1):
                    yield from _texts(entry, f"{place}/{element.entry}[{number}]")
            case group:
                yield from _texts(group, place)


def samples(at: datetime) -> list[Sample]:
    """All of them, as if answered `at`. Keys are unique."""
    maker = _Maker(at.astimezone(JST).replace(microsecond=0))
    return [
        *maker.people(),
        *maker.classes(),
        *maker.elderly(),
        *maker.limits(),
        *maker.diseases(),
        *maker.consents(),
        *maker.answers(),
        *maker.numbers(),
        *maker.tickets(),
    ]


def _table(shape: Shape) -> Codes:
    assert shape.codes is not None
    return shape.codes


class _Maker:
    def __init__(self, at: datetime) -> None:
        self.now = f"{at:%Y%m%d%H%M%S}"
        self.until = f"{at + CONSENT_LASTS:%Y%m%d%H%M%S}"
        self.today = self.now[:8]
        self.yesterday = f"{at - timedelta(days=1):%Y%m%d}"
        self.before = f"{at - timedelta(days=1):%Y%m%d%H%M%S}"
        self.begin = f"{at.year - 1}0801"
        self.end = f"{at.year + 1}0731"
        self.person = Confirmation(
            classification="01",
            insurer_number="990016",
            symbol="見本",
            number="1001",
            branch="01",
            relation="1",
            insured_name="試験　花子",
            name="試験　花子",
            kana="ｼｹﾝ ﾊﾅｺ",
            sex1="2",
            birth="19850412",
            address="見本県見本市見本町１－２－３",
            post_number="000-0000",
            qualified_from=self.begin,
            issued=self.begin,
            valid_from=self.begin,
            insurer_name=_INSURER,
            disease_consent="0",
            checkup_consent="0",
            medication_consent="0",
            diagnosis_consent="0",
            surgery_consent="0",
        )

    def header(self, **changes: Any) -> Header:
        header = Header(
            executed=self.now,
            confirmed_on=self.today,
            institution=INSTITUTION,
            file_identifier="ArnHCeDfNjMCFzg=",
            reference="1",
            segment="1",
        )
        return replace(header, **changes)

    def card(self, key: str, title: str, good_for: str, *, body: dict[str, Any] | None = None, **person: Any) -> Sample:
        """A face result file; `person` changes the person, `body` the body."""
        content = {"status": "1", "validity": "1", "results": (replace(self.person, **person),)} | (body or {})
        return Sample(key, title, good_for, QualificationResult(header=self.header(), body=Body(**content)))

    def answer(self, key: str, title: str, good_for: str, body: Body, **header: Any) -> Sample:
        """Not a face result file."""
        return Sample(key, title, good_for, QualificationResult(header=self.header(**header), body=body), face=False)

    def yes(self, *kinds: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for kind in kinds:
            found |= {f"{kind}_consent": "1", f"{kind}_time": self.now, f"{kind}_until": self.until}
        return found

    # --- by card -------------------------------------------------------------------------------------------------

    def people(self) -> Iterator[Sample]:
        yield self.card("ordinary", "本人、全て同意なし", "the ordinary reading; flags without times")
        yield self.card(
            "family",
            "家族、被保険者は別人",
            "Name is the patient, InsuredName is not",
            relation="2",
            branch="02",
            insured_name="試験　一郎",
            name="試験　次郎",
            kana="ｼｹﾝ ｼﾞﾛｳ",
            sex1="1",
            birth="20101130",
        )
        yield self.card(
            "preschool", "未就学児", "PreschoolClassification", relation="2", birth=self.begin, preschool="1", sex1="1"
        )
        yield self.card("sex-unset", "性別 未設定", "Sex1 3", sex1="3")
        for code in ("1", "2", "3"):
            yield self.card(f"sex2-{code}", f"性別2 {code}", "Sex2 beside Sex1", sex1="1", sex2=code)
        yield self.card(
            "cp932-name",
            "髙と﨑 (コードページ932にある)",
            "characters of code page 932 that JIS X 0208 lacks",
            name="試験　髙﨑",
            insured_name="試験　髙﨑",
        )
        yield self.card(
            "unmappable-name",
            "𠮷と葛󠄀 (シフトJISにない)",
            "● in Shift_JIS, the characters in UTF-8; a character outside the basic plane, a variation selector",
            name="試験　𠮷野葛󠄀子",
            insured_name="試験　𠮷野葛󠄀子",
        )
        yield self.card(
            "latin-name",
            "長いローマ字氏名と通称",
            "long names, NameOfOther",
            name="試験　MARIA CONCEPCION FERNANDEZ DE LA CRUZ Y SANTOS VILLANUEVA",
            name_other="試験　マリア",
            kana="ｼｹﾝ ﾏﾘｱ ｺﾝｾﾌﾟｼｵﾝ ﾌｪﾙﾅﾝﾃﾞｽ ﾃﾞ ﾗ ｸﾙｽ ｲ ｻﾝﾄｽ ﾋﾞﾔﾇｴﾊﾞ",
            kana_other="ｼｹﾝ ﾏﾘｱ",
            insured_name=None,
        )
        yield self.card(
            "longest-name", "氏名200文字", "buffers", name="試験　" + "寿限無" * 65 + "ああ", insured_name=None
        )
        yield self.card(
            "markup",
            "住所に & < > と引用符",
            "escaped characters are read as themselves",
            address="見本県A&B<1>\"2\"'3'",
        )
        yield self.card(
            "dashes", "全角ハイフンと波ダッシュ", "− and 〜 have two places in Unicode", address="見本県1−2−3〜5"
        )
        yield self.card("short-symbol", "記号1桁・番号1桁", "symbol of one digit", symbol="1", number="7")
        yield self.card(
            "full-width-symbol", "全角の記号番号", "full-width digits", symbol="協会１２３", number="４５６"
        )
        yield self.card(
            "eight-digits",
            "保険者番号8桁",
            "InsurerNumber without blanks",
            insurer_number="99139901",
            symbol="12345678",
        )
        yield self.card("short-insurer", "保険者番号4桁", "InsurerNumber with four blanks", insurer_number="9916")
        yield self.card("leading-zero", "番号が0で始まる", "leading zeros are kept", symbol="0012", number="0000345")
        yield self.card("least", "省略できるものは全て省略", "only what is always there", **_LEAST)
        yield self.card("patient-number", "照会番号あり", "ReferenceNumber", reference_number="0000012345")
        yield self.card("first-day", "資格取得日が今日", "QualificationDate of today", qualified_from=self.today)
        yield self.card("to-be-lost", "資格喪失予定あり", "DisqualificationDate to come", disqualified_from=self.end)
        yield self.card("card-expires", "被保険者証の有効期限あり", "InsuredCardExpirationDate", valid_until=self.end)
        yield self.card("leap-day", "2月29日生まれ", "Birthdate", birth="20000229")
        yield self.card("oldest", "明治生まれ", "an early Birthdate", birth="19120729")

    def classes(self) -> Iterator[Sample]:
        for code, meaning in _table(CLASSIFICATION).values.items():
            if code != "A1":
                yield self.card(
                    f"class-{code}", f"被保険者証区分 {meaning}", "InsuredCardClassification", classification=code
                )

    def elderly(self) -> Iterator[Sample]:
        for ratio in ("020", "030"):
            certificate = ElderlyRecipient(issued=self.begin, valid_from=self.begin, valid_until=self.end, ratio=ratio)
            yield self.card(
                f"recipient-{ratio}",
                f"高齢受給者証 {int(ratio) // 10}割",
                "ElderlyRecipientCertificateInfo",
                birth="19530101",
                elderly=certificate,
            )
        for ratio in ("010", "020", "030"):
            yield self.card(
                f"late-elderly-{ratio}",
                f"後期高齢者 {int(ratio) // 10}割",
                "InsuredPartialContributionRatio; no symbol, no branch",
                birth="19400505",
                insurer_number="39999991",
                symbol=None,
                branch=None,
                number="12345678",
                ratio=ratio,
                valid_until=self.end,
            )

    def limits(self) -> Iterator[Sample]:
        for number, (code, meaning) in enumerate(_table(LIMIT_FLAG).values.items()):
            classification = f"0{number % 3 + 1}"
            limit = Limit(
                classification=classification,
                flag=code,
                issued=self.begin,
                valid_from=self.begin,
                valid_until=self.end,
                long_term=self.begin if code == "A05" else None,
            )
            elder: dict[str, Any] = {"birth": "19500101"} if code.startswith("B") else {}
            yield self.card(
                f"limit-{code}",
                f"限度額 {meaning} (証区分 {classification})",
                "限度額 without a flag",
                limit=limit,
                **elder,
            )
        limit = Limit(classification="01", flag="A03", valid_from=self.begin)
        yield self.card(
            "limit-agreed",
            "限度額 同意あり",
            "限度額 with flag and time",
            limit_consent="1",
            limit_time=self.now,
            limit=limit,
        )
        yield self.card("limit-declined", "限度額 同意なし", "flag 0, nothing else", limit_consent="0")

    def diseases(self) -> Iterator[Sample]:
        every = []
        for code, meaning in _table(DISEASE).values.items():
            disease = SpecificDisease(
                category=code,
                issued=self.begin,
                valid_from=self.begin,
                valid_until=self.end,
                self_pay="20000" if code == "1" else "10000",
            )
            every.append(disease)
            yield self._diseases(f"disease-{code}", f"特定疾病 {meaning}", disease)
        yield self._diseases("disease-all", "特定疾病 3件", *every)
        yield self._diseases("disease-none", "特定疾病 同意あり、該当なし")

    def _diseases(self, key: str, title: str, *diseases: SpecificDisease) -> Sample:
        return self.card(
            key,
            title,
            "SpecificDiseasesCertificateList",
            disease_consent="1",
            disease_time=self.now,
            diseases=diseases,
        )

    def consents(self) -> Iterator[Sample]:
        words = {"checkup": "特定健診", "medication": "薬剤", "diagnosis": "診療", "surgery": "手術"}
        yield self.card(
            "consent-all",
            "全て同意",
            "all consents with times",
            **self.yes(*words),
            disease_consent="1",
            disease_time=self.now,
        )
        for kind, word in words.items():
            yield self.card(f"consent-{kind}", f"{word}のみ同意", "one consent of four", **self.yes(kind))
        absent: dict[str, Any] = {f"{kind}_consent": None for kind in (*words, "disease")}
        yield self.card("consent-unasked", "同意を尋ねていない", "flags that are absent, not 0", **absent)
        for code, word in (("1", "電子処方箋"), ("2", "紙の処方箋")):
            yield self.card(f"prescription-{code}", word, "PrescriptionIssueSelect", body={"prescription": code})

    def answers(self) -> Iterator[Sample]:
        yield self.card(
            "certificate-ends",
            "電子証明書の有効期限が近い",
            "a code and a message in a normal end",
            body={"code": "KSK-0001", "message": "電子証明書の有効期限まで3か月以内です（模擬）"},
        )
        for code, meaning in _table(LOSS).values.items():
            yield self.card(
                f"lost-{code}",
                f"無効、{meaning}",
                "QualificationValidity 2 with the last data for reference",
                body={"validity": "2"},
                loss=code,
                disqualified_from=self.yesterday,
            )
        yield self.card(
            "lost-and-date-only",
            "無効、喪失事由なし",
            "QualificationValidity 2 without a reason",
            body={"validity": "2"},
            disqualified_from=self.yesterday,
        )
        yield self.card(
            "unregistered",
            "医療扶助、有効(未登録)",
            "QualificationValidity 6",
            body={"validity": "6"},
            **self._assistance(),
        )

    # --- by number -----------------------------------------------------------------------------------------------

    def numbers(self) -> Iterator[Sample]:
        search = SearchInfo(
            insurer_number="990016", symbol="見本", number="1001", branch="01", birth="19850412", limit_consent="0"
        )
        flags = [f"{kind}_consent" for kind in ("disease", "checkup", "medication", "diagnosis", "surgery")]
        unasked: dict[str, Any] = dict.fromkeys(flags)
        person = replace(self.person, **unasked)
        found = Body(status="1", validity="1", search=search, results=(person,))

        def by_number(key: str, title: str, good_for: str, body: Body, **header: Any) -> Sample:
            return self.answer(f"number-{key}", f"番号照会、{title}", good_for, body, reference="2", **header)

        yield by_number("found", "有効", "QualificationConfirmSearchInfo", found)
        yield by_number(
            "limit",
            "限度額同意あり",
            "限度額 by number needs the consent",
            replace(
                found,
                search=replace(search, limit_consent="1", identifier="B4u_QfxBNjMCL4w="),
                results=(
                    replace(
                        person,
                        limit_consent="1",
                        limit_time=self.now,
                        limit=Limit(classification="02", flag="A05", valid_from=self.begin, valid_until=self.end),
                    ),
                ),
            ),
        )
        yield by_number(
            "no-branch",
            "枝番なし",
            "a question without symbol and branch",
            replace(found, search=replace(search, symbol=None, branch=None, limit_consent=None)),
        )
        lost = replace(person, loss="03", disqualified_from=self.yesterday)
        yield by_number("lost", "無効", "QualificationValidity 2", replace(found, validity="2", results=(lost,)))
        yield by_number(
            "newer",
            "無効(新しい資格あり)",
            "QualificationValidity 3: ask for the new qualification",
            replace(found, validity="3", results=(lost,)),
        )
        yield by_number("nobody", "該当資格なし", "QualificationValidity 4", replace(found, validity="4", results=()))
        yield by_number("several", "複数該当", "QualificationValidity 5", replace(found, validity="5", results=()))
        yield by_number(
            "error",
            "処理結果エラー",
            "ProcessingResultStatus 2: the code is for the staff, unchanged",
            Body(status="2", code="KSK-0002", message="入力値に誤りがあります（模擬）", search=search),
        )
        yield by_number("pending", "処理中", "SegmentOfResult 2: nothing in the body, ask again", Body(), segment="2")
        yield by_number(
            "failed",
            "異常終了",
            "SegmentOfResult 9 with ErrorCode and ErrorMessage",
            Body(status="2"),
            segment="9",
            error_code="KSK-0009",
            error_message="システムエラーが発生しました（模擬）",
        )
        yield self.answer(
            "card-failed",
            "カード照会、異常終了",
            "an error by card: never a face result file",
            Body(),
            segment="9",
            error_code="KSK-0010",
        )
        expired: dict[str, Any] = dict.fromkeys(flags, "2")
        times: dict[str, Any] = {"checkup_time": self.before, "checkup_until": self.now}
        yield self.answer(
            "consents-expired",
            "同意有効期限切れ (訪問診療等・オンライン診療等)",
            "consent flag 2, with its times and without",
            Body(status="1", validity="1", results=(replace(person, **expired, **times),)),
        )
        hard: dict[str, Any] = dict.fromkeys(flags, "3")
        yield self.answer(
            "consents-emergency",
            "同意取得困難 (救急)",
            "consent flag 3",
            Body(status="1", validity="1", results=(replace(person, **hard),)),
        )

    # --- 医療扶助 --------------------------------------------------------------------------------------------------

    def _assistance(self) -> dict[str, Any]:
        return {
            "classification": "A1",
            "insurer_number": "12999993",
            "symbol": None,
            "number": "1234567",
            "branch": None,
            "relation": None,
            "issued": None,
            "valid_from": None,
            "insurer_name": "見本市福祉事務所（模擬）",
        }

    def tickets(self) -> Iterator[Sample]:
        ticket = MedicalTicket(
            ticket="01",
            valid_from=f"{self.today[:6]}01",
            valid_until=f"{self.today[:6]}28",
            issue_number="00000001",
            month=self.today[:6],
            institution=INSTITUTION,
            institution_flag="0",
            institution_name="見本医院（模擬）",
            injury1="見本傷病一",
            treatment="02",
            self_pay="0",
            district_contact="試験担当",
            handling_contact="試験取扱",
            combined="01",
            social_insurance="02",
            infection="02",
            elderly_care="02",
            prefectural="02",
        )
        yield self._tickets("registered", "医療扶助、券なし", "InsuredCardClassification A1 alone")
        for code, meaning in _table(TREATMENT).values.items():
            yield self._tickets(
                f"treatment-{code}", f"医療券 {meaning}", "MedicalTreatmentType", replace(ticket, treatment=code)
            )
        yield self._tickets(
            "dispensing",
            "調剤券",
            "TicketType 02 with the prescribing institution",
            replace(
                ticket,
                ticket="02",
                treatment="04",
                issuer="9910000002",
                issuer_name="見本診療所（模擬）",
            ),
        )
        full = replace(
            ticket,
            institution_flag="1",
            injury2="見本傷病二",
            injury3="見本傷病三",
            self_pay="1000",
            combined="02",
            social_insurance="01",
            consistency="1",
            infection="01",
            elderly_care="01",
            prefectural="01",
            remarks1="備考一",
            remarks2="備考二",
            remarks3="備考三",
        )
        yield self._tickets("everything", "医療券の全項目", "every element of MedicalTicketInfo", full)
        yield self._tickets("two", "医療券2件", "two entries", ticket, replace(ticket, treatment="03"))
        yield self._tickets("least", "医療券の種別だけ", "one element in it", MedicalTicket(ticket="01"))

    def _tickets(self, key: str, title: str, good_for: str, *tickets: MedicalTicket) -> Sample:
        return self.card(f"assistance-{key}", title, good_for, **self._assistance(), tickets=tickets)


_LEAST: dict[str, Any] = {
    field: None
    for field in (
        "insurer_number",
        "symbol",
        "number",
        "branch",
        "relation",
        "insured_name",
        "address",
        "post_number",
        "qualified_from",
        "issued",
        "valid_from",
        "disease_consent",
        "checkup_consent",
        "medication_consent",
        "diagnosis_consent",
        "surgery_consent",
    )
}
