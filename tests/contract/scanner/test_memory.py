"""What stays in the memory of the scanner process after a back and after a number."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from devices.blob import Blob
from devices.ports import Image, NumberScanned
from devices.scanner.worker import Begin, Cancel, FrameDone, Greet, ModelsLoaded, Offer, spec
from tests.conftest import demand_lane
from tests.helpers import open_child
from tests.helpers import printed_cards as cards

TODAY = cards.TODAY.isoformat()


class Child:
    """One scanner process, and the memory that is shared with it."""

    def __init__(self, options: dict[str, str]) -> None:
        self.process, self.channel = open_child.start(spec({"today": TODAY, **options}))
        self.memory = Blob.empty(720 * 1280 * 3)
        self.channel.send(Greet())
        self.wait_for(ModelsLoaded)
        self.channel.send(Begin(1, self.memory.duplicate()))

    def place(self, image: Image) -> None:
        with self.memory.map() as area:
            area[:] = image.tobytes()

    def look(self, sequence: int) -> None:
        self.channel.send(Offer(1, sequence, 1280, 720))

    def wait_for(self, kind: type) -> object:
        while True:
            message = self.channel.receive(timeout=60)
            assert message is not None, "the process says nothing"
            if isinstance(message, kind):
                return message

    def settle(self) -> None:
        """Until everything that was sent has been worked on."""
        self.channel.send(Greet())
        self.wait_for(ModelsLoaded)

    def hunt(self, marks: dict[str, bytes]) -> set[str]:
        try:
            return open_child.hunt(self.process.pid, marks)
        except PermissionError:
            demand_lane(["permission to read the memory of a child process (kernel.yama.ptrace_scope)"])
            raise

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.channel.close()
        self.memory.wipe()


@pytest.fixture
def child() -> Iterator[Child]:
    child = Child({})
    yield child
    child.end()


def marked(image: Image) -> tuple[Image, dict[str, bytes]]:
    """A frame whose card bears noise nobody else has, and that noise as it stands in the frame and in its gray copy."""
    image = image.copy()
    place = image[360, 600:664]
    place[:] = np.random.default_rng(9).integers(60, 200, place.shape, np.uint8)
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[360, 604:660]
    return image, {"frame": place.tobytes(), "gray copy": gray.tobytes()}


def test_a_frame_is_found_while_it_stands_there(child: Child) -> None:
    image, marks = marked(cards.backs()[0])
    child.place(image)
    child.settle()
    assert "frame" in child.hunt(marks)


def test_nothing_of_a_back_stays(child: Child) -> None:
    image, marks = marked(cards.backs()[0])
    child.place(image)
    child.look(1)
    done = child.wait_for(FrameDone)
    assert done == FrameDone(1, 1, back=True)
    assert child.hunt(marks) == set()


def test_nothing_of_a_front_stays(child: Child) -> None:
    image, marks = marked(cards.fronts()[0])
    child.place(image)
    child.look(1)
    child.wait_for(FrameDone)
    child.channel.send(Cancel(1))
    child.settle()
    assert child.hunt(marks) == set()


# The number, and each line as the recogniser's symbols spell it.
READ = {
    "number": cards.NUMBER,
    "birth line": b"Sw55y2m17d",
    "expiry line": b"2035y2m17d",
}


@pytest.mark.parametrize("kind", READ)
def test_a_number_is_found_where_it_was_left(kind: str) -> None:
    child = Child({"left behind": READ[kind].decode()})
    try:
        assert kind in child.hunt(READ)
    finally:
        child.end()


def test_a_number_is_gone_once_it_was_handed_over(child: Child) -> None:
    for sequence, image in enumerate(cards.fronts()):
        child.place(image)
        child.look(sequence)
        message = child.wait_for((FrameDone, NumberScanned))  # type: ignore[arg-type]  # isinstance takes a tuple
        if isinstance(message, FrameDone) and sequence < 1:
            continue
        if isinstance(message, FrameDone):
            message = child.wait_for(NumberScanned)
        break
    assert isinstance(message, NumberScanned)
    with message.number as blob, blob.secret() as secret:
        assert secret.matches(cards.NUMBER)
    child.settle()
    assert child.hunt(READ) == set()


def test_a_recycled_process_is_gone_with_all_it_held(child: Child) -> None:
    child.process.kill()
    assert child.process.wait() != 0
    with pytest.raises(FileNotFoundError):
        open_child.hunt(child.process.pid, READ)
