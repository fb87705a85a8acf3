"""Centring, bands and the options that may only make them stricter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import ModelMissing
from devices.face.models import Descriptor, Models
from devices.face.operating import load_thresholds
from devices.face.template import (
    DEFAULT_CENTRE,
    LENGTH,
    Centre,
    CentredEngine,
    Enrolled,
    load_engine,
)

CENTRE = Centre.load(DEFAULT_CENTRE)
THRESHOLDS = load_thresholds("centred")


def descriptor(seed: int) -> Descriptor:
    draw = np.random.default_rng(seed)
    return np.asarray(CENTRE.mean + draw.normal(0, 0.05, LENGTH), np.float64)


def engine(centre: Centre = CENTRE) -> CentredEngine:
    return CentredEngine(Models(), centre, THRESHOLDS)


def test_shipped_numbers_are_small_credited_and_repeatable() -> None:
    text = DEFAULT_CENTRE.read_text(encoding="utf-8")
    assert len(text.encode()) <= 2048
    assert "CC BY 4.0: DeBruine, L. (2016), Young adult composite faces, figshare 4055130" in text
    assert "kiosk face-centre --composites DIR --out assets/face/centre.toml" in text
    assert CENTRE.weight == 0.75
    assert CENTRE.direction is not None
    assert np.linalg.norm(CENTRE.direction) == pytest.approx(1)


@given(st.integers(0, 10_000))
def test_centred_descriptors_have_length_one_and_nothing_along_the_direction(seed: int) -> None:
    centred = CENTRE.apply(descriptor(seed))
    assert CENTRE.direction is not None
    assert np.linalg.norm(centred) == pytest.approx(1)
    assert centred @ CENTRE.direction == pytest.approx(0, abs=1e-9)


def test_distance_is_a_cosine_of_the_mean_frame() -> None:
    one, two, three = (descriptor(seed) for seed in (1, 2, 3))
    compare = engine().distance
    assert compare(Enrolled(one, gray=True), [one, one, one]) == pytest.approx(0, abs=1e-12)
    assert compare(Enrolled(one, gray=True), [two]) == pytest.approx(compare(Enrolled(two, gray=True), [one]))
    mean = (two + three) / 2
    assert compare(Enrolled(one, gray=True), [two, three]) == pytest.approx(compare(Enrolled(one, gray=True), [mean]))


def test_centring_keeps_strangers_with_a_common_part_apart() -> None:
    """Two descriptors that share the mean and differ in the rest are near without centring, far with it."""
    plain = Centre(0.0, CENTRE.mean, None)
    strangers = Enrolled(descriptor(1), gray=True), [descriptor(2)]
    assert engine(plain).distance(*strangers) < THRESHOLDS.accept < engine().distance(*strangers)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "weight = 0.75\nunit = 0.0001\nmean = [1, 2, 3]\n",
        f"weight = 7\nunit = 0.0001\nmean = {[1] * LENGTH}\n",
        f"weight = 0.75\nunit = 0.0001\nmean = {[1] * LENGTH}\ndirection = {[0] * LENGTH}\n",
        f"weight = 0.75\nunit = 0.0001\nmean = {[1] * LENGTH}\ndirection = [1]\n",
        "weight = 0.75\nunit = 0.0001\nmean = 'no'\n",
        "not toml",
    ],
)
def test_a_damaged_centre_file_is_a_missing_model(tmp_path: Path, text: str) -> None:
    path = tmp_path / "centre.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModelMissing):
        Centre.load(path)


def test_an_absent_centre_file_is_a_missing_model(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing):
        Centre.load(tmp_path / "centre.toml")


def test_unknown_engine_is_refused() -> None:
    with pytest.raises(ValueError, match="engine must be"):
        load_engine({"engine": "other"})
