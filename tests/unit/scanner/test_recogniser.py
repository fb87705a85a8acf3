"""The recogniser alone: it reads as the package that brings the model, and brings nothing else along."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from devices.errors import ModelMissing
from devices.scanner.recogniser import SYMBOLS, UNKNOWN, Recogniser, model_file
from devices.simulated.printed import sheet as print_sheet

BACK = {name: chr(code) for code, names in SYMBOLS.items() for name in names}
LINES = [
    "昭和55年 2月17日生",
    "平成元年11月11日生",
    "令和 1年12月22日生",
    "1988年10月 8日生",
    "2035年 2月17日まで有効",
    "2285",
    "0011",
]


def drawn(text: str) -> np.ndarray:
    """White paper, one line of 40 px."""
    font = ImageFont.truetype(str(print_sheet._files()["bizud"]), 40)
    image = Image.new("L", (round(font.getlength(text)) + 24, 56), 255)
    ImageDraw.Draw(image).text((12, 6), text, 20, font=font)
    return np.asarray(image, np.uint8)


@pytest.fixture(scope="module")
def recogniser() -> Recogniser:
    return Recogniser()


@pytest.mark.parametrize("text", LINES)
def test_print_is_read(recogniser: Recogniser, text: str) -> None:
    (line,) = recogniser.read([drawn(text)])
    assert "".join(map(chr, line.symbols)) == "".join(BACK[c] for c in text if c != " ")
    assert line.surest > 0.5
    assert (np.diff(line.places) > 0).all()


def test_lines_read_together_are_read_as_alone(recogniser: Recogniser) -> None:
    together = recogniser.read([drawn(text) for text in LINES])
    assert [line.symbols for line in together] == [recogniser.read([drawn(text)])[0].symbols for text in LINES]


def test_what_stands_on_no_card_becomes_unknown(recogniser: Recogniser) -> None:
    (line,) = recogniser.read([drawn("薬局55番")])
    assert line.symbols.startswith(b"??55")
    assert UNKNOWN not in SYMBOLS


def test_blank_paper_says_nothing(recogniser: Recogniser) -> None:
    (line,) = recogniser.read([np.full((40, 300), 255, np.uint8)])
    assert (bytes(line.symbols), line.surest) == (b"", 0.0)
    assert recogniser.read([]) == []


def test_every_picture_that_is_read_was_announced() -> None:
    seen: list[int] = []
    recogniser = Recogniser(seen=lambda picture: seen.append(picture.shape[1]))
    recogniser.read([drawn("2285"), drawn("1")])
    assert len(seen) == 2


def test_a_line_is_overwritten(recogniser: Recogniser) -> None:
    (line,) = recogniser.read([drawn("2285")])
    line.wipe()
    assert not any(line.symbols)
    assert not line.sure.any()
    assert not line.places.any()


def test_an_absent_or_damaged_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing):
        Recogniser(tmp_path / "absent.onnx")
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(model_file().read_bytes()[:100_000])
    with pytest.raises(ModelMissing):
        Recogniser(damaged)


def test_the_packages_own_reader_reads_the_same() -> None:
    """Our decoding beside that of `rapidocr`, in a process of its own: it logs, and its import is slow."""
    script = """
import logging, sys
import numpy as np
from omegaconf import OmegaConf
import rapidocr
from rapidocr.utils.log import logger
logger.setLevel(logging.CRITICAL)
from rapidocr.ch_ppocr_rec import TextRecInput, TextRecognizer
from rapidocr.utils.parse_parameters import ParseParams
from pathlib import Path
from tests.unit.scanner.test_recogniser import LINES, drawn
from devices.scanner.recogniser import Recogniser, model_file, SYMBOLS
from rapidocr.inference_engine.base import get_engine
config = ParseParams.load(Path(rapidocr.__file__).parent / "config.yaml")
config.Rec.model_path = str(model_file())
config.Rec.engine_cfg = config.EngineConfig.onnxruntime
config.Rec.font_path = None
theirs = TextRecognizer(config.Rec)
back = {name: chr(code) for code, names in SYMBOLS.items() for name in names}
ours = Recogniser()
for text in LINES:
    picture = drawn(text)
    (said,) = theirs(TextRecInput(img=np.repeat(picture[:, :, None], 3, 2))).txts
    mine = "".join(map(chr, ours.read([picture])[0].symbols))
    assert mine == "".join(back.get(c, "?") for c in said if c != " "), text
print("same")
"""
    root = Path(__file__).resolve().parents[3]
    ran = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=120)
    assert ran.stdout.strip() == "same", ran.stderr[-2000:]


def test_reading_loads_neither_the_package_nor_a_logger() -> None:
    script = (
        "import sys, numpy as np; from devices.scanner.recogniser import Recogniser; "
        "Recogniser().read([np.full((40, 200), 255, np.uint8)]); "
        "print([name for name in sys.modules if name.startswith(('rapidocr', 'requests', 'urllib3', 'colorlog'))])"
    )
    root = Path(__file__).resolve().parents[3]
    ran = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=60)
    assert (ran.stdout.strip(), ran.stderr) == ("[]", "")
