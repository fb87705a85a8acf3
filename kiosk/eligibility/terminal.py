"""What the 資格確認端末 would show the doctor: asks the simulated one, for the demonstration and for tests.

The kiosk itself never asks for medical data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import requests

from kiosk.eligibility.gateway import GatewaySettings
from kiosk.reception.consent import Item

_TIMEOUT = (3.0, 10.0)
_WORDS: Mapping[Item, str] = {Item.MEDICATION: "medication (薬剤)", Item.CHECKUP: "check-up (健診)"}


@dataclass(frozen=True, slots=True)
class Released:
    """`rows`: what is shown; `refused`: the terminal's reason when nothing is."""

    item: Item
    rows: tuple[Mapping[str, object], ...]
    refused: str = ""

    def lines(self) -> list[str]:
        word = _WORDS[self.item]
        if self.refused:
            return [f"{word}: nothing ({self.refused})"]
        return [f"{word}: {' / '.join(str(value) for value in row.values())}" for row in self.rows] or [f"{word}: none"]


class Terminal:
    """Asks over the same mutual TLS as the kiosk."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._url = settings.url.rstrip("/")
        self._settings = settings

    def released(self, item: Item, reception: str) -> Released:
        """Raises requests.RequestException."""
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(
                f"{self._url}/terminal/v1/{item.value}",
                params={"reception": reception},
                cert=(str(self._settings.certificate), str(self._settings.key)),
                verify=str(self._settings.ca),
                timeout=_TIMEOUT,
            )
        body = answer.json()
        if answer.status_code == requests.codes.ok:
            return Released(item, tuple(body["rows"]))
        return Released(item, (), str(body.get("error", answer.status_code)))

    def everything(self, reception: str) -> list[Released]:
        return [self.released(item, reception) for item in _WORDS]
