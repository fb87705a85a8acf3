"""dlib's face descriptor network in NumPy: one chip at a time, height x width x channels, 32-bit floats.

What the layers do: dlib's `dlib/cuda/cpu_dlib.cpp` (docs/sources.md). Every convolution is one matrix product over
gathered neighbourhoods. NumPy computes it without the interpreter lock, which dlib's own call holds throughout.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from devices.face.weights import CHIP, LENGTH, Block, Convolution, Floats, Weights


class NumpyEncoder:
    """`devices.face.encoder.Encoder`. Everything that was computed from a chip is overwritten before it returns.

    One thread at a time.
    """

    name = "numpy"

    def __init__(self, weights: Weights) -> None:
        self._mean = np.array(weights.mean, np.float32)
        self._stem = _Product(weights.stem)
        self._blocks = [(_Product(block.first), _Product(block.second), block) for block in weights.blocks]
        self._last = np.ascontiguousarray(weights.last)
        self._scratch = _Scratch()

    def describe(self, chips: NDArray[np.uint8]) -> NDArray[np.float64]:
        """n x 150 x 150 x 3, red first -> n x 128."""
        found = np.empty((len(chips), LENGTH), np.float64)
        for index, chip in enumerate(chips):
            found[index] = self._describe(chip)
            self._scratch.wipe()
        return found

    def _describe(self, chip: NDArray[np.uint8]) -> Floats:
        scratch = self._scratch
        pixels = scratch.empty(CHIP, CHIP, 3)
        np.subtract(chip, self._mean, out=pixels)
        pixels *= np.float32(1 / 256)
        layer = _pooled(scratch, _rectified(self._stem(scratch, pixels)))
        for first, second, block in self._blocks:
            layer = _block(scratch, layer, first, second, block)
        return np.asarray(layer.mean(axis=(0, 1)) @ self._last, np.float32)


class _Scratch:
    """Memory of one pass: given out once, overwritten together."""

    def __init__(self) -> None:
        self._given: list[Floats] = []
        self._columns = np.empty(0, np.float32)

    def empty(self, *shape: int) -> Floats:
        given = np.empty(shape, np.float32)
        self._given.append(given)
        return given

    def zeros(self, *shape: int) -> Floats:
        given = self.empty(*shape)
        given.fill(0)
        return given

    def columns(self, size: int) -> Floats:
        """Flat memory for the neighbourhoods of one convolution, the same for all."""
        if self._columns.size < size:
            self._columns.fill(0)
            self._columns = np.empty(size, np.float32)
        return self._columns[:size]

    def wipe(self) -> None:
        for given in self._given:
            given.fill(0)
        self._given.clear()
        self._columns.fill(0)


class _Product:
    """A convolution as a matrix product."""

    __slots__ = ("_bias", "_matrix", "_padding", "_size", "_stride")

    def __init__(self, convolution: Convolution) -> None:
        outputs, inputs, self._size, _ = convolution.filters.shape
        ordered = convolution.filters.transpose(2, 3, 1, 0)  # rows, columns, inputs, outputs
        self._matrix = np.ascontiguousarray(ordered).reshape(self._size * self._size * inputs, outputs)
        self._bias = np.ascontiguousarray(convolution.bias)
        self._stride = convolution.stride
        self._padding = convolution.padding

    def __call__(self, scratch: _Scratch, layer: Floats) -> Floats:
        height, width, inputs = layer.shape
        size, stride, padding = self._size, self._stride, self._padding
        if padding:
            padded = scratch.zeros(height + 2 * padding, width + 2 * padding, inputs)
            padded[padding:-padding, padding:-padding] = layer
            layer = padded
        rows = (layer.shape[0] - size) // stride + 1
        columns = (layer.shape[1] - size) // stride + 1
        down, across, deep = layer.strides
        # A row of a neighbourhood is one run of memory: size x inputs numbers.
        near = as_strided(
            layer,
            (rows, columns, size, size * inputs),
            (down * stride, across * stride, down, deep),
            writeable=False,
        )
        gathered = scratch.columns(math.prod(near.shape)).reshape(near.shape)
        np.copyto(gathered, near)
        outputs = self._bias.size
        answer = scratch.empty(rows * columns, outputs)
        np.matmul(gathered.reshape(rows * columns, -1), self._matrix, out=answer)
        answer += self._bias
        return answer.reshape(rows, columns, outputs)


def _rectified(layer: Floats) -> Floats:
    return np.maximum(layer, 0, out=layer)


def _pooled(scratch: _Scratch, layer: Floats) -> Floats:
    """The largest of 3 x 3, every second pixel."""
    rows, columns = (layer.shape[0] - 3) // 2 + 1, (layer.shape[1] - 3) // 2 + 1
    largest = scratch.empty(rows, columns, layer.shape[2])
    largest[:] = layer[: 2 * rows : 2, : 2 * columns : 2]
    for down in range(3):
        for across in range(3):
            near = layer[down : down + 2 * rows - 1 : 2, across : across + 2 * columns - 1 : 2]
            np.maximum(largest, near, out=largest)
    return largest


def _halved(scratch: _Scratch, layer: Floats) -> Floats:
    """The mean of 2 x 2 pixels; an odd last row or column is left out."""
    rows, columns = layer.shape[0] // 2, layer.shape[1] // 2
    whole = layer[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2, layer.shape[2])
    return np.mean(whole, axis=(1, 3), out=scratch.empty(rows, columns, layer.shape[2]))


def _block(scratch: _Scratch, layer: Floats, first: _Product, second: _Product, block: Block) -> Floats:
    answer = second(scratch, _rectified(first(scratch, layer)))
    past = _halved(scratch, layer) if block.halves else layer
    if past.shape != answer.shape:  # what one of them lacks in rows, columns or channels counts as zero
        shape = np.maximum(past.shape, answer.shape)
        both = scratch.zeros(*shape.tolist())
        both[tuple(map(slice, answer.shape))] = answer
        answer = both
    answer[tuple(map(slice, past.shape))] += past
    return _rectified(answer)
