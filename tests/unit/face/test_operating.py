"""Bands, limits for each number of frames, settings that may only be stricter, and what a reception lets through."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import ModelMissing
from devices.face.operating import DEFAULT_OPERATING, Thresholds, load_thresholds
from devices.ports import FaceBand
from kiosk.config import FACE_LIMITS, FaceEngine, FaceTable

SHIPPED = load_thresholds("centred")


def test_bands() -> None:
    thresholds = Thresholds(0.2, 0.3, 3)
    assert [thresholds.band(d) for d in (0.0, 0.2, 0.2001, 0.3, 0.3001, 2.0)] == [
        FaceBand.ACCEPT,
        FaceBand.ACCEPT,
        FaceBand.GREY,
        FaceBand.GREY,
        FaceBand.REJECT,
        FaceBand.REJECT,
    ]


def test_not_a_number_is_refused() -> None:
    assert SHIPPED.band(float("nan")) is FaceBand.REJECT


def test_settings_know_the_measured_limits() -> None:
    assert {each.frames: (each.accept, each.grey) for each in SHIPPED.measured} == FACE_LIMITS[FaceEngine.CENTRED]
    table = FaceTable()
    assert (table.accept, table.grey, table.frames) == (SHIPPED.accept, SHIPPED.grey, SHIPPED.frames)
    assert SHIPPED.fmr is not None


def test_every_number_of_frames_has_limits_and_more_frames_never_laxer_ones() -> None:
    accepts = [SHIPPED.at(frames).accept for frames in range(1, 12)]
    assert accepts == sorted(accepts, reverse=True)
    assert SHIPPED.at(1).accept > SHIPPED.at(2).accept == SHIPPED.at(3).accept
    assert SHIPPED.at(2).frames == 2
    assert SHIPPED.at(3) == SHIPPED
    assert Thresholds(0.4, 0.45, 3).at(1) == Thresholds(0.4, 0.45, 1)
    with pytest.raises(ValueError, match="1 or more"):
        SHIPPED.at(0)


@pytest.mark.parametrize(
    "options",
    [
        {"accept": SHIPPED.accept + 0.001},
        {"accept": SHIPPED.at(1).accept},
        {"average": 1, "accept": SHIPPED.at(1).accept + 0.001},
        {"grey": SHIPPED.grey + 0.01},
        {"accept": 0.0},
        {"accept": 0.19, "grey": 0.1},
        {"accept": float("nan")},
        {"average": 0},
    ],
)
def test_settings_may_not_be_laxer_than_measured(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        SHIPPED.within(options)


def test_settings_may_be_stricter_and_stay_so_for_every_number_of_frames() -> None:
    strict = SHIPPED.within({"accept": 0.15, "grey": 0.25})
    assert (strict.accept, strict.grey, strict.frames) == (0.15, 0.25, 3)
    assert strict.at(1).accept == 0.15
    assert SHIPPED.within({"average": 1, "accept": SHIPPED.at(1).accept}).at(3).accept == SHIPPED.accept


@given(st.integers(1, 10), st.integers(1, 3))
def test_a_reception_lets_through_at_most_the_sum_of_its_comparisons(attempts: int, comparisons: int) -> None:
    bound = SHIPPED.per_reception(attempts, comparisons)
    assert SHIPPED.fmr is not None
    assert bound == pytest.approx(attempts * comparisons * SHIPPED.fmr)
    assert Thresholds(0.2, 0.3, 3).per_reception(attempts, comparisons) is None
    assert Thresholds(0.2, 0.3, 3, fmr=0.5).per_reception(5) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "centred = 1",
        "centred = []",
        "[[centred]]\nframes = 1\naccept = 0.2\n",
        "[[centred]]\nframes = 1\naccept = 0.4\ngrey = 0.3\n",
        "[[centred]]\nframes = 0\naccept = 0.2\ngrey = 0.3\n",
        "[[centred]]\nframes = 1\naccept = 0.2\ngrey = 0.3\nfmr = 0\n",
        "[[centred]]\nframes = 1\naccept = 0.2\ngrey = 0.3\n[[centred]]\nframes = 3\naccept = 0.25\ngrey = 0.3\n",
        "[[centred]]\nframes = 3\naccept = 0.2\ngrey = 0.3\n[[centred]]\nframes = 1\naccept = 0.2\ngrey = 0.3\n",
        "not toml",
    ],
)
def test_a_damaged_file_is_a_missing_model(tmp_path: Path, text: str) -> None:
    path = tmp_path / "operating.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelMissing):
        load_thresholds("centred", path)


def test_an_absent_file_is_a_missing_model(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing):
        load_thresholds("centred", tmp_path / "operating.toml")


def test_every_number_in_the_file_says_where_it_comes_from() -> None:
    blocks = DEFAULT_OPERATING.read_text(encoding="utf-8").split("[[centred]]")
    assert all("#" in block for block in blocks[:-1])
    assert "no figure exists for people over 70, children, or ten-year-old photos" in blocks[0]
