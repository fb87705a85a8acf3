"""Messages between kiosk and gateway: what no other test says of them."""

from __future__ import annotations

from typing import Any

import pytest

from kiosk.eligibility.model import Base64, Message


class Note(Message):
    text: str


@pytest.mark.parametrize("value", [None, 7, "QUJD!", "QUJDRA", "QUJDREVGR0g=="])
def test_what_is_no_base64_text_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="base64 text expected"):
        Base64(1, 6).decode(value)


@pytest.mark.parametrize("value", ["", "QQ==", b"", b"A", b"ABCDEFG"])
def test_another_length_is_refused(value: str | bytes) -> None:
    with pytest.raises(ValueError, match="another length expected"):
        Base64(2, 6).decode(value)


@pytest.mark.parametrize("value", ["QUI=", b"AB"])
def test_text_and_our_own_bytes_are_taken(value: str | bytes) -> None:
    assert Base64(2, 6).decode(value) == b"AB"


def test_a_message_shows_nothing() -> None:
    note = Note(text="試験")
    assert repr(note) == str(note) == "Note(****)"
