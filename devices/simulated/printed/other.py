"""What else people lay down: other cards, a phone, a paper. Everything bears 見本 and comes from nobody.

Only kinds are imitated (where a photo, a bar, a stripe stands), never a certain document: the point is that a scanner
tells all of them from the front of a My Number Card. `seed` chooses person, dates, colours and places.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from enum import StrEnum

import numpy as np

from devices.simulated.printed.sheet import Colour, Picture, Sheet, fonts
from devices.simulated.printed.sides import Calendar, Printed, era_of, portrait

_INK: Colour = (36, 36, 40)
_PORTRAITS = (22, 34, 103, 66, 97, 88, 6, 143)


class OtherKind(StrEnum):
    DRIVING_LICENCE = "driving licence"  # 運転免許証: photo on the right, a coloured bar
    JUKI_CARD = "juki card"  # 住基カード: photo on the left, rows of its own
    RESIDENCE_CARD = "residence card"  # 在留カード: photo on the right, many rows
    INSURANCE_CARD = "insurance card"  # 健康保険証: text only
    INSURANCE_PAPER = "insurance paper"  # the same on a larger sheet; also 資格確認書
    HOSPITAL_CARD = "hospital card"  # 診察券
    POINT_CARD = "point card"  # with a stripe
    BANK_CARD = "bank card"  # embossed digits, a chip
    STAFF_CARD = "staff card"  # photo on the left, a name
    PHONE = "phone"
    BLANK_CARD = "blank card"


class _Person:
    """Whose papers these are."""

    def __init__(self, draw: random.Random) -> None:
        self.birth = date(1930, 1, 1) + timedelta(days=draw.randrange(33000))
        self.until = date(2027, 1, 1) + timedelta(days=draw.randrange(3000))
        self.name = "試験　" + draw.choice(("花子", "太郎", "一郎", "美咲", "健", "さくら", "重信", "彩"))
        self.address = f"見本県試験市架空町{draw.randrange(1, 99)}-{draw.randrange(1, 30)}"
        self.font = draw.choice(fonts())
        self.line = Printed(self.birth, era_of(self.birth), self.until, "0000", "女", "", "").birth_line
        western = Printed(self.birth, Calendar.WESTERN, self.until, "0000", "女", "", "")
        self.western_line, self.until_line = western.birth_line, western.expiry_line


def other(kind: OtherKind, seed: int = 0) -> Picture:
    """Its upper side: height x width x 3, BGR, 20 px for a millimetre."""
    draw = random.Random(f"{kind} {seed}")  # noqa: S311 - for variety
    sheet = _DRAWN[kind](draw, _Person(draw))
    picture = sheet.picture()
    grain = np.random.default_rng(seed).normal(0, 2.2, picture.shape[:2]).astype(np.float32)
    return np.asarray(np.clip(picture + grain[..., None], 0, 255), np.uint8)


def _digits(draw: random.Random, count: int) -> str:
    """Nobody's number: it begins with 99."""
    return "99" + "".join(str(draw.randrange(10)) for _ in range(count - 2))


def _photo(draw: random.Random, sheet: Sheet, left: float, top: float, right: float, bottom: float) -> None:
    photo = portrait(draw.choice(_PORTRAITS))
    wide = round(photo.shape[0] * (right - left) / (bottom - top))
    cut = max(0, (photo.shape[1] - wide) // 2)
    sheet.paste(photo[:, cut : photo.shape[1] - cut], left, top, right, bottom)


def _rows(sheet: Sheet, left: float, top: float, step: float, em: float, font: str, *rows: tuple[str, str]) -> None:
    for index, (label, value) in enumerate(rows):
        y = top + index * step
        end = sheet.text(left, y + em * 0.1, label, em * 0.75, (96, 96, 104), font)
        sheet.text(max(end + 1, left + 9), y, value, em, _INK, font)


def _driving_licence(draw: random.Random, who: _Person) -> Sheet:
    sheet = Sheet((232, 236, 240))
    sheet.waves(draw, (210, 218, 226), 14)
    sheet.box(3, 3, 82.5, 51, None, (120, 124, 130), radius=1)
    sheet.text(5, 4.2, "氏名", 2.0, (96, 96, 104), who.font)
    sheet.text(12, 3.8, who.name, 3.0, _INK, who.font)
    sheet.text(47, 4.2, who.line, 2.5, _INK, who.font)
    sheet.line([(3, 8), (82.5, 8)], (120, 124, 130), 0.15)
    _rows(sheet, 5, 9, 4.4, 2.5, who.font, ("住所", who.address), ("交付", f"令和 7年 1月{draw.randrange(10, 29)}日"))
    bar: Colour = draw.choice(((88, 168, 96), (86, 138, 206), (216, 182, 92)))
    sheet.box(3.2, 18, 57, 23.5, bar)
    sheet.text(5, 19.2, who.until_line, 3.2, (20, 24, 28), who.font)
    sheet.text(5, 26, "条件等", 2.0, (96, 96, 104), who.font)
    sheet.text(14, 26, "眼鏡等（模擬）", 2.4, _INK, who.font)
    sheet.text(5, 36, "番号", 2.2, (96, 96, 104), who.font)
    sheet.text(14, 35.6, f"第 {_digits(draw, 12)} 号", 2.8, _INK, who.font)
    _photo(draw, sheet, 58.5, 18, 81.5, 48.5)
    sheet.text(33, 45, "見本免許（模擬）", 2.8, (150, 44, 44), who.font)
    sheet.stamp("見本", (30, 33), 18, (120, 130, 140), 15, 0.2)
    return sheet


def _juki_card(draw: random.Random, who: _Person) -> Sheet:
    sheet = Sheet(draw.choice(((226, 236, 246), (240, 238, 226))))
    sheet.waves(draw, (206, 218, 232), 16)
    sheet.text(5, 3.5, "見本住民カード（模擬）", 3.0, (60, 84, 130), who.font)
    _photo(draw, sheet, 5, 13, 25, 39)
    rows = (("氏名", who.name), ("生年月日", who.line[:-1]), ("性別", draw.choice("男女")), ("住所", who.address))
    _rows(sheet, 29, 13, 6.6, 2.7, who.font, *rows)
    sheet.text(29, 41, who.until_line, 2.7, _INK, who.font)
    sheet.text(5, 46, "見本市（模擬）", 3.2, _INK, who.font)
    sheet.stamp("見本", (52, 30), 20, (120, 140, 170), 12, 0.2)
    return sheet


def _residence_card(draw: random.Random, who: _Person) -> Sheet:
    sheet = Sheet((238, 236, 226))
    sheet.waves(draw, (222, 226, 206), 18)
    sheet.text(4, 2.6, "見本在留カード（模擬）", 2.6, (60, 60, 66), who.font)
    sheet.text(56, 2.6, f"番号 SP{_digits(draw, 8)}ZZ", 2.4, _INK, who.font)
    rows = (
        ("氏名", "SHIKEN MIHON"),
        ("生年月日", who.western_line[:-1]),
        ("性別", draw.choice(("男 M.", "女 F."))),
        ("住居地", who.address),
        ("資格", "見本（模擬）"),
        ("期間", f"3年（{who.until:%Y年%m月%d日}）"),
        ("種類", "模擬"),
    )
    _rows(sheet, 4, 7.5, 5.4, 2.5, who.font, *rows)
    sheet.text(4, 47.5, f"このカードは {who.until_line}", 2.5, _INK, who.font)
    _photo(draw, sheet, 60, 13, 81.5, 41)
    sheet.stamp("見本", (32, 28), 22, (140, 140, 120), 16, 0.2)
    return sheet


def _insurance_card(draw: random.Random, who: _Person) -> Sheet:
    return _insurance(draw, who, Sheet(draw.choice(((238, 226, 206), (216, 232, 244), (244, 222, 226)))), 1.0)


def _insurance_paper(draw: random.Random, who: _Person) -> Sheet:
    return _insurance(draw, who, Sheet(draw.choice(((236, 240, 222), (228, 236, 246))), (105, 74)), 1.25)


def _insurance(draw: random.Random, who: _Person, sheet: Sheet, scale: float) -> Sheet:
    sheet.text(4, 3, "見本 被保険者証（模擬）", 2.8 * scale, _INK, who.font)
    rows = (
        ("記号", f"見本　番号 {_digits(draw, 6)}　枝番 01"),
        ("氏名", who.name),
        ("生年月日", f"{who.line}　性別 {draw.choice('男女')}"),
        ("取得日", "平成30年 4月 1日"),
        ("有効期限", who.until_line),
        ("番号", _digits(draw, 8)),
        ("名称", "見本保険者（模擬）"),
    )
    _rows(sheet, 4, 8.5 * scale, 5.9 * scale, 2.5 * scale, who.font, *rows)
    sheet.stamp("見本", (44 * scale, 28 * scale), 20 * scale, (140, 130, 120), 16, 0.18)
    return sheet


def _hospital_card(draw: random.Random, who: _Person) -> Sheet:
    sheet = Sheet(draw.choice(((250, 250, 248), (222, 240, 232), (250, 234, 224))))
    colour: Colour = draw.choice(((46, 130, 120), (196, 96, 84), (70, 96, 160)))
    sheet.box(0, 0, 85.6, 11, colour)
    sheet.text(5, 3.4, "見本医院　診察券（模擬）", 4.0, (255, 255, 255), who.font)
    sheet.text(8, 18, "No.", 3.0, colour, who.font)
    sheet.text(17, 16.8, _digits(draw, 7), 5.2, _INK, who.font)
    sheet.text(8, 28, f"{who.name}　様", 4.6, _INK, who.font)
    sheet.text(8, 38, f"生年月日 {who.line[:-1]}", 2.6, (96, 96, 104), who.font)
    sheet.text(8, 46, "休診日　水曜・日曜・祝日　（架空）", 2.3, (96, 96, 104), who.font)
    return sheet


def _point_card(draw: random.Random, who: _Person) -> Sheet:
    colour: Colour = draw.choice(((216, 60, 70), (40, 110, 190), (246, 190, 60)))
    sheet = Sheet(colour)
    pale = (255, 252, 246)
    sheet.box(0, 4, 85.6, 12 + draw.random() * 3, (32, 30, 30))
    sheet.text(6, 19, "見本ポイントカード", 5.0, pale, who.font)
    sheet.text(6, 30, " ".join(_digits(draw, 4) for _ in range(4)), 4.4, pale, who.font)
    sheet.box(6, 40, 60, 47, (246, 246, 242))
    sheet.text(8, 42, "ご署名（模擬）", 2.2, (150, 150, 150), who.font)
    return sheet


def _bank_card(draw: random.Random, who: _Person) -> Sheet:
    base: Colour = draw.choice(((54, 84, 132), (150, 150, 158), (60, 62, 68), (92, 130, 110)))
    sheet = Sheet(base)
    blue, green, red = (min(255, part + 16) for part in base)
    sheet.waves(draw, (blue, green, red), 22, 0.3)
    sheet.text(5, 4.5, "見本銀行（模擬）", 4.4, (240, 240, 240), who.font)
    sheet.box(9, 19, 21.5, 29, (206, 178, 110), (140, 112, 52), radius=1.4, line=0.2)
    number = " ".join(_digits(draw, 4) for _ in range(4))
    for shift, colour in ((0.25, (24, 26, 30)), (0.0, (222, 222, 226))):
        sheet.text(8 + shift, 32 + shift, number, 5.6, colour, who.font)
        sheet.text(9 + shift, 45 + shift, "MIHON SHIKEN", 3.4, colour, who.font)
        sheet.text(48 + shift, 40 + shift, f"{who.until:%m/%y}", 3.4, colour, who.font)
    return sheet


def _staff_card(draw: random.Random, who: _Person) -> Sheet:
    sheet = Sheet((250, 250, 250))
    colour: Colour = draw.choice(((46, 96, 150), (130, 60, 90), (60, 120, 70)))
    sheet.box(0, 44, 85.6, 53.98, colour)
    _photo(draw, sheet, 4.5, 12, 25, 40)
    sheet.text(5, 4, "見本大学（模擬）", 3.6, colour, who.font)
    sheet.text(31, 16, f"学籍番号 {_digits(draw, 8)}", 3.0, _INK, who.font)
    sheet.text(31, 24, who.name, 4.6, _INK, who.font)
    sheet.text(31, 33, f"{who.line}", 2.8, _INK, who.font)
    sheet.text(31, 38, who.until_line, 2.8, _INK, who.font)
    sheet.text(30, 47, "身分証（模擬）", 3.4, (250, 250, 250), who.font)
    return sheet


def _phone(draw: random.Random, who: _Person) -> Sheet:
    sheet = Sheet((22, 22, 24), (140, 68))
    if draw.random() < 0.6:
        sheet.box(4, 3, 136, 65, draw.choice(((240, 242, 246), (46, 60, 96), (30, 30, 34))), radius=4)
        sheet.text(22, 14, "見本アプリ（模擬）", 7, (150, 156, 170), who.font)
        sheet.text(22, 32, f"{draw.randrange(24)}:{draw.randrange(60):02}", 12, (150, 156, 170), who.font)
    else:
        sheet.box(8, 8, 34, 40, (40, 40, 44), radius=6)
        for y in (14.0, 28.0):
            sheet.box(14, y, 25, y + 11, (12, 12, 14), (70, 70, 76), radius=5.4, line=0.6)
    return sheet


def _blank_card(draw: random.Random, who: _Person) -> Sheet:
    sheet = Sheet(draw.choice(((250, 250, 250), (200, 214, 230), (240, 226, 190), (60, 64, 70))))
    if draw.random() < 0.5:
        sheet.text(30, 46, "見本（模擬）", 2.4, (170, 170, 170), who.font)
    return sheet


_DRAWN: dict[OtherKind, Callable[[random.Random, _Person], Sheet]] = {
    OtherKind.DRIVING_LICENCE: _driving_licence,
    OtherKind.JUKI_CARD: _juki_card,
    OtherKind.RESIDENCE_CARD: _residence_card,
    OtherKind.INSURANCE_CARD: _insurance_card,
    OtherKind.INSURANCE_PAPER: _insurance_paper,
    OtherKind.HOSPITAL_CARD: _hospital_card,
    OtherKind.POINT_CARD: _point_card,
    OtherKind.BANK_CARD: _bank_card,
    OtherKind.STAFF_CARD: _staff_card,
    OtherKind.PHONE: _phone,
    OtherKind.BLANK_CARD: _blank_card,
}
