"""The weights of dlib's face descriptor network, read from its serialised file.

Source: dlib's published serialisation (`dlib/serialize.h`, `dlib/cuda/tensor.h`, `dlib/dnn/core.h`, `.../layers.h`) and
the network type of `tools/python/src/face_recognition.cpp` (docs/sources.md). A network is written from the outside
in: the versions of all layers come first, then their contents from the input to the loss. Only this one order of
layers is accepted; a file may come from anywhere, so every length is checked before it is believed.
"""

from __future__ import annotations

import importlib.util
import math
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from devices.errors import ModelMissing

Floats = NDArray[np.float32]

CHIP = 150  # pixels: side of the aligned face that the network takes
LENGTH = 128  # numbers of a descriptor
MAX_BYTES = 64 << 20  # the published file has 22 MB
#: Filters and number of residual blocks of each level, from the input. All but the first level begin by halving.
LEVELS = ((32, 3), (64, 4), (128, 3), (256, 3), (256, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """`filters` outputs x inputs x height x width and `bias` of outputs, with the affine layer behind it folded in."""

    filters: Floats
    bias: Floats
    stride: int
    padding: int


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Two convolutions beside a short cut; `halves`: the short cut is averaged over 2 x 2 pixels."""

    first: Convolution
    second: Convolution
    halves: bool


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """`mean`: red, green, blue that are taken from every pixel (before division by 256). `last`: 256 x 128."""

    mean: tuple[float, float, float]
    stem: Convolution
    blocks: tuple[Block, ...]
    last: Floats


def model_file(name: str) -> Path:
    """Where the package of models installed `name`. Raises `ModelMissing`.

    The package is located, never imported: its import needs `pkg_resources`, which newer setuptools do not have.
    """
    spec = importlib.util.find_spec("face_recognition_models")
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / "models" / name
        if path.is_file():
            return path
    raise ModelMissing(name)


def read_weights(path: Path) -> Weights:
    """Read a network file. Raises `ModelMissing`: absent, damaged, or another network; says what and at which byte."""
    data = _read(path)
    reader = _Reader(data, path.name)
    weights = _network(reader)
    if reader.at != len(data):
        raise reader.refused(f"{len(data) - reader.at} bytes after the network's end")
    return weights


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ModelMissing(f"{path.name}: not a file")
            if status.st_size > MAX_BYTES:
                raise ModelMissing(f"{path.name}: {status.st_size} bytes; at most {MAX_BYTES}")
            return file.read(MAX_BYTES)
    except OSError as error:
        raise ModelMissing(f"{path.name}: {type(error).__name__}") from None


class _Reader:
    """dlib's primitive types, in order. Everything that is refused names the byte."""

    __slots__ = ("_data", "_name", "_start", "at")

    def __init__(self, data: bytes, name: str) -> None:
        self._data = data
        self._name = name
        self._start = 0  # of the value that is being read
        self.at = 0

    def refused(self, why: str) -> ModelMissing:
        return ModelMissing(f"{self._name}, byte {self._start}: {why}")

    def _take(self, count: int) -> bytes:
        if count > len(self._data) - self.at:
            self._start = self.at
            raise self.refused("the file ends too early")
        taken = self._data[self.at : self.at + count]
        self.at += count
        return taken

    def integer(self) -> int:
        """Control byte (sign in the high bit, number of bytes in the low four), then the value, little end first."""
        self._start = self.at
        (control,) = self._take(1)
        size = control & 0x0F
        if control & 0x70 or not 1 <= size <= 8:
            raise self.refused(f"no integer begins with {control:#04x}")
        value = int.from_bytes(self._take(size), "little")
        return -value if control & 0x80 else value

    def number(self) -> float:
        """Mantissa, then exponent, of a power of two; exponents from 32000 on are infinities and not-a-number."""
        start = self.at
        mantissa, exponent = self.integer(), self.integer()
        self._start = start
        try:
            value = math.ldexp(mantissa, exponent)
        except OverflowError:
            raise self.refused("not a finite number") from None
        if exponent >= 32000:
            raise self.refused("not a finite number")
        return value

    def flag(self) -> bool:
        self._start = self.at
        letter = self._take(1)
        if letter not in (b"0", b"1"):
            raise self.refused("neither 0 nor 1")
        return letter == b"1"

    def word(self, *allowed: str) -> str:
        """A string that must be one of `allowed`."""
        start, length = self.at, self.integer()
        self._start = start
        if not 0 <= length <= 64:
            raise self.refused(f"expected {' or '.join(allowed)}")
        text = self._take(length).decode("latin-1")
        self._start = start
        if text not in allowed:
            raise self.refused(f"expected {' or '.join(allowed)}, found {text!a}")
        return text

    def expect(self, what: str, *allowed: int) -> int:
        """An integer that must be one of `allowed`."""
        start, value = self.at, self.integer()
        if value not in allowed:
            self._start = start
            raise self.refused(f"{what}: expected {' or '.join(map(str, allowed))}, found {value}")
        return value

    def tensor(self, size: int | None = None) -> Floats:
        """Version, four extents, then 32-bit floats, flat. `size`: how many there must be; None: not looked at."""
        start = self.at
        self.expect("version of a tensor", 2)
        extents = [self.integer() for _ in range(4)]
        self._start = start
        if min(extents) < 0:
            raise self.refused("a negative extent")
        count = math.prod(extents)
        if size is not None and count != size:
            raise self.refused(f"expected {size} weights, found {count}")
        if 4 * count > len(self._data) - self.at:
            raise self.refused(f"{count} weights are more than the file holds")
        values = np.frombuffer(self._take(4 * count), "<f4")
        self._start = start
        if not np.isfinite(values).all():
            raise self.refused("a weight that is not finite")
        return values

    def part(self, what: str, *extents: int) -> None:
        """Which part of a layer's tensor is meant: it is always the same, and only checked."""
        self.expect(f"version of {what}", 1)
        for extent in extents:
            self.expect(what, extent)


# --- layers ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer of the type in the order of the file's contents. `version`: what may stand in the file's beginning."""

    kind: str
    versions: tuple[int, ...] = (1, 2)
    outputs: int = 0
    inputs: int = 0
    size: int = 0
    stride: int = 1
    padding: int = 0


def _layers() -> Iterator[_Layer]:
    """From the input to the output."""
    yield _Layer("con", (2, 3), outputs=32, inputs=3, size=7, stride=2)
    yield _Layer("affine", outputs=32)
    yield _Layer("relu")
    yield _Layer("max_pool", size=3, stride=2)
    inputs = 32
    for level, (outputs, blocks) in enumerate(LEVELS):
        for block in range(blocks):
            halves = level > 0 and block == 0
            yield _Layer("tag", (1,))
            if halves:
                yield _Layer("con", outputs=outputs, inputs=inputs, size=3, stride=2)
            else:
                yield _Layer("con", outputs=outputs, inputs=inputs, size=3, padding=1)
            yield _Layer("affine", outputs=outputs)
            yield _Layer("relu")
            yield _Layer("con", outputs=outputs, inputs=outputs, size=3, padding=1)
            yield _Layer("affine", outputs=outputs)
            if halves:
                yield _Layer("tag", (1,))
                yield _Layer("skip", (1,))
                yield _Layer("avg_pool", size=2, stride=2)
            yield _Layer("add_prev")
            yield _Layer("relu")
            inputs = outputs
    yield _Layer("avg_pool", size=0, stride=1)
    yield _Layer("fc", outputs=LENGTH, inputs=inputs)


def _network(reader: _Reader) -> Weights:
    layers = tuple(_layers())
    reader.expect("version of the loss layer", 1)
    if reader.word("loss_metric_", "loss_metric_2") == "loss_metric_2":
        reader.number()
        reader.number()
    versions = [reader.expect(f"version of layer {layer.kind}", *layer.versions) for layer in reversed(layers)]
    versions.reverse()
    reader.word("input_rgb_image_sized")
    mean = (reader.number(), reader.number(), reader.number())
    reader.expect("height of the input", CHIP)
    reader.expect("width of the input", CHIP)
    found: list[Convolution] = []
    last = np.empty((0, 0), np.float32)
    for layer, version in zip(layers, versions, strict=True):
        match layer.kind:
            case "tag" | "skip":
                continue
            case "con":
                found.append(_convolution(reader, layer))
            case "affine":
                found.append(_affine(reader, layer, found.pop()))
            case "fc":
                last = _fully_connected(reader, layer)
            case "relu":
                if reader.word("relu_", "relu_2") == "relu_2":
                    reader.flag()
            case "add_prev":
                reader.word("add_prev_")
            case _:
                _pool(reader, layer)
        for _ in range(3):  # set up, stale, disabled
            reader.flag()
        reader.tensor()  # gradient of the input, cached output
        reader.tensor()
        if version == max(layer.versions):
            reader.tensor()  # gradient
        if layer.versions == (2, 3) and version == 3:
            reader.integer()  # samples for each input
    stem, *pairs = found
    blocks = tuple(
        Block(first, second, halves=first.stride == 2) for first, second in zip(pairs[::2], pairs[1::2], strict=True)
    )
    return Weights(mean, stem, blocks, last)


def _convolution(reader: _Reader, layer: _Layer) -> Convolution:
    version = reader.word("con_4", "con_5", "con_6")
    shape = (layer.outputs, layer.inputs, layer.size, layer.size)
    count = math.prod(shape)
    values = reader.tensor(count + layer.outputs)
    reader.expect("filters", layer.outputs)
    for what, expected in (("size", layer.size), ("stride", layer.stride), ("padding", layer.padding)):
        reader.expect(f"{what} of a convolution", expected)
        reader.expect(f"{what} of a convolution", expected)
    reader.part("filters of a convolution", *shape)
    reader.part("biases of a convolution", 1, layer.outputs, 1, 1)
    for _ in range(4):  # what training multiplied rates with
        reader.number()
    if version != "con_4" and not reader.flag():
        raise reader.refused("a convolution without biases")
    if version == "con_6" and reader.flag():
        raise reader.refused("a convolution with a rectifier of its own")
    return Convolution(values[:count].reshape(shape), values[count:], layer.stride, layer.padding)


def _affine(reader: _Reader, layer: _Layer, before: Convolution) -> Convolution:
    """Folded into the convolution before it: scale and offset of each output."""
    version = reader.word("affine_", "affine_2")
    values = reader.tensor(2 * layer.outputs)
    reader.part("scale of an affine layer", 1, layer.outputs, 1, 1)
    reader.part("offset of an affine layer", 1, layer.outputs, 1, 1)
    reader.expect("mode of an affine layer", 0)
    if version == "affine_2" and reader.flag():
        raise reader.refused("a disabled affine layer")
    scale, offset = values[: layer.outputs], values[layer.outputs :]
    return Convolution(
        before.filters * scale[:, None, None, None], before.bias * scale + offset, before.stride, before.padding
    )


def _fully_connected(reader: _Reader, layer: _Layer) -> Floats:
    version = reader.word("fc_2", "fc_3")
    reader.expect("outputs", layer.outputs)
    reader.expect("inputs", layer.inputs)
    values = reader.tensor(layer.inputs * layer.outputs)
    reader.part("weights of the last layer", layer.inputs, layer.outputs, 1, 1)
    reader.part("biases of the last layer", 0, 0, 0, 0)
    reader.expect("bias of the last layer", 1)  # none
    for _ in range(4):
        reader.number()
    if version == "fc_3":
        reader.flag()
    return values.reshape(layer.inputs, layer.outputs)


def _pool(reader: _Reader, layer: _Layer) -> None:
    reader.word(f"{layer.kind}_2")
    for what, expected in (("size", layer.size), ("stride", layer.stride), ("padding", layer.padding)):
        reader.expect(f"{what} of a pooling layer", expected)
        reader.expect(f"{what} of a pooling layer", expected)
