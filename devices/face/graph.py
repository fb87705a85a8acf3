"""dlib's face descriptor network as an ONNX graph in memory, computed by onnxruntime on one thread.

The graph holds the same numbers as the file of dlib; nothing is written or fetched. onnxruntime's memory arena and
its memory plan are off: both keep buffers, and with them what was computed from a face, until the process ends.
"""

from __future__ import annotations

import contextlib
import ctypes
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

from devices.face.weights import CHIP, LENGTH, Block, Convolution, Weights

_OPSET = 17
_IR = 9
_BATCH = 16  # chips in one run: bounds the memory


class OnnxEncoder:
    """`devices.face.encoder.Encoder`."""

    name = "onnx"

    def __init__(self, weights: Weights) -> None:
        self._mean = np.array(weights.mean, np.float32)
        onnxruntime.set_default_logger_severity(4)  # nothing of it in the kiosk's output
        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(
            model_of(weights).SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        _give_back()

    def describe(self, chips: NDArray[np.uint8]) -> NDArray[np.float64]:
        """n x 150 x 150 x 3, red first -> n x 128."""
        found = np.empty((len(chips), LENGTH), np.float64)
        for start in range(0, len(chips), _BATCH):
            some = chips[start : start + _BATCH]
            pixels = np.subtract(some, self._mean, dtype=np.float32)
            pixels *= np.float32(1 / 256)
            planes = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
            try:
                (found[start : start + _BATCH],) = self._session.run(None, {"chips": planes})
            finally:
                pixels.fill(0)
                planes.fill(0)
        return found


def _give_back() -> None:
    """What building the graph took, back to the system: of 180 MB the C library would keep 60 (malloc_trim(3))."""
    with contextlib.suppress(AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def model_of(weights: Weights) -> ModelProto:
    """`chips` n x 3 x 150 x 150 (mean taken, divided by 256) -> `descriptors` n x 128."""
    drawing = _Drawing()
    layer = drawing.node("Relu", drawing.convolution("chips", weights.stem))
    layer = drawing.node("MaxPool", layer, kernel_shape=[3, 3], strides=[2, 2])
    side = _after(_after(CHIP, 7, 2, 0), 3, 2, 0)
    inputs = len(weights.stem.bias)
    for block in weights.blocks:
        layer, side = drawing.block(layer, block, side, inputs)
        inputs = len(block.second.bias)
    layer = drawing.node("Flatten", drawing.node("GlobalAveragePool", layer))
    layer = drawing.node("MatMul", layer, drawing.constant(weights.last))
    drawing.nodes[-1].output[0] = "descriptors"
    graph = helper.make_graph(
        drawing.nodes,
        "descriptor",
        [helper.make_tensor_value_info("chips", TensorProto.FLOAT, ["n", 3, CHIP, CHIP])],
        [helper.make_tensor_value_info("descriptors", TensorProto.FLOAT, ["n", LENGTH])],
        drawing.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
    checker.check_model(model)
    return model


def _after(side: int, size: int, stride: int, padding: int) -> int:
    return (side + 2 * padding - size) // stride + 1


class _Drawing:
    """Nodes in the order of computation; every value is named by its number."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def node(self, operation: str, *inputs: str, **attributes: Any) -> str:
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, list(inputs), [name], **attributes))
        return name

    def constant(self, values: NDArray[np.generic]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def convolution(self, layer: str, convolution: Convolution) -> str:
        return self.node(
            "Conv",
            layer,
            self.constant(convolution.filters),
            self.constant(convolution.bias),
            kernel_shape=list(convolution.filters.shape[2:]),
            strides=[convolution.stride] * 2,
            pads=[convolution.padding] * 4,
        )

    def block(self, layer: str, block: Block, side: int, inputs: int) -> tuple[str, int]:
        """The block's output and its height and width."""
        answer = self.convolution(self.node("Relu", self.convolution(layer, block.first)), block.second)
        there, outputs = _after(side, 3, block.first.stride, block.first.padding), len(block.second.bias)
        past, here = layer, side
        if block.halves:
            past = self.node("AveragePool", layer, kernel_shape=[2, 2], strides=[2, 2])
            here = side // 2
        most, channels = max(here, there), max(inputs, outputs)
        answer = self._padded(answer, channels - outputs, most - there)
        past = self._padded(past, channels - inputs, most - here)
        return self.node("Relu", self.node("Add", answer, past)), most

    def _padded(self, layer: str, channels: int, pixels: int) -> str:
        """Zeros behind the last channels, rows and columns."""
        if not channels and not pixels:
            return layer
        pads = np.array([0, 0, 0, 0, 0, channels, pixels, pixels], np.int64)
        return self.node("Pad", layer, self.constant(pads))
