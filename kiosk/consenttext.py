"""The name of the wording that a patient saw: what the gateway's consent record keeps beside the answers.

`<configured name>-<12 hexadecimal>`; the digits are a fingerprint of every text of the consent pages in the language
shown, of the institution's name and kind, and of the look-back years. Nobody can change a wording and keep its name.
"""

from __future__ import annotations

import hashlib
import json

from kiosk.i18n import FALLBACK, Catalogue
from kiosk.reception.policy import Policy

# What stands on the pages of questions and on the page that shows all answers.
_SHOWN = ("page.consent_", "page.check_answers.", "page.lookup_limit.", "item.", "item_detail.", "answer.", "ui.years")
_BUTTONS = ("action.all_", "action.each", "action.item_", "action.prescription_", "action.dispense_")


def text_version(configured: str, catalogue: Catalogue, policy: Policy, language: str) -> str:
    """`configured`: `consent.text_version` of config.toml. A text that `language` lacks is the one shown instead."""
    kind = policy.kind.name.lower()
    begins = (*_SHOWN, *_BUTTONS, f"people.{kind}", f"purpose.{kind}")
    texts = {
        key: catalogue.pattern(key, language) or catalogue.pattern(key, FALLBACK)
        for key in catalogue.all_keys() | catalogue.all_keys(language)
        if key.startswith(begins)
    }
    years = {item.value: count for item, count in policy.look_back_years.items()}
    shown = json.dumps([texts, years, policy.institution_name, kind], sort_keys=True, ensure_ascii=True)
    return f"{configured}-{hashlib.sha256(shown.encode()).hexdigest()[:12]}"
