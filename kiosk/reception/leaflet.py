"""Quiet pages at idle and after the end: what the card is good for. Words: `leaflet.<name>` of the catalogues."""

from __future__ import annotations

# docs/leaflet.md says which statement of the public leaflet stands on which page.
PAGES = (
    "card",  # what マイナ保険証 is, how it is used, face photo not kept
    "bring",  # which document to bring, and what does not suffice alone
    "sharing",  # shared medicines and check-ups, with consent
    "withdraw",  # how to take a consent back
    "mynaportal",  # one's own data and medical-expense notices
    "tax",  # 医療費控除
    "high_cost",  # 限度額 without a certificate; municipal subsidies still on paper
    "job_change",  # one card through changes; the notification is still needed
    "no_my_number",  # the 12 digits are not used; nothing medical in the chip
    "costs",  # fewer claim errors
    "register",  # where to register; QR to Mynaportal's public top page
)
WITH_QR = frozenset({"mynaportal", "register"})
