"""The simulated camera above the tray, and what is printed on the cards of the personas."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from devices.errors import DeviceFault
from devices.ports import Frame
from devices.simulated.card.files import CardKind, PersonCard
from devices.simulated.printed.laying import SETTLES, Laying
from devices.simulated.printed.other import OtherKind
from devices.simulated.printed.person import lower_side, printed, upper_side
from devices.simulated.printed.shot import HEIGHT, WIDTH, corners
from devices.simulated.printed.sides import Calendar, Printed
from devices.simulated.tray import SimulatedTray, TrayCondition
from devices.simulated.world import World, load_personas, personas_folder

PERSONAS = {persona.id: persona for persona in load_personas(personas_folder())}
SOME = ("employee", "foreign_resident", "infant", "pinless", "driving_licence", "juki_card", "phone", "mute",
        "old_insurance_card")  # fmt: skip


@pytest.fixture(scope="module")
def cards() -> dict[str, PersonCard]:
    from devices.simulated.faces import card_photo

    few = tuple(PERSONAS[name] for name in SOME)
    return dict(World.build(few, lambda persona: card_photo(persona.photo_face)).cards)


@pytest.fixture
def tray() -> Iterator[Callable[..., SimulatedTray]]:
    made: list[SimulatedTray] = []

    def make(**options: object) -> SimulatedTray:
        made.append(SimulatedTray(options))
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        each.stop()


def frames(tray: SimulatedTray, count: int, seconds: float = 20) -> list[Frame]:
    found: list[Frame] = []
    end = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < end:
        frame = tray.latest()
        if frame is not None and (not found or frame.sequence != found[-1].sequence):
            found.append(Frame(frame.image.copy(), frame.at, frame.sequence))
        time.sleep(0.005)
    assert len(found) == count
    return found


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.02)


def test_print_is_what_the_persona_says(cards: dict[str, PersonCard]) -> None:
    for name in ("employee", "foreign_resident", "infant", "pinless"):
        persona, found = PERSONAS[name], printed(cards[name])
        assert isinstance(found, Printed)
        assert (found.birth, found.expiry, found.code) == (persona.birth, persona.card_expiry, persona.security_code)
        assert (found.name, found.address) == (persona.name, persona.address)
        assert found.sex == ("男" if persona.sex == "male" else "女")
        assert found.number_b == persona.number_b
        assert (found.photo is not None) == persona.has_photo
    western = printed(cards["foreign_resident"])
    assert isinstance(western, Printed)
    assert western.calendar is Calendar.WESTERN


def test_number_that_is_not_of_the_card_is_not_printed(cards: dict[str, PersonCard]) -> None:
    value = {**cards["employee"].to_json(), "number_b": "11111111111111"}
    with pytest.raises(ValueError, match="employee: 照合番号B is not of this birth date"):
        printed(PersonCard.from_json(value))


def test_every_kind_of_card_has_two_sides(cards: dict[str, PersonCard]) -> None:
    kinds = {card.kind for card in cards.values()}
    assert kinds == set(CardKind)
    for card in cards.values():
        assert upper_side(card).shape[2] == lower_side(card).shape[2] == 3
        assert isinstance(printed(card), Printed if card.kind in (CardKind.MY_NUMBER, CardKind.PINLESS) else OtherKind)


def test_laying_moves_then_rests_and_is_repeatable() -> None:
    laying = Laying(5, calm=True)
    poses = [corners(laying.shot(t)) for t in (0.6, 0.9, 1.3, 1.7)]
    for index, one in enumerate(poses):
        for other_pose in poses[index + 1 :]:
            assert np.abs(one - other_pose).max() > 1.5  # pixels
    assert np.array_equal(corners(laying.shot(SETTLES + 0.1)), corners(laying.shot(SETTLES + 9)))
    assert laying.shot(0.8) == Laying(5, calm=True).shot(0.8)


def test_a_shift_moves_the_card_again() -> None:
    laying = Laying(5, calm=True, shifts_every=3.0)
    before, after = corners(laying.shot(2.4)), corners(laying.shot(4.2))
    assert np.abs(before - after).max() > 8
    assert (laying.still(2.4), laying.still(2.9), laying.still(4.2)) == (True, False, True)


@pytest.mark.parametrize("seed", range(1, 60))
def test_whatever_the_camera_the_card_comes_to_lie_in_its_view(seed: int) -> None:
    where = corners(Laying(seed, shifts_every=3.0).shot(4.9))
    assert where.min() > 0
    assert where[:, 0].max() < WIDTH
    assert where[:, 1].max() < HEIGHT


def test_empty_tray_card_and_taken_away(tray: Callable[..., SimulatedTray], cards: dict[str, PersonCard]) -> None:
    above = tray(still=True)
    empty = frames(above, 2)[-1].image
    assert (empty.shape, empty.mean() < 80) == ((HEIGHT, WIDTH, 3), True)
    above.lay(cards["employee"])
    until(lambda: frames(above, 1)[0].image.mean() > 110)
    above.lay(None)
    until(lambda: frames(above, 1)[0].image.mean() < 80)


def test_noise_differs_between_pictures_of_a_card_at_rest(
    tray: Callable[..., SimulatedTray], cards: dict[str, PersonCard]
) -> None:
    above = tray(still=True, fps=20)
    above.lay(cards["employee"])
    until(lambda: frames(above, 1)[0].image.mean() > 110)
    one, two, three = frames(above, 3)
    for first, second in ((one, two), (two, three)):
        difference = np.abs(first.image.astype(int) - second.image.astype(int))
        assert 0.5 < difference.mean() < 8


def test_turned_over(tray: Callable[..., SimulatedTray], cards: dict[str, PersonCard]) -> None:
    above = tray(still=True)
    above.lay(cards["employee"])
    until(lambda: frames(above, 1)[0].image.mean() > 110)
    up = frames(above, 1)[0].image
    above.face_down()
    until(lambda: bool(np.abs(frames(above, 1)[0].image.astype(int) - up).mean() > 15))
    above.face_up()
    until(lambda: bool(np.abs(frames(above, 1)[0].image.astype(int) - up).mean() < 45))


@pytest.mark.parametrize(
    ("condition", "fault"),
    [
        (TrayCondition.BLACK, DeviceFault.CAMERA_COVERED),
        (TrayCondition.FROZEN, DeviceFault.CAMERA_FROZEN),
        (TrayCondition.LOST, DeviceFault.CAMERA_LOST),
    ],
)
def test_watchdog_sees_a_camera_that_does_not_work(
    tray: Callable[..., SimulatedTray], cards: dict[str, PersonCard], condition: TrayCondition, fault: DeviceFault
) -> None:
    above = tray(still=True, fps=20)
    above.lay(cards["employee"])
    until(lambda: above.fault() is None)
    above.set_condition(condition)
    until(lambda: above.fault() is fault)
    above.set_condition("normal")
    until(lambda: above.fault() is None)


@pytest.mark.parametrize("condition", ["glare", "worn", "dark", "other card"])
def test_conditions_change_the_picture(
    tray: Callable[..., SimulatedTray], cards: dict[str, PersonCard], condition: str
) -> None:
    above = tray(still=True)
    above.lay(cards["employee"])
    until(lambda: frames(above, 1)[0].image.mean() > 110)
    before = frames(above, 1)[0].image.astype(int)
    above.set_condition(condition)
    until(lambda: bool((np.abs(frames(above, 1)[0].image.astype(int) - before) > 40).sum() > 2000))


def test_unknown_condition_is_refused() -> None:
    with pytest.raises(ValueError, match="sunny"):
        SimulatedTray().set_condition("sunny")
