"""Words: complete in every language, and never a reason to stop."""

from __future__ import annotations

import ast
import logging
import re
from pathlib import Path

import pytest

from devices.ports import FaceHint
from kiosk.i18n import Catalogue, CatalogueBroken, placeholders
from kiosk.reception.consent import Item
from kiosk.reception.failure import FailureCode, text_key
from kiosk.reception.insured import QueryDoubt, QueryField
from kiosk.reception.leaflet import PAGES
from kiosk.reception.number import Doubt, Era, Field
from kiosk.reception.policy import Policy
from kiosk.reception.questions import Kind
from kiosk.reception.states import Ending, Notice, StaffReason
from kiosk.reception.view import AnswersPanel, Page, Text, View, answer_text
from kiosk.ui.gallery import samples
from kiosk.ui.pages.query import Step

ROOT = Path(__file__).resolve().parents[2]


def test_every_language_has_the_same_keys(catalogue: Catalogue) -> None:
    assert set(catalogue.languages) == set(Policy().languages)
    for language in catalogue.languages:
        assert catalogue.all_keys(language) == catalogue.all_keys("ja")


def test_every_language_uses_the_same_values(catalogue: Catalogue) -> None:
    for key in catalogue.all_keys():
        wanted = placeholders(catalogue.pattern(key, "ja") or "")
        for language in catalogue.languages:
            assert placeholders(catalogue.pattern(key, language) or "") == wanted, (language, key)


def test_no_text_is_empty(catalogue: Catalogue) -> None:
    for language in catalogue.languages:
        empty = [key for key in catalogue.all_keys(language) if not (catalogue.pattern(key, language) or "").strip()]
        assert empty == []


@pytest.mark.parametrize("code", list(FailureCode))
def test_every_failure_has_its_four_sentences(catalogue: Catalogue, code: FailureCode) -> None:
    for part in ("what", "do", "other", "staff"):
        assert catalogue.has(f"{text_key(code)}.{part}")


def test_no_failure_is_described_that_cannot_happen(catalogue: Catalogue) -> None:
    described = {key.split(".")[1] for key in catalogue.all_keys() if key.startswith("failure.")}
    assert described == {code.name.lower() for code in FailureCode}


def test_every_word_of_an_enumeration_is_there(catalogue: Catalogue) -> None:
    wanted = [f"hint.{hint}" for hint in FaceHint]
    wanted += [f"reason.{reason}" for reason in StaffReason]
    wanted += [f"outcome.{ending}" for ending in Ending]
    wanted += [f"item.{item.name.lower()}" for item in Item] + [f"item_detail.{item.name.lower()}" for item in Item]
    wanted += [f"era.{era}" for era in Era] + [f"era.short_{era}" for era in Era]
    wanted += [f"number.ask.{field}" for field in Field] + [f"number.doubt.{doubt}" for doubt in Doubt]
    wanted += [f"page.{page}.title" for page in Page if page is not Page.LEAFLET]
    wanted += [f"leaflet.{name}.{part}" for name in PAGES for part in ("title", "body", "line")]
    wanted += [f"lookup.doubt.{doubt}" for doubt in QueryDoubt] + [f"lookup.{field}" for field in QueryField]
    wanted += [f"lookup.ask.{step}" for step in Step] + [f"notice.{notice}" for notice in Notice]
    wanted += [f"{of}.{kind.name.lower()}" for of in ("people", "purpose") for kind in Kind]
    wanted += [answer_text(item, yes).key for item in Item for yes in (True, False)]
    assert [key for key in wanted if not catalogue.has(key)] == []


def _texts(view: View) -> list[Text]:
    texts = [view.title, *view.lead, *(action.text for action in view.actions)]
    return texts + ([view.notice] if view.notice else []) + ([view.back.text] if view.back else [])


@pytest.mark.parametrize("language", Policy().languages)
def test_every_view_can_be_said(catalogue: Catalogue, language: str, caplog: pytest.LogCaptureFixture) -> None:
    shown = set()
    for sample in samples(Policy(), language):
        shown.add(sample.view.page)
        for text in _texts(sample.view):
            said = catalogue.text(text, language)
            assert "{" not in said
            assert said != text.key
    assert caplog.records == []
    assert shown == set(Page)


def test_every_key_in_the_pages_exists(catalogue: Catalogue) -> None:
    """Literal keys in the UI's code; composed keys are covered by the enumerations above."""
    key = re.compile(
        r"(ui|page|action|detail|number|lookup|leaflet|picture|time|notice|era|panel|failure|finding)(\.[a-z_]*[a-z])+"
    )
    missing = []
    for path in (ROOT / "kiosk" / "ui").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            literal = isinstance(node, ast.Constant) and isinstance(node.value, str)
            if literal and key.fullmatch(node.value) and not catalogue.has(node.value):
                missing.append((path.name, node.value))
    assert missing == []


def test_every_call_to_the_counter_has_its_sentence(catalogue: Catalogue) -> None:
    source = (ROOT / "kiosk" / "reception" / "machine.py").read_text(encoding="utf-8")
    reasons = set(re.findall(r'CallCounter\("(\w+)"\)', source)) | {"postponed", "unclaimed"}
    assert "help" in reasons
    assert [reason for reason in reasons if not catalogue.has(f"counter.{reason}")] == []


def test_a_missing_key_falls_back_and_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    catalogue = Catalogue({"ja": {"a": "あ"}, "en": {}})
    with caplog.at_level(logging.WARNING):
        assert catalogue.word("a", "en") == "あ"
        assert catalogue.word("b", "en") == "b"
    assert len(caplog.records) == 2
    caplog.clear()


def test_a_missing_value_leaves_the_pattern(caplog: pytest.LogCaptureFixture) -> None:
    catalogue = Catalogue({"ja": {"a": "{n}回"}})
    assert catalogue.word("a", "ja") == "{n}回"
    assert len(caplog.records) == 1
    caplog.clear()


def test_values_may_be_texts_and_defaults_stand_in() -> None:
    catalogue = Catalogue({"ja": {"a": "{item}を{place}へ", "b": "薬"}}).with_defaults(place="見本")
    assert catalogue.word("a", "ja", item=Text("b")) == "薬を見本へ"


@pytest.mark.parametrize("bad", ['a = "{"', 'a = "{0.x}"', 'a = "{n:d}"', 'a = "{n!r}"', "a = 1", "a = ["])
def test_a_broken_catalogue_is_named(tmp_path: Path, bad: str) -> None:
    (tmp_path / "ja.toml").write_text(bad, encoding="utf-8")
    with pytest.raises(CatalogueBroken):
        Catalogue.load(tmp_path)


def test_without_japanese_there_is_no_catalogue(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('a = "b"', encoding="utf-8")
    with pytest.raises(CatalogueBroken):
        Catalogue.load(tmp_path)


@pytest.mark.parametrize(
    ("family", "words"),
    [
        ("outcome", [*Ending, "papers"]),
        ("item", [item.name.lower() for item in Item]),
        ("item_detail", [item.name.lower() for item in Item]),
        ("hint", list(FaceHint)),
        ("reason", list(StaffReason)),
        ("answer", [answer_text(item, yes).key.removeprefix("answer.") for item in Item for yes in (True, False)]),
        ("people", [kind.name.lower() for kind in Kind]),
        ("purpose", [kind.name.lower() for kind in Kind]),
        ("leaflet", [f"{name}.{part}" for name in PAGES for part in ("title", "body", "line", "dated")]),
    ],
)
def test_no_family_has_a_word_too_many(catalogue: Catalogue, family: str, words: list[str]) -> None:
    there = {key.removeprefix(f"{family}.") for key in catalogue.all_keys() if key.startswith(f"{family}.")}
    assert there - set(words) == set()


def _composed(node: ast.JoinedStr) -> str | None:
    """An f-string as a pattern, when it begins with words of its own."""
    parts = [
        re.escape(part.value) if isinstance(part, ast.Constant) and isinstance(part.value, str) else r"[a-z0-9_]+"
        for part in node.values
    ]
    return "".join(parts) if isinstance(node.values[0], ast.Constant) and "." in parts[0] else None


def test_no_text_is_unused(catalogue: Catalogue) -> None:
    """A key stands in the code, is composed there, or is said by a view. paper.* has its own tests."""
    literal: set[str] = set()
    composed: set[str] = set()
    for path in (ROOT / "kiosk").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                literal.add(node.value)
            elif isinstance(node, ast.JoinedStr) and (pattern := _composed(node)):
                composed.add(pattern)
    views = [sample.view for sample in samples(Policy(), "ja")]
    said = {text.key for one in views for text in _all_texts(one)}
    names = {action.name for one in views for action in one.actions}
    known = re.compile("|".join(sorted(composed - {r"action\.[a-z0-9_]+", r"detail\.[a-z0-9_]+"})))
    reasons = {f"counter.{word}" for word in literal if word.isidentifier()}
    own = {f"detail.{name}" for name in names} | reasons
    unused = [
        key
        for key in catalogue.all_keys()
        if key not in literal | said | own and not known.fullmatch(key) and not key.startswith(("paper.", "failure."))
    ]
    assert ", ".join(sorted(unused)) == ""


def _all_texts(view: View) -> list[Text]:
    texts = _texts(view)
    if isinstance(view.panel, AnswersPanel):
        texts += [answer for _, answer in view.panel.rows]
    return texts + [value for text in texts for value in text.values.values() if isinstance(value, Text)]


def test_a_consent_names_who_what_why_how_long_and_what_a_no_means(catalogue: Catalogue) -> None:
    """Recipient and institution, information, purpose, period, consequence (design of the consent pages)."""
    pages = ["page.consent_all", "page.consent_item", "page.lookup_limit"]
    pages += [f"page.consent_item.{name}" for name in ("disease", "limit", "subsidy", "prescription", "dispense")]
    for page in pages:
        text = " ".join(catalogue.pattern(f"{page}.{part}", "ja") or "" for part in ("title", "lead", "lead2"))
        assert "{institution}" in text, page
        assert re.search(r"24時間|この受付だけ|今日の", text), page
        if not page.endswith("prescription"):
            assert "{people}" in text, page
            assert re.search(r"見せなくても|使わなくても|選ばなかった", text), page
    assert "{years}" in (catalogue.pattern("page.consent_item.lead", "ja") or "")


def test_no_patient_page_says_why_a_qualification_was_lost(catalogue: Catalogue) -> None:
    """OQSCD008 is explained to the staff only: a counter is a public place."""
    reasons = re.compile("死亡|生活保護|医療扶助|death|assistance")
    for language in catalogue.languages:
        assert reasons.search(catalogue.pattern("failure.qualification_invalid.staff", language) or "")
        for key in catalogue.all_keys(language):
            if not key.startswith("paper.") and not key.endswith(".staff"):
                assert not reasons.search(catalogue.pattern(key, language) or ""), (language, key)


def test_no_page_says_that_somebody_cannot_be_treated(catalogue: Catalogue) -> None:
    for key in catalogue.all_keys():
        pattern = catalogue.pattern(key, "ja") or ""
        assert not re.search("受診できません|受診することができません|診療できません", pattern), key


@pytest.mark.parametrize("page", [page for page in Page if page is not Page.LEAFLET])
def test_titles_are_short(catalogue: Catalogue, page: Page) -> None:
    """At most 40 characters."""
    assert len(catalogue.word(f"page.{page}.title", "ja", institution="見本クリニック", item="健診")) <= 40
