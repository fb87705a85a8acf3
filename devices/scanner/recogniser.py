"""One printed line -> symbols with a probability each, by the recogniser that the package `rapidocr` brings along.

The package is located, never imported: its import starts a logger of its own and its classes can fetch models. Here
its model (PP-OCRv6, recognition only) is loaded from the installed file by onnxruntime, or not at all.

Decoding is ours for two reasons. What is read stays in buffers that can be overwritten: no `str` of a number is ever
made. And only the symbols that stand on a card count: the probabilities of look-alikes are added up, whatever else the
model would rather read becomes `UNKNOWN`, which no grammar accepts.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from devices.errors import ModelMissing
from devices.ports import Image

HEIGHT = 48  # px, what the network was trained for
STEP = 8  # px of the line for one column of the network's output
_FEWEST = 64  # px; narrower lines are padded
_MODEL = "PP-OCRv6_rec_small.onnx"

UNKNOWN = ord("?")
_SPECKS = ".,·・、。'`"  # dirt on the card; none of them stands in a box
# One byte for each symbol that can stand in one of the boxes, and everything that the model may call it. The name of
# the era is no part of the number, it only narrows the dates: there a look-alike does no harm.
SYMBOLS: dict[int, str] = {
    ord("0"): "0０OＯ〇",
    ord("1"): "1１",
    ord("2"): "2２",
    ord("3"): "3３",
    ord("4"): "4４",
    ord("5"): "5５",
    ord("6"): "6６",
    ord("7"): "7７",
    ord("8"): "8８",
    ord("9"): "9９",
    ord("T"): "大太犬",
    ord("J"): "正",
    ord("S"): "昭照",
    ord("H"): "平乎",
    ord("c"): "成戌",
    ord("R"): "令今合",
    ord("w"): "和私",
    ord("f"): "元",
    ord("y"): "年",
    ord("m"): "月",
    ord("d"): "日曰",
    ord("b"): "生",
    ord("a"): "ま",
    ord("t"): "で",
    ord("v"): "有",
    ord("e"): "効效",
}


@dataclass(slots=True, eq=False)
class Line:
    """What was read in one box.

    `symbols`: one byte each, see `SYMBOLS`. `sure`: probability of each, 0..1. `places`: where each stands, its middle
    in widths of the line, 0..1.
    """

    symbols: bytearray
    sure: NDArray[np.float32]
    places: NDArray[np.float32]

    @property
    def surest(self) -> float:
        """Probability of the weakest symbol; 0 when nothing was read."""
        return float(self.sure.min()) if len(self.sure) else 0.0

    def wipe(self) -> None:
        for index in range(len(self.symbols)):
            self.symbols[index] = 0
        self.sure.fill(0)
        self.places.fill(0)

    def __repr__(self) -> str:
        return "Line(****)"


def model_file(name: str = _MODEL) -> Path:
    """Where the recognition model is installed. Raises `ModelMissing`."""
    spec = importlib.util.find_spec("rapidocr")
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / "models" / name
        if path.is_file():
            return path
    raise ModelMissing(name)


class Recogniser:
    """The model, loaded once (0.15 s). One thread only. Raises `ModelMissing`.

    `seen` is called with every picture that enters the network, before it does: what never came by there was not read.
    """

    def __init__(self, model: Path | None = None, seen: Callable[[Image], None] | None = None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # its messages name shapes only; still nothing is wanted on standard error
        # Without its own pool, memory of a line goes back as soon as the line is read.
        options.enable_cpu_mem_arena = False
        try:
            self._session = onnxruntime.InferenceSession(
                str(model or model_file()), options, providers=["CPUExecutionProvider"]
            )
            characters = self._session.get_modelmeta().custom_metadata_map["character"].splitlines()
        except ModelMissing:
            raise
        except Exception as error:  # noqa: BLE001 - onnxruntime raises classes of its own for a damaged or absent file
            raise ModelMissing(type(error).__name__) from None
        self._input = self._session.get_inputs()[0].name
        self._seen = seen
        # Index 0 is the blank of the CTC alphabet, the list of characters begins at 1 and a space ends it.
        place = {character: index + 1 for index, character in enumerate(characters)}
        columns = [(code, place[name]) for code, names in SYMBOLS.items() for name in names if name in place]
        self._codes = list(SYMBOLS)
        self._columns = np.array([column for _, column in columns])
        self._owner = np.array([self._codes.index(code) for code, _ in columns])
        self._gaps = np.array([0, len(characters) + 1, *(place[speck] for speck in _SPECKS if speck in place)])

    def read(self, lines: list[Image]) -> list[Line]:
        """`lines`: gray, 8 bit, any size, one line of print each. Read together: one call of the network."""
        if not lines:
            return []
        widths = [max(1, round(line.shape[1] * HEIGHT / line.shape[0])) for line in lines]
        full = max(_FEWEST, *widths)
        batch = np.zeros((len(lines), 3, HEIGHT, full), np.float32)
        for index, (line, width) in enumerate(zip(lines, widths, strict=True)):
            if self._seen is not None:
                self._seen(line)
            way = cv2.INTER_AREA if line.shape[0] > HEIGHT else cv2.INTER_CUBIC
            scaled = cv2.resize(line, (width, HEIGHT), interpolation=way)
            batch[index, :, :, :width] = scaled.astype(np.float32) / 127.5 - 1.0
            scaled.fill(0)
        (answer,) = self._session.run(None, {self._input: batch})
        batch.fill(0)
        found = [self._decode(answer[index], full / width) for index, width in enumerate(widths)]
        answer.fill(0)
        return found

    def _decode(self, table: NDArray[np.float32], stretch: float) -> Line:
        """`table`: columns x characters. The likeliest symbol of each column; repeats and blanks fall away (CTC)."""
        known = np.zeros((len(table), len(self._codes)), np.float32)
        np.add.at(known.T, self._owner, table[:, self._columns].T)
        blank = table[:, self._gaps].sum(axis=1)
        best, sure = known.argmax(axis=1), known.max(axis=1)
        rest = table.max(axis=1)
        symbols = bytearray()
        sures: list[float] = []
        places: list[float] = []
        last = -1
        for column in range(len(table)):
            if blank[column] >= max(sure[column], rest[column]):
                symbol = -1
            elif sure[column] >= rest[column]:
                symbol = int(best[column])
            else:
                symbol = len(self._codes)  # something that does not stand on a card
            if symbol >= 0 and symbol == last:
                sures[-1] = max(sures[-1], float(sure[column]))
            elif symbol >= 0:
                symbols.append(self._codes[symbol] if symbol < len(self._codes) else UNKNOWN)
                sures.append(float(sure[column]))
                places.append((column + 0.5) / len(table) * stretch)
            last = symbol
        known.fill(0)
        return Line(symbols, np.array(sures, np.float32), np.array(places, np.float32))
