"""The wording's name: every character of what is shown counts, and nothing else does."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.consenttext import text_version
from kiosk.eligibility.model import VERSION
from kiosk.i18n import Catalogue
from kiosk.reception.consent import Item
from kiosk.reception.policy import Policy
from kiosk.reception.questions import Kind

ENTRIES = {
    "page.consent_all.title": "May {institution} see this?",
    "page.consent_item.lead": "{item} of the last {years} years.",
    "action.all_yes": "Yes",
    "people.medical": "doctors",
    "people.pharmacy": "pharmacists",
    "page.idle.title": "Put your card here",
}
JAPANESE = {key: f"日本語 {text}" for key, text in ENTRIES.items()}
CATALOGUE = Catalogue({"ja": JAPANESE, "en": ENTRIES})
POLICY = Policy()


def named(catalogue: Catalogue = CATALOGUE, policy: Policy = POLICY, language: str = "en") -> str:
    return text_version("2026-04", catalogue, policy, language)


def changed(key: str, language: str = "en") -> Catalogue:
    texts = {"ja": dict(JAPANESE), "en": dict(ENTRIES)}
    texts[language][key] += "."
    return Catalogue(texts)


def test_the_name_is_the_configured_one_and_a_fingerprint() -> None:
    assert re.fullmatch(r"2026-04-[0-9a-f]{12}", named())
    assert re.fullmatch(VERSION, text_version("a" * 20, CATALOGUE, POLICY, "ja"))
    assert named() == named(Catalogue({"ja": dict(JAPANESE), "en": dict(reversed(ENTRIES.items()))}))
    assert named(language="ja") != named()


@pytest.mark.parametrize("key", [key for key in ENTRIES if key not in ("people.pharmacy", "page.idle.title")])
def test_one_character_of_a_consent_text_changes_it(key: str) -> None:
    assert named(changed(key)) != named()
    assert named(changed(key, "ja")) == named()


def test_what_is_not_shown_does_not() -> None:
    assert named(changed("page.idle.title")) == named()
    assert named(changed("people.pharmacy")) == named()


@pytest.mark.parametrize(
    "policy",
    [
        replace(POLICY, look_back_years={**POLICY.look_back_years, Item.MEDICATION: 4}),
        replace(POLICY, institution_name="別の見本"),
        replace(POLICY, kind=Kind.PHARMACY),
    ],
)
def test_what_is_filled_in_counts(policy: Policy) -> None:
    assert named(policy=policy) != named()


def test_a_text_that_is_missing_counts_as_the_one_shown_instead() -> None:
    without = {key: text for key, text in ENTRIES.items() if key != "action.all_yes"}
    missing = Catalogue({"ja": JAPANESE, "en": without})
    other = Catalogue({"ja": {**JAPANESE, "action.all_yes": "はい"}, "en": without})
    assert named(missing) != named(other)


def test_texts_of_the_shipped_catalogue_are_covered() -> None:
    shipped = Catalogue.load(Path(__file__).parents[3] / "assets" / "i18n")
    for language in ("ja", "en"):
        entries = {
            tongue: {key: shipped.pattern(key, tongue) or "" for key in shipped.all_keys(tongue)}
            for tongue in shipped.languages
        }
        for key in ("page.consent_all.lead2", "page.consent_item.lead", "item.medication"):
            spoilt = {**entries, language: {**entries[language], key: entries[language][key] + "。"}}
            assert named(Catalogue(spoilt), language=language) != named(shipped, language=language)
