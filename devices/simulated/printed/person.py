"""What is printed on the simulated card of a person: both sides, from what its chip holds.

A chip and its print come from the same office; the kiosk has no part in it and learns nothing from here.
"""

from __future__ import annotations

import zlib
from datetime import date

import cv2
import numpy as np

from devices.simulated.card.files import CardKind, PersonCard
from devices.simulated.printed.other import OtherKind, other
from devices.simulated.printed.sheet import Picture
from devices.simulated.printed.sides import Calendar, Printed, back, era_of, front

# What each kind of card that is no My Number Card looks like. A mute card is one whose chip is broken.
_OTHERS = {
    CardKind.DRIVING_LICENCE: OtherKind.DRIVING_LICENCE,
    CardKind.JUKI_CARD: OtherKind.JUKI_CARD,
    CardKind.PHONE: OtherKind.PHONE,
    CardKind.MUTE: OtherKind.POINT_CARD,
    CardKind.PAPER: OtherKind.INSURANCE_CARD,
}


def printed(card: PersonCard) -> Printed | OtherKind:
    """The front of this card. Raises ValueError when its files do not say what to print."""
    if card.kind in _OTHERS:
        return _OTHERS[card.kind]
    face, text = card.visual[0x0002], card.text[0x0002]
    birth, expiry = _day(_value(face, 0xDF22)), _day(_value(face, 0xDF29))
    # 照合番号B begins with the year as it is printed: of the era, or of the western calendar for foreign residents.
    # The day on which 大正 ended is printed either way.
    calendars = (era_of(birth), Calendar.TAISHO, Calendar.WESTERN)
    calendar = next((each for each in calendars if _number(each, birth, expiry, card) == card.number_b), None)
    if calendar is None:
        raise ValueError(f"{card.id}: 照合番号B is not of this birth date and expiry")
    photo = _value(face, 0xDF27)
    return Printed(
        birth=birth,
        calendar=calendar,
        expiry=expiry,
        code=card.number_b[10:],
        sex="男" if _value(face, 0xDF23) == b"1" else "女",
        name=_value(text, 0xDF22).decode(),
        address=_value(text, 0xDF23).decode(),
        photo=np.asarray(cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR), np.uint8) if photo else None,
        gannen=_run(card) % 2 == 0,
    )


def upper_side(card: PersonCard) -> Picture:
    """What the camera sees of it laid face up."""
    what = printed(card)
    return other(what, _run(card)) if isinstance(what, OtherKind) else front(what, _run(card))


def lower_side(card: PersonCard) -> Picture:
    """What the camera sees of it laid face down."""
    what = printed(card)
    if isinstance(what, OtherKind):
        return other(OtherKind.BLANK_CARD, _run(card))
    return back(_run(card), name=what.name, birth_line=what.birth_line)


def _run(card: PersonCard) -> int:
    return zlib.crc32(card.id.encode())


def _number(calendar: Calendar, birth: date, expiry: date, card: PersonCard) -> str:
    return Printed(birth, calendar, expiry, card.number_b[10:], "", "", "").number_b


def _day(value: bytes) -> date:
    return date.fromisoformat(value.decode())


def _value(file: bytes, tag: int) -> bytes:
    """Of a TLV in an elementary file: two-byte tags, lengths in DER."""
    at = 2 + _length(file, 2)[1]
    while at + 3 <= len(file) and file[at] != 0xFF:
        length, wide = _length(file, at + 2)
        begin = at + 2 + wide
        if int.from_bytes(file[at : at + 2]) == tag:
            return file[begin : begin + length]
        at = begin + length
    raise ValueError(f"no {tag:04X} in the file")


def _length(file: bytes, at: int) -> tuple[int, int]:
    """Length, and how many bytes say it."""
    wide = file[at] & 0x7F if file[at] & 0x80 else 0
    return (int.from_bytes(file[at + 1 : at + 1 + wide]), 1 + wide) if wide else (file[at], 1)
