"""The parser of network files: a file may come from anywhere, nothing in it is believed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from devices.errors import ModelMissing
from devices.face import weights
from devices.face.encoder import NETWORK
from devices.face.weights import model_file, read_weights

GENUINE = model_file(NETWORK).read_bytes()


@pytest.fixture
def read(tmp_path: Path):  # type: ignore[no-untyped-def]  # returns a local function
    def read_bytes(data: bytes) -> weights.Weights:
        path = tmp_path / "other.dat"
        path.write_bytes(data)
        return read_weights(path)

    return read_bytes


def test_shapes_of_the_installed_network() -> None:
    found = read_weights(model_file(NETWORK))
    assert found.stem.filters.shape == (32, 3, 7, 7)
    assert found.last.shape == (256, 128)
    assert [block.halves for block in found.blocks].count(True) == 4
    sizes = [block.second.filters.shape[0] for block in found.blocks]
    assert sizes == [32] * 3 + [64] * 4 + [128] * 3 + [256] * 4
    # input_rgb_image_sized's defaults in dlib
    assert found.mean == pytest.approx((122.782, 117.001, 104.298), abs=1e-3)


def test_an_absent_file_a_folder_and_a_huge_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelMissing, match=r"nothing\.dat: FileNotFoundError"):
        read_weights(tmp_path / "nothing.dat")
    with pytest.raises(ModelMissing, match=r"IsADirectoryError|not a file"):
        read_weights(tmp_path)
    monkeypatch.setattr(weights, "MAX_BYTES", 1000)
    with pytest.raises(ModelMissing, match="at most 1000"):
        read_weights(model_file(NETWORK))


def test_another_file_of_dlib_is_refused() -> None:
    with pytest.raises(ModelMissing, match="found 'loss_mmod_'"):
        read_weights(model_file("mmod_human_face_detector.dat"))


@pytest.mark.parametrize("length", [0, 1, 2, 30, 300, 420, 20_000, len(GENUINE) - 300, len(GENUINE) - 1])
def test_a_file_that_ends_too_early(read, length: int) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ModelMissing, match=r"other\.dat, byte"):
        read(GENUINE[:length])


def test_a_file_that_goes_on(read) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ModelMissing, match="3 bytes after the network's end"):
        read(GENUINE + b"abc")


CON = GENUINE.index(b"\x01\x05con_4")
AFFINE = GENUINE.index(b"affine_")
FIRST = CON + 7  # the tensor: version, four extents, weights


@pytest.mark.parametrize(
    ("at", "new", "says"),
    [
        (0, b"\x01\x02", "version of the loss layer: expected 1, found 2"),
        (0, b"\x00\x02", "no integer begins with 0x00"),
        (2, b"\x81\x0d", "expected loss_metric_ or loss_metric_2"),
        (4, b"m", "found 'moss_metric_2'"),
        (CON + 2, b"cox_4", "expected con_4 or con_5 or con_6, found 'cox_4'"),
        (FIRST, b"\x01\x03", "version of a tensor: expected 2, found 3"),
        (FIRST + 2, b"\x02\x81\x12", "expected 4736 weights, found 4737"),
        (FIRST + 2, b"\x82\x80\x12", "a negative extent"),
        (FIRST + 11, b"\x00\x00\xc0\x7f", "a weight that is not finite"),
        (FIRST + 11, b"\x00\x00\x80\x7f", "a weight that is not finite"),
        (AFFINE, b"bn_con", "expected affine_ or affine_2, found 'bn_con_'"),
    ],
)
def test_what_is_wrong_is_named(read, at: int, new: bytes, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ModelMissing) as refused:
        read(GENUINE[:at] + new + GENUINE[at + len(new) :])
    assert says in str(refused.value)


def test_any_byte_outside_of_the_weights_may_be_wrong(read) -> None:  # type: ignore[no-untyped-def]
    """Either refused with the same error, or of no consequence (rates of training); never anything else."""
    draw = np.random.default_rng(3)
    places = [*range(0, 400), *range(FIRST, FIRST + 12), *range(len(GENUINE) - 140, len(GENUINE))]
    for at in draw.choice(places, 60, replace=False):
        damaged = bytearray(GENUINE)
        damaged[at] ^= int(draw.integers(1, 256))
        try:
            read(bytes(damaged))
        except ModelMissing as refused:
            assert "other.dat, byte" in str(refused)  # noqa: PT017 - refusal is allowed, not required


def test_lengths_are_checked_before_memory_is_taken(read) -> None:  # type: ignore[no-untyped-def]
    """A gradient tensor of any size may stand in a file, but not one larger than the file."""
    end = len(GENUINE) - 10  # the last tensor: version, then four extents of zero
    huge = GENUINE[:end] + b"\x01\x02" + b"\x04\xff\xff\xff\x7f" * 4
    with pytest.raises(ModelMissing, match="are more than the file holds"):
        read(huge)
