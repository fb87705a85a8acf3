"""dlib's own call is the standard: NumPy and ONNX answer the same, over any network file of the same layers."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from devices.errors import ModelMissing
from devices.face.encoder import NETWORK, DlibEncoder, Encoder, load_encoder
from devices.face.models import Detector, Models
from devices.face.template import load_engine
from devices.face.weights import model_file
from devices.simulated.faces import FAR_SEEDS, Face, card_photo, render
from tests.helpers.chips import drawn, extreme

LIMIT = 1e-4  # Euclid; descriptors of one person differ by 0.3


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector()


@pytest.fixture(scope="module")
def standard() -> DlibEncoder:
    return DlibEncoder(model_file(NETWORK))


@pytest.fixture(scope="module", params=["numpy", "onnx"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    return load_encoder(request.param)


@pytest.fixture(scope="module")
def some(detector: Detector, standard: DlibEncoder) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    chips = np.concatenate([drawn(detector, 12), extreme(18)])
    return chips, standard.describe(chips)


@pytest.fixture(scope="module")
def many(detector: Detector, standard: DlibEncoder) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    chips = np.concatenate([drawn(detector, 120), extreme(120)])
    return chips, standard.describe(chips)


def apart(encoder: Encoder, of: tuple[NDArray[np.uint8], NDArray[np.float64]]) -> float:
    """The largest distance from dlib's answers."""
    chips, expected = of
    return float(np.linalg.norm(encoder.describe(chips) - expected, axis=1).max())


def test_answers_as_dlib_does(encoder: Encoder, some: tuple[NDArray[np.uint8], NDArray[np.float64]]) -> None:
    assert apart(encoder, some) <= LIMIT


@pytest.mark.long
def test_answers_as_dlib_does_on_240_chips(
    encoder: Encoder, many: tuple[NDArray[np.uint8], NDArray[np.float64]]
) -> None:
    assert len(many[0]) >= 200
    assert apart(encoder, many) <= LIMIT


def test_one_chip_or_many_or_none(encoder: Encoder) -> None:
    chips = extreme(17)  # more than one batch
    together = encoder.describe(chips)
    assert together.shape == (17, 128)
    assert np.allclose(together, [encoder.describe(chip[np.newaxis])[0] for chip in chips], atol=1e-5)
    assert encoder.describe(chips[:0]).shape == (0, 128)


def test_chips_are_left_as_they_are(encoder: Encoder) -> None:
    chips = extreme(2)
    encoder.describe(chips)
    assert np.array_equal(chips, extreme(2))


@pytest.mark.parametrize("gray", [False, True])
def test_a_chip_is_what_dlib_s_own_call_takes(detector: Detector, standard: DlibEncoder, gray: bool) -> None:
    """The whole way in one call of dlib, and in two steps of ours."""
    import dlib

    image = render(Face(FAR_SEEDS["employee"]), (640, 480), yaw=6, unit=120, centre=(320, 235))
    (face,) = detector.find(image)
    colours = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if gray else image
    rgb = cv2.cvtColor(colours, cv2.COLOR_GRAY2RGB if gray else cv2.COLOR_BGR2RGB)
    whole = dlib.face_recognition_model_v1(str(model_file(NETWORK))).compute_face_descriptor(rgb, face.shape)
    assert np.allclose(Models(standard).describe(image, face, gray=gray), whole, atol=1e-9)


def test_an_unknown_encoder_is_refused() -> None:
    with pytest.raises(ValueError, match="encoder must be dlib, numpy, onnx"):
        load_encoder("torch")


@pytest.mark.parametrize("kind", ["dlib", "numpy", "onnx"])
def test_a_damaged_file_is_a_missing_model(kind: str, tmp_path: Path) -> None:
    damaged = tmp_path / "network.dat"
    damaged.write_bytes(model_file(NETWORK).read_bytes()[:1_000_000])
    with pytest.raises(ModelMissing, match=r"network\.dat"):
        load_encoder(kind, damaged)


@pytest.fixture(scope="module")
def other_network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another network of the same layers: the installed one, with every bias and every filter changed a little."""
    path = tmp_path_factory.mktemp("model") / "other_network.dat"
    genuine = bytearray(model_file(NETWORK).read_bytes())
    draw, at, changed = np.random.default_rng(8), 0, 0
    while (at := genuine.find(b"\x01\x05con_4\x01\x02", at)) >= 0:  # a convolution's tensor: four extents, numbers
        at += 9
        extents = []
        for _ in range(4):
            size = genuine[at]
            extents.append(int.from_bytes(genuine[at + 1 : at + 1 + size], "little"))
            at += 1 + size
        count = int(np.prod(extents))
        values = np.frombuffer(genuine, "<f4", count, at)
        genuine[at : at + 4 * count] = (values * draw.uniform(0.9, 1.1, count)).astype("<f4").tobytes()
        del values
        at += 4 * count
        changed += 1
    assert changed == 29
    path.write_bytes(genuine)
    return path


def test_another_network_of_the_same_layers(
    other_network: Path, standard: DlibEncoder, some: tuple[NDArray[np.uint8], NDArray[np.float64]]
) -> None:
    """`face.model`, `--model`: its own answers, not those of the installed network, in all three ways."""
    chips = some[0][::4]
    expected = load_encoder("dlib", other_network).describe(chips)
    assert np.linalg.norm(expected - standard.describe(chips), axis=1).min() > 100 * LIMIT
    for kind in ("numpy", "onnx"):
        assert apart(load_encoder(kind, other_network), (chips, expected)) <= LIMIT


def test_the_engine_takes_it(other_network: Path) -> None:
    photo = card_photo(FAR_SEEDS["employee"])
    usual = load_engine({"encoder": "numpy"}).enrol(photo)
    other = load_engine({"encoder": "numpy", "model": str(other_network)}).enrol(photo)
    assert np.linalg.norm(usual.descriptor - other.descriptor) > 100 * LIMIT
