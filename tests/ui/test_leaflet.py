"""docs/leaflet.md: every statement of the public leaflet has its page and its words."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from kiosk.i18n import Catalogue, CatalogueBroken
from kiosk.reception.failure import FailureCode
from kiosk.reception.leaflet import PAGES, WITH_QR
from kiosk.reception.policy import Policy
from kiosk.reception.view import Page, Text
from kiosk.ui.components import Words
from kiosk.ui.gallery import samples
from kiosk.ui.leaflet import LeafletPicture, QrCode
from kiosk.ui.screenshots import settle
from tests.ui.conftest import ASSETS, Bench

ROOT = Path(__file__).resolve().parents[2]
_ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)

# Number of the statement -> (key, words in Japanese, words in English; "" where another row has them).
STATEMENTS: dict[int, tuple[tuple[str, str, str], ...]] = {
    1: (("leaflet.bring.body", "マイナ保険証のない方に届きます", "sent to those without"),),
    2: (("leaflet.card.body", "登録したもの", "registered as your health insurance card"),),
    3: (
        ("leaflet.bring.body", "か、資格確認書をお持ちください", "or your 資格確認書"),
        ("page.no_card.paper", "資格確認書", "資格確認書"),
    ),
    4: (
        ("leaflet.bring.body", "「資格情報のお知らせ」か", "資格情報のお知らせ or"),
        ("action.paper_card_notice", "カードと「資格情報のお知らせ」", "Card and 資格情報のお知らせ"),
    ),
    5: (
        ("leaflet.bring.body", "マイナポータルの画面を、カードと一緒に", "Mynaportal screen together with the card"),
        ("action.paper_card_portal", "カードとマイナポータルの画面", "Card and Mynaportal screen"),
    ),
    6: (
        ("leaflet.bring.body", "それだけでは確認できません", "not enough alone"),
        ("page.lookup_refused.title", "これだけでは、保険の確認ができません", "This alone does not confirm"),
    ),
    7: (
        (
            "leaflet.bring.body",
            "国民健康保険に入ったときや、70歳からの",
            "or when your share changes from age 70",
        ),
    ),
    8: (("leaflet.bring.body", "難しい方は、申請できます", "you can apply for one"),),
    9: (
        ("picture.paper_title", "資格確認書", "資格確認書"),
        ("picture.notice_title", "資格情報のお知らせ", "資格情報のお知らせ"),
    ),
    10: (
        ("leaflet.card.body", "読み取り機に置いて", "Place it on the reader"),
        ("page.idle.door_card_do", "置いてください", ""),
    ),
    11: (("leaflet.card.body", "その場で分かります", "confirmed at once"),),
    12: (
        ("leaflet.card.body", "顔か暗証番号で確認", "by face or PIN"),
        ("ui.promise", "くらべます", ""),
    ),
    13: (
        ("leaflet.card.body", "機械に残しません", "not kept in the machine"),
        ("ui.promise", "保存しません", ""),
    ),
    14: (
        ("leaflet.sharing.body", "はじめての医療機関でも", "for the first time"),
        ("leaflet.sharing.body", "合った医療", "suits you"),
    ),
    15: (("leaflet.sharing.dated", "2021年9月の診療分から、過去3年", "September 2021, the last 3 years"),),
    16: (
        ("leaflet.mynaportal.body", "自分のお薬、健診の結果", "your own medicines, check-up results"),
        ("leaflet.mynaportal.dated", "2021年10月から", "Since 2021-10"),
    ),
    17: (("leaflet.mynaportal.dated", "2020年度の分から5年分（5回）", "fiscal 2020, 5 years (5 times)"),),
    18: (
        ("leaflet.mynaportal.body", "医療費の通知", "medical expense notices"),
        ("leaflet.mynaportal.dated", "2021年11月開始", "since 2021-11"),
    ),
    19: (
        ("leaflet.tax.body", "自動で入ります", "by themselves"),
        ("leaflet.tax.dated", "2021年分の確定申告から", "the return for 2021"),
    ),
    20: (
        ("leaflet.tax.dated", "2021年9月分から", "September 2021"),
        ("leaflet.mynaportal.dated", "2021年9月分から", "Notices from 2021-09"),
    ),
    21: (("leaflet.high_cost.body", "「限度額適用認定証」がなくても", "no 限度額適用認定証"),),
    22: (("leaflet.high_cost.body", "手続きはいりません", "no application"),),
    23: (
        ("leaflet.high_cost.body", "紙の受給者証もお持ちください", "bring the paper certificate"),
        ("outcome.papers", "紙の受給者証", "paper subsidy certificate"),
    ),
    24: (("leaflet.costs.body", "受付の手間も減ります", "less work at the counter"),),
    25: (
        (
            "leaflet.costs.body",
            "請求のまちがいが減り、事務の費用も減る見込み",
            "Fewer mistakes in billing",
        ),
        ("leaflet.costs.body", "長く続ける", "keep health insurance going"),
    ),
    26: (("leaflet.job_change.body", "就職、転職、引っ越し", "new job or a move"),),
    27: (
        ("leaflet.job_change.body", "加入の届出が必要です", "notify the new insurer"),
        ("failure.qualification_invalid.other", "加入の届出が必要です", ""),
    ),
    28: (
        ("leaflet.no_my_number.body", "「電子証明書」", "electronic certificate"),
        ("leaflet.no_my_number.body", "12けたのマイナンバーは使いません", "is not used"),
    ),
    29: (
        ("leaflet.no_my_number.body", "窓口で番号を扱うこともありません", "nobody at the counter"),
        ("page.lookup_typing.lead", "12けたのマイナンバーは入力しません", "Never the 12-digit My Number"),
    ),
    30: (
        (
            "leaflet.no_my_number.body",
            "受診の記録やお薬の情報は入っていません",
            "nothing in the chip about your visits",
        ),
    ),
    31: (
        ("leaflet.register.body", "登録が必要です", "has to be registered"),
        ("page.registration.lead", "登録は任意です。あとで解除できます", "it can be undone"),
    ),
    32: (
        ("leaflet.register.body", "この受付機でできます", "on this machine"),
        ("leaflet.register.body", "セブン銀行のATM", "Seven Bank ATM"),
    ),
    33: (("leaflet.register.body", "スマートフォンのマイナポータル", "Mynaportal on your phone"),),
    34: (("ui.portal_address", "myna.go.jp", "myna.go.jp"),),
    35: (("leaflet.mynaportal.body", "子育てや介護の手続、役所からのお知らせ", "Childcare, nursing care and notices"),),
    36: (("leaflet.mynaportal.body", "「健康保険証」を選ぶと", "choose 健康保険証"),),
}


def _rows() -> list[tuple[int, str, list[str], list[str]]]:
    text = (ROOT / "docs" / "leaflet.md").read_text(encoding="utf-8")
    found = _ROW.findall(text)
    return [
        (int(no), what, re.findall(r"`(.+?)`", pages), re.findall(r"`(.+?)`", tests))
        for no, what, pages, tests in found
    ]


def test_the_table_is_complete() -> None:
    assert [row[0] for row in _rows()] == list(range(1, len(STATEMENTS) + 1))
    assert set(STATEMENTS) == {row[0] for row in _rows()}


def test_every_page_of_the_table_exists(catalogue: Catalogue) -> None:
    for number, _, pages, _ in _rows():
        assert pages, number
        for page in pages:
            for language in catalogue.languages:
                keys = catalogue.all_keys(language)
                assert page in keys or any(key.startswith(f"{page}.") for key in keys), (number, page, language)


def test_every_test_of_the_table_exists() -> None:
    for number, _, _, tests in _rows():
        assert f"tests/ui/test_leaflet.py::test_a_statement_is_said[{number}]" in tests
        for test in tests:
            path, _, name = test.partition("::")
            tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
            there = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
            assert name.partition("[")[0] in there, (number, test)


def test_every_page_of_the_leaflet_stands_in_the_table() -> None:
    text = (ROOT / "docs" / "leaflet.md").read_text(encoding="utf-8")
    assert [name for name in PAGES if f"`leaflet.{name}`" not in text] == []


@pytest.mark.parametrize("number", list(STATEMENTS))
def test_a_statement_is_said(catalogue: Catalogue, number: int) -> None:
    """In both languages, on the page that the table names."""
    (pages,) = [row[2] for row in _rows() if row[0] == number]
    for key, *words in STATEMENTS[number]:
        assert any(key == page or key.startswith(f"{page}.") for page in pages) or key.startswith(("ui.", "action."))
        for language, said in zip(("ja", "en"), words, strict=True):
            assert said in (catalogue.pattern(key, language) or "").replace("\n", ""), (key, language)


def test_a_dated_fact_shows_its_date(bench: Bench) -> None:
    """Rows that the table marks as dated name a page with a `dated` line, and the page shows it."""
    dated = {
        page.removeprefix("leaflet.") for _, what, pages, _ in _rows() if what.startswith("dated") for page in pages
    }
    assert dated == {"sharing", "mynaportal", "tax"}
    for name in dated:
        bench.show(f"leaflet_{name}")
        settle()
        shown = [words.text for words in bench.window.findChildren(Words) if words.isVisible()]
        assert any(re.search(r"202[01]年", text) for text in shown), name


def test_every_page_has_its_drawing(bench: Bench) -> None:
    (picture,) = bench.window.findChildren(LeafletPicture)
    assert picture.known == set(PAGES)
    drawn = []
    for name in [*PAGES, "a page of the institution"]:
        bench.show("leaflet_card")
        picture.draw(name)
        settle()
        drawn.append(picture.grab().toImage())
    assert all(one != other for place, one in enumerate(drawn) for other in drawn[place + 1 :])


@pytest.mark.parametrize("name", PAGES)
def test_a_camera_reads_the_way_to_mynaportal(bench: Bench, name: str) -> None:
    bench.show(f"leaflet_{name}")
    settle()
    (code,) = bench.window.findChildren(QrCode)
    assert code.isVisible() is (name in WITH_QR)
    if code.isVisible():
        image = code.grab().toImage().convertToFormat(code.grab().toImage().Format.Format_Grayscale8)
        grey = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        text, *_ = cv2.QRCodeDetector().detectAndDecode(np.ascontiguousarray(grey[:, : image.width()]))
        assert text == "https://myna.go.jp/"


def test_the_end_asks_for_papers() -> None:
    for sample in samples(Policy(), "ja"):
        if sample.name in ("take_card_done", "take_card_delayed", "farewell"):
            assert Text("outcome.papers") in sample.view.lead
        if sample.name in ("take_card_cancelled", "take_card_not_valid"):
            assert Text("outcome.papers") not in sample.view.lead


def test_who_is_not_valid_reads_about_the_notification(bench: Bench) -> None:
    bench.show("take_card_not_valid")
    settle()
    shown = " ".join(words.text for words in bench.window.findChildren(Words) if words.isVisible())
    assert "加入の届出" in shown
    assert FailureCode.QUALIFICATION_INVALID.value in shown


def test_the_last_page_has_one_quiet_line_of_the_leaflet(bench: Bench, catalogue: Catalogue) -> None:
    """The reception number says which; who was not received gets none."""
    lines = {catalogue.word(f"leaflet.{name}.line", "ja") for name in PAGES}
    seen = set()
    for sample in samples(bench.policy, "ja"):
        if sample.view.page is Page.FAREWELL:
            bench.window.present(sample.view)
            settle()
            shown = {words.text for words in bench.window.findChildren(Words) if words.isVisible()} & lines
            received = sample.name == "farewell" or sample.name.removeprefix("farewell_").isdecimal()
            assert len(shown) == received, sample.name
            seen |= shown
    assert seen == lines


def test_without_pages_there_is_no_entry(bench: Bench) -> None:
    """`[leaflet] show = false` hides it at idle; `make_bench` shows it."""
    view = bench.show("idle")
    assert bench.robot.find("action:leaflet") is not None
    bench.window.present(replace(view, actions=view.actions[:1]))
    settle()
    assert bench.robot.find("action:leaflet") is None
    assert bench.robot.find("action:no_card") is not None


# --- the institution's own pages ---


def _folder(tmp_path: Path, ja: str, en: str) -> Path:
    (tmp_path / "ja.toml").write_text(ja, encoding="utf-8")
    (tmp_path / "en.toml").write_text(en, encoding="utf-8")
    return tmp_path


OWN = '[leaflet.tax]\ntitle = "{institution}"\nbody = "b"\n[leaflet.parking]\ntitle = "t"\nbody = "b"\nline = "l"\n'


def test_the_institution_adds_and_replaces_pages(catalogue: Catalogue, tmp_path: Path) -> None:
    own = catalogue.with_leaflet(_folder(tmp_path, OWN, OWN))
    assert own.leaflet_pages == {*PAGES, "parking"}
    assert own.word("leaflet.parking.line", "en") == "l"
    assert not own.has("leaflet.tax.dated")  # replaced as a whole
    assert own.has("leaflet.sharing.dated")
    assert catalogue.has("leaflet.tax.dated")
    assert own.word("leaflet.tax.title", "ja", institution="見本") == "見本"


def test_every_page_that_policy_may_name_is_known() -> None:
    assert Catalogue.load(ASSETS / "i18n").leaflet_pages == set(PAGES)


@pytest.mark.parametrize(
    ("ja", "en", "told"),
    [
        (OWN, OWN.replace('line = "l"', ""), r"en\.toml: not the same keys.*parking\.line"),
        ('[page.idle]\ntitle = "x"', OWN, r"ja\.toml: page\.idle\.title is no text of a leaflet page"),
        ('[leaflet.a]\ntitle = "x"', OWN, r"ja\.toml: leaflet\.a has no body"),
        ('[leaflet.a]\ntitle = "x"\nbody = " "', OWN, r"ja\.toml: leaflet\.a\.body is empty"),
        ('[leaflet.a]\ntitle = "x"\nbody = "b"\ncolour = "red"', OWN, r"leaflet\.a\.colour is no text"),
        ('[leaflet.a]\ntitle = "{years}"\nbody = "b"', OWN, r"only \{institution\} may stand in braces"),
        ("[leaflet", OWN, r"ja\.toml: "),
    ],
)
def test_a_page_that_cannot_be_used_is_named(catalogue: Catalogue, tmp_path: Path, ja: str, en: str, told: str) -> None:
    with pytest.raises(CatalogueBroken, match=told):
        catalogue.with_leaflet(_folder(tmp_path, ja, en))


def test_the_languages_are_those_of_the_catalogue(catalogue: Catalogue, tmp_path: Path) -> None:
    _folder(tmp_path, OWN, OWN)
    (tmp_path / "fr.toml").write_text(OWN, encoding="utf-8")
    with pytest.raises(CatalogueBroken, match=r"fr\.toml: the languages are en, ja"):
        catalogue.with_leaflet(tmp_path)
    (tmp_path / "fr.toml").unlink()
    (tmp_path / "en.toml").unlink()
    with pytest.raises(CatalogueBroken, match=r"there is no en\.toml"):
        catalogue.with_leaflet(tmp_path)
