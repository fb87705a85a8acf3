"""The forms on paper: every word in its box, on the page, in glyphs that exist; and a PDF that is A4."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from pytestqt.qtbot import QtBot

from kiosk import cli
from kiosk.i18n import Catalogue
from kiosk.ui import paper
from kiosk.ui.gallery import missing_glyphs
from kiosk.ui.paper import BOTTOM, DOTS, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Form, Shape, Sheet, Word
from kiosk.ui.theme import Theme

LANGUAGES = ("ja", "en")
NEAR = 0.05  # mm


@pytest.fixture(params=[(form, language) for form in Form for language in LANGUAGES], ids="-".join)
def sheet(request: pytest.FixtureRequest, qtbot: QtBot, catalogue: Catalogue, theme: Theme) -> Sheet:
    form, language = request.param
    return paper.make(form, catalogue, theme, language)


def clipped(word: Word) -> bool:
    return word.width > word.box.width() + NEAR or word.height > word.box.height() + NEAR


def squares(sheet: Sheet) -> list[QRectF]:
    """What is ticked."""
    return [shape.box for shape in sheet.shapes if shape.box.width() == shape.box.height() == paper._TICK]


def test_every_text_lies_in_its_box(sheet: Sheet) -> None:
    assert [word.key for word in sheet.words if clipped(word)] == []


def test_nothing_leaves_the_page(sheet: Sheet) -> None:
    page = QRectF(LEFT, TOP, RIGHT - LEFT, BOTTOM - TOP).adjusted(-NEAR, -NEAR, NEAR, NEAR)
    boxes = [word.box for word in sheet.words] + [shape.box for shape in sheet.shapes]
    assert [box for box in boxes if not page.contains(box) and box.height() > 0] == []
    assert all(page.left() <= box.left() and box.right() <= page.right() for box in boxes)


def test_no_text_lies_over_another(sheet: Sheet) -> None:
    for place, one in enumerate(sheet.words):
        for other in sheet.words[place + 1 :]:
            assert not one.box.intersects(other.box), (one.key, other.key)


def test_ticks_stand_apart_from_each_other_and_from_words(sheet: Sheet) -> None:
    found = squares(sheet)
    for place, one in enumerate(found):
        for other in found[place + 1 :]:
            assert not one.adjusted(-0.4, -0.4, 0.4, 0.4).intersects(other)
        for word in sheet.words:
            assert not one.intersects(word.box), word.key


def test_every_character_has_a_glyph(sheet: Sheet, theme: Theme) -> None:
    assert [char for word in sheet.words for char in missing_glyphs(word.text, theme)] == []


def test_every_text_is_printed(qtbot: QtBot, catalogue: Catalogue, theme: Theme) -> None:
    for language in LANGUAGES:
        said = {word.key for form in Form for word in paper.make(form, catalogue, theme, language).words}
        assert {key for key in catalogue.all_keys() if key.startswith("paper.")} <= said


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_statement_asks_for_what_is_needed(qtbot: QtBot, catalogue: Catalogue, theme: Theme, language: str) -> None:
    text = "\n".join(word.text for word in paper.make(Form.STATEMENT, catalogue, theme, language).words)
    for needed in (
        "フリガナ",
        "氏名",
        "生年月日",
        "性別",
        "住所",
        "電話番号",
        "保険者番号",
        "記号",
        "番号",
        "枝番",
        "署名",
    ):
        assert needed in text, "the staff read Japanese in every language"
    assert "個人番号" in text
    assert "昭和" in text
    assert "●" in text
    assert len(squares(paper.make(Form.STATEMENT, catalogue, theme, language))) == 5 + 3 + 5 + 2 + 4 + 6 + 3 + 3


def ink(draw: list[Word] | list[Shape], box: QRectF) -> QRectF | None:
    """Where something is drawn, mm, looked at with 5 mm around `box`."""
    scale, margin = 8.0, 5.0
    around = box.adjusted(-margin, -margin, margin, margin)
    image = QImage(round(around.width() * scale), round(around.height() * scale), QImage.Format.Format_Grayscale8)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    painter.scale(scale / DOTS, scale / DOTS)
    painter.translate(-around.left() * DOTS, -around.top() * DOTS)
    for each in draw:
        each.draw(painter)
    painter.end()
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    rows, columns = np.nonzero(pixels[:, : image.width()] < 128)
    if not rows.size:
        return None
    return QRectF(
        around.left() + columns.min() / scale,
        around.top() + rows.min() / scale,
        (columns.max() - columns.min()) / scale,
        (rows.max() - rows.min()) / scale,
    )


def test_what_is_drawn_stays_where_it_was_laid_out(sheet: Sheet) -> None:
    for word in sheet.words:
        found = ink([word], word.box)
        assert found is not None, word.key
        assert word.box.adjusted(-0.3, -0.3, 0.3, 0.3).contains(found), (word.key, found, word.box)


def test_the_hunt_for_clipped_words_finds_one(qtbot: QtBot, theme: Theme) -> None:
    sheet = Sheet(Catalogue({"ja": {"a": "申立書" * 20, "b": "申立書"}}), theme, "ja")
    long = sheet.word("a", QRectF(20, 20, 30, 5))
    assert clipped(long)
    found = ink([long], long.box)
    assert found is not None
    assert not long.box.contains(found)
    assert not clipped(sheet.word("b", QRectF(20, 40, 30, 5)))


def test_pages_look_like_pages(sheet: Sheet) -> None:
    image = paper.picture(sheet, 2.0)
    assert (image.width(), image.height()) == (round(WIDTH * 2), round(HEIGHT * 2))
    grey = image.convertToFormat(QImage.Format.Format_Grayscale8)
    pixels = np.frombuffer(grey.constBits(), np.uint8).reshape(grey.height(), grey.bytesPerLine())[:, : grey.width()]
    dark = float((pixels < 128).mean())
    assert 0.01 < dark < 0.2
    assert pixels[:, : int(LEFT * 2) - 2].min() == 255  # room for the holes


def pages(path: Path) -> list[tuple[float, float]]:
    """Width and height of every page of a PDF, mm."""
    boxes = re.findall(rb"/MediaBox\s*\[0 0 ([0-9.]+) ([0-9.]+)\]", path.read_bytes())
    return [(float(wide) / 72 * 25.4, float(high) / 72 * 25.4) for wide, high in boxes]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("form", "count"), [("statement", 1), ("notice", 1), ("all", 2)])
def test_the_command_writes_a4(
    qtbot: QtBot, tmp_path: Path, form: str, count: int, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "form.pdf"
    assert cli.main(["paper", "--out", str(out), "--language", language, "--form", form]) == 0
    assert capsys.readouterr().out == f"OK: {out}: {count} page(s), A4\n"
    assert out.read_bytes().startswith(b"%PDF-")
    assert len(pages(out)) == count
    for wide, high in pages(out):
        assert abs(wide - WIDTH) < 0.5
        assert abs(high - HEIGHT) < 0.5
    assert [path.name for path in out.parent.iterdir()] == ["form.pdf"]


def test_no_form_of_empty_squares(
    qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("PySide6.QtGui.QFontDatabase.families", lambda _: [])
    assert cli.main(["paper", "--out", str(tmp_path / "form.pdf")]) == 1
    assert "no Japanese font" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_said(qtbot: QtBot, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert cli.main(["paper", "--out", str(tmp_path / "file" / "form.pdf")]) == 1
    (tmp_path / "folder.pdf").mkdir()
    assert cli.main(["paper", "--out", str(tmp_path / "folder.pdf")]) == 1
    assert capsys.readouterr().out.count("FAILED: ") == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.pdf"]
