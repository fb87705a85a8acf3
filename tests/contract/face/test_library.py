"""The `face_recognition` engine behind the same port: the same answers for the same pair."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from devices.blob import Blob
from devices.errors import DeviceFault
from devices.ports import FaceBand, FaceDecided, FaceFailed
from devices.simulated.faces import FAR_SEEDS, card_photo
from tests.contract.face.booth import Booth, live

PERSON, STRANGER = FAR_SEEDS["employee"], FAR_SEEDS["pinless"]


@pytest.fixture(scope="module")
def booth() -> Iterator[Booth]:
    booth = Booth({"engine": "face_recognition", "seconds": 6.0, "frames": 3})
    assert booth.engine == "face_recognition"
    yield booth
    booth.verifier.stop()


def test_person_and_stranger(booth: Booth) -> None:
    with Blob.of(card_photo(PERSON)) as photo:
        booth.camera.pictures = live(PERSON)
        booth.verifier.begin(job := booth.job(), photo)
        assert booth.listener.end(job) == FaceDecided(job, FaceBand.ACCEPT, frames=3)
        booth.camera.pictures = live(STRANGER)
        booth.verifier.begin(job := booth.job(), photo)
        assert booth.listener.end(job) == FaceDecided(job, FaceBand.REJECT, frames=3)


def test_truncated_photo_is_refused_although_the_library_would_take_it(booth: Booth) -> None:
    whole = card_photo(PERSON)
    booth.camera.pictures = live(PERSON)
    with Blob.of(whole[: len(whole) // 2]) as photo:
        booth.verifier.begin(job := booth.job(), photo)
        assert booth.listener.end(job) == FaceFailed(job, DeviceFault.PHOTO_INVALID)


def test_the_default_engine_never_imports_the_library() -> None:
    program = (
        "import sys\n"
        "from devices.face.template import load_engine\n"
        "load_engine({})\n"
        "sys.exit('face_recognition' in sys.modules or 'face_recognition_models' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_import_without_pkg_resources_is_a_missing_model_and_no_exit() -> None:
    program = (
        "import importlib.util, sys\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'pkg_resources' else found(name, *rest)\n"
        "from devices.errors import ModelMissing\n"
        "from devices.face.template import load_engine\n"
        "try:\n"
        "    load_engine({'engine': 'face_recognition'})\n"
        "except ModelMissing:\n"
        "    sys.exit(7)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 7


def test_import_leaves_pillow_strict() -> None:
    program = (
        "import sys\n"
        "from PIL import ImageFile\n"
        "from devices.face.template import load_engine\n"
        "load_engine({'engine': 'face_recognition'})\n"
        "sys.exit(ImageFile.LOAD_TRUNCATED_IMAGES)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
