"""Every page in every language, as it is drawn."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from kiosk.reception.policy import Policy
from kiosk.reception.view import Page
from kiosk.ui.components import Press, Words
from kiosk.ui.gallery import flaws, missing_glyphs, rect_in, samples, stage
from kiosk.ui.screenshots import NotSaved, save, settle
from kiosk.ui.theme import Theme
from tests.ui.conftest import ASSETS, Bench, one_per_page

LANGUAGES = Policy().languages


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_clipped_covered_or_without_glyph(bench: Bench, theme: Theme, language: str) -> None:
    found = []
    for sample in samples(bench.policy, language):
        stage(bench.window, sample)
        found.extend(flaws(bench.window, sample.name, theme))
    assert found == []


def test_the_check_sees_clipped_text(bench: Bench, theme: Theme) -> None:
    bench.show("idle")
    settle()
    title = next(words for words in bench.window.findChildren(Words) if words.isVisible() and words.text)
    title.setFixedSize(20, 20)
    settle()
    assert any("clipped" in flaw.what for flaw in flaws(bench.window, "idle", theme))


def test_the_check_sees_a_missing_glyph(bench: Bench, theme: Theme) -> None:
    assert missing_glyphs("受付\U0001f9fe", theme) == ["\U0001f9fe"]


def test_every_page_is_sampled() -> None:
    assert {sample.view.page for sample in samples(Policy(), "ja")} == set(Page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_targets_are_large_enough(bench: Bench, theme: Theme, language: str) -> None:
    """20 mm for keys and what a page is for, 15 mm for the rest, such as the kana sheet (docs/sources.md, "pages")."""
    kana = [sample for sample in samples(Policy(), language) if sample.name == "lookup_typing_kana"]
    for sample in [*one_per_page(language), *kana]:
        stage(bench.window, sample)
        for press in bench.window.findChildren(Press):
            if press.isVisible():
                least = (
                    15
                    if press.objectName().startswith(("language:", "reason:", "action:help", "action:change", "kana:"))
                    else 20
                )
                side = min(rect_in(press, bench.window).width(), rect_in(press, bench.window).height())
                assert side >= theme.mm(least), (sample.name, press.objectName(), side)


def test_help_and_language_stay_where_they_are(bench: Bench) -> None:
    places = set()
    for language in LANGUAGES:
        for sample in one_per_page(language):
            stage(bench.window, sample)
            for name in ("action:help", "language:ja", "language:en"):
                press = next(one for one in bench.window.findChildren(Press, name) if one.isVisible())
                places.add((name, rect_in(press, bench.window).getRect()))
    assert len(places) == 3


@pytest.mark.parametrize(
    "name",
    [
        "consent_all",
        "consent_all_four",
        "consent_item",
        "consent_disease",
        "consent_limit",
        "consent_subsidy",
        "consent_prescription",
        "dispense",
        "dispense_many",
        "lookup_limit",
        "registration",
        "face_retry",
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_that_must_not_be_steered_are_of_one_size(bench: Bench, name: str, language: str) -> None:
    view = bench.show(name, language)
    settle()
    equal = [action.name for action in view.actions if action.weight == "equal"]
    sizes = set()
    for action in equal:
        button = bench.robot.find(f"action:{action}")
        assert button is not None
        sizes.add((button.width(), button.height(), button.isChecked(), button.hasFocus()))
    assert len(equal) >= 2
    assert len(sizes) == 1


def test_a_simulated_kiosk_says_so_on_every_page(make_bench: Callable[..., Bench]) -> None:
    for simulated in (True, False):
        bench = make_bench(simulated=simulated)
        for language in LANGUAGES:
            for sample in one_per_page(language):
                stage(bench.window, sample)
                band = [words for words in bench.window.findChildren(Words) if words.isVisible()]
                marked = any(words.text == bench.window.simulation_words() for words in band)
                assert marked is simulated, sample.name


def test_the_watermark_changes_the_ground(make_bench: Callable[..., Bench]) -> None:
    shown = []
    for simulated in (True, False):
        bench = make_bench(simulated=simulated)
        bench.show("working")
        settle()
        image = bench.window.grab().toImage()
        shown.append({image.pixelColor(x, 1250).rgb() for x in range(0, image.width(), 2)})
    assert len(shown[0]) > len(shown[1])


def test_scaled_pages_fit_as_well(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(scale=0.5)
    small = Theme.load(ASSETS, 0.5)
    found = []
    for sample in samples(bench.policy, "ja"):
        if sample.name in ("idle", "choose_method", "pin", "consent_all", "card_number"):
            stage(bench.window, sample)
            found.extend(flaws(bench.window, sample.name, small))
    assert bench.window.size().toTuple() == (540, 960)
    assert found == []


def test_a_picture_is_saved(bench: Bench, tmp_path: Path) -> None:
    bench.show("idle")
    save(bench.window, tmp_path / "new" / "idle.png")
    assert (tmp_path / "new" / "idle.png").stat().st_size > 10_000
    with pytest.raises(NotSaved):
        save(bench.window, tmp_path)


def test_no_lambda_is_connected() -> None:
    """A connected lambda keeps its widget alive and may run in another thread."""
    source = Path(ASSETS.parent / "kiosk" / "ui").rglob("*.py")
    assert [path.name for path in source if re.search(r"\.connect\(\s*lambda", path.read_text(encoding="utf-8"))] == []
