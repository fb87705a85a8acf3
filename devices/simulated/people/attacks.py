"""Simulated attacks on the face check: somebody shows the face of the card's owner.

The attacker hears what the kiosk asks and does what his instrument allows: he turns the print, folds it for a blink,
lays closed lids over the eyes, blinks with his own eyes behind holes, starts the recording that fits worst or best.
Every instrument shows the owner well enough for the comparison, else the attack would prove nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

import cv2
import numpy as np

from devices.simulated.people.acting import BLINK, TURN_LEFT, TURN_RIGHT, Acting, Temper
from devices.simulated.people.actor import Actor
from devices.simulated.people.head import Array
from devices.simulated.people.person import Person, person_of
from devices.simulated.people.portrait import portrait
from devices.simulated.people.props import Bend, Held, Sheet, show
from devices.simulated.people.scene import Picture, put
from devices.simulated.people.view import CM, EYES_DEPTH, PIVOT, rotation, see


class Attack(StrEnum):
    """The kinds of instrument."""

    FLAT = "flat"  # a print or a screen, flat
    BENT = "bent"  # a print around a cylinder
    RELIEF = "relief"  # half as deep as the face
    CUT_OUT_EYES = "cut_out_eyes"  # a print with the attacker's eyes behind it
    REPLAY = "replay"  # a video of the owner, in the wrong order or too late
    REPLAY_BLIND = "replay_blind"  # the same, by luck in the right order
    CUT_IN = "cut_in"  # the attacker does what is asked, the owner's face is cut in


RADII_CM = (27.0, 13.0, 9.0)
_NEVER = 1e9


def attacker(
    kind: Attack,
    seed: int,
    variation: int = 0,
    *,
    size: tuple[int, int] = (640, 480),
    radius_cm: float | None = None,
    vertical: bool | None = None,
) -> _Attacker:
    """Somebody who shows the face of person `seed`. `variation` chooses instrument, manner and conditions.

    `radius_cm`, `vertical` (axis): of BENT; by `variation` when not given.
    """
    match kind:
        case Attack.FLAT:
            return _Print(seed, variation, size, None)
        case Attack.BENT:
            radius = RADII_CM[variation % 3] if radius_cm is None else radius_cm
            upright = variation // 3 % 2 == 0 if vertical is None else vertical
            return _Print(seed, variation, size, Bend(radius * CM, upright))
        case Attack.RELIEF:
            return _Relief(seed, variation, size)
        case Attack.CUT_OUT_EYES:
            return _CutOut(seed, variation, size)
        case Attack.REPLAY:
            return _Replay(seed, variation, size, blind=False)
        case Attack.REPLAY_BLIND:
            return _Replay(seed, variation, size, blind=True)
        case Attack.CUT_IN:
            return _CutIn(seed, variation, size)


class _Attacker:
    """`Filmed`. `detail` says what exactly is shown, for a table."""

    detail = ""

    def __init__(self, kind: int, seed: int, variation: int, size: tuple[int, int], *, hidden: bool = True) -> None:
        """`hidden`: the attacker's own head is behind what he holds."""
        self.seed, self.size = seed, size
        self.draw = np.random.default_rng([67, kind, seed, variation])
        # The attacker is somebody else, in the light of the day and under the same camera.
        self.self_ = Actor(
            50_000 + (seed * 31 + variation * 7) % 20_000, variation=variation + 1, size=size, hair_behind=not hidden
        )

    def frame(self, t: float, prompt: str | None = None) -> Picture:
        raise NotImplementedError

    def _tremor(self, t: float, strength: float) -> tuple[float, float, float]:
        """Of a hand: head units aside and up, degrees."""
        a, b, c = (math.sin(t * w + p) for w, p in ((23.0, 0.3), (29.0, 1.7), (19.0, 4.0)))
        slow = math.sin(t * 2.7 + 0.9)
        return strength * (0.006 * a + 0.01 * slow), strength * 0.006 * b, strength * 0.25 * c


def _photo(seed: int, draw: np.random.Generator) -> Array:
    """A portrait of the owner that somebody got hold of, life-size: 1.8 x 2.5 head units, BGR."""
    tall = 400
    return portrait(
        person_of(seed, float(draw.uniform(0, 4))),
        (288, tall),
        unit=tall / 2.5,
        centre=(144.0, 0.49 * tall),
        light=float(draw.uniform(0.9, 1.08)),
        light_side=float(draw.uniform(-0.4, 0.4)),
        smile=float(draw.choice([0.0, 0.0, 0.5])),
        background=(215, 220, 222),
        fine=1,
    ).astype(np.float32)


def _printed(photo: Array, draw: np.random.Generator) -> Array:
    """Ink on paper: a curve of its own, less black, a little grain."""
    ink = np.clip(photo / 255, 0, 1) ** float(draw.uniform(0.85, 1.15))
    ink = 0.05 + 0.92 * ink + draw.standard_normal(photo.shape) * 0.008
    tint = draw.uniform(0.97, 1.03, 3)
    return np.asarray(np.clip(ink * tint, 0, 1) * 255, np.float32)


def _screen(photo: Array, draw: np.random.Generator) -> Array:
    """A phone or tablet: bright, bluish, a black frame around."""
    glow = np.clip(photo * draw.uniform(0.95, 1.15) * np.array([1.04, 1.0, 0.97]), 0, 255)
    framed = cv2.copyMakeBorder(glow, 16, 16, 8, 8, cv2.BORDER_CONSTANT, value=(18, 16, 16))
    return np.asarray(framed, np.float32)


def _opaque(picture: Array) -> Picture:
    whole = np.full((*picture.shape[:2], 4), 255, np.uint8)
    whole[..., :3] = np.clip(picture + 0.5, 0, 255)
    return whole


class _Print(_Attacker):
    """A portrait on paper or on a screen, moved by hand as if it were a head."""

    def __init__(self, seed: int, variation: int, size: tuple[int, int], bend: Bend | None) -> None:
        super().__init__(1 if bend is None else 2, seed, variation, size)
        draw = self.draw
        photo = _photo(seed, draw)
        screen = bend is None and draw.random() < 0.3
        picture = _screen(photo, draw) if screen else _printed(photo, draw)
        self._bend = bend
        # A4 is life-size; a photo or a phone is smaller and held nearer.
        share = 1.0 if bend is not None else float(draw.choice([1.0, 1.0, 0.6]))
        self._share = share
        width = share * 1.8 * picture.shape[1] / photo.shape[1]
        self._sheet = Sheet(_opaque(picture), width, shine=0.5 if screen else float(draw.choice([0.0, 0.3])))
        self._eyes = share * (0.5 - 0.49) * 2.5
        self._lids = Sheet(_opaque(_closed(picture, person_of(seed), 400 / 2.5)), width, self._sheet.shine)
        #: fold: bent or tipped away for a moment; lids: closed lids are laid over the eyes; none: nothing is tried.
        self._blinking = ("fold", "lids", "none")[int(draw.integers(0, 3))]
        self._acting = Acting(
            draw,
            Temper(
                wander=float(draw.uniform(1, 16)),
                nod=float(draw.choice([1.0, 1.0, 2.4]) * draw.uniform(0.5, 11)),
                lean=float(draw.uniform(0.5, 5)),
                sway=float(draw.uniform(0.02, 0.12)),
                blink_every=_NEVER if draw.random() < 0.5 else 3.0,
                turn=float(draw.uniform(17, 42)),
                smiles=False,
            ),
            approach=False,
        )
        self._zoom = float(draw.uniform(0.0, 0.1))
        self._light = float(draw.uniform(0.85, 1.05)) * (1.0 if screen else self.self_.lamp.level)
        self._hand = float(draw.uniform(0.4, 1.6))
        paper = "screen" if screen else "print"
        if bend is None:
            self.detail = f"flat {paper}"
        else:
            self.detail = f"bent {bend.radius / CM:.0f} cm {'vertical' if bend.vertical else 'horizontal'}"

    def frame(self, t: float, prompt: str | None = None) -> Picture:
        act = self._acting.at(t, prompt)
        image = self.self_.empty()
        self.self_.draw_body(image, replace(act, aside=0.3 * act.aside))
        unit = self.self_.unit
        far = self._share * self.self_.lens.focal / unit * (1 + self._zoom * math.sin(0.8 * t))
        aside, lift, shake = self._tremor(t, self._hand)
        fold = act.blink if self._blinking == "fold" else 0.0
        held = Held(
            ((act.aside + aside) * self._share, -self._eyes - 0.03 * self.size[1] / unit + lift, -far),
            act.yaw + shake,
            act.pitch + 38 * fold,
            act.roll + 0.5 * shake,
        )
        sheet = self._lids if self._blinking == "lids" and act.blink > 0.3 else self._sheet
        seen = show(sheet, held, self.self_.lens, self.size, self._bend, self._light)
        if seen is not None:
            put(image, seen)
        return self.self_.take(image)


def _closed(picture: Array, person: Person, scale: float) -> Array:
    """The portrait with strips of skin and a line over the eyes: lids of paper."""
    closed = picture.copy()
    t = person.traits
    height, width = picture.shape[:2]
    middle = width / 2, 0.49 * 400 + (height - 400) / 2
    y = int(middle[1] + t.eye_height * scale)
    for sign in (-1, 1):
        x = int(middle[0] + sign * t.eye_apart * scale)
        axes = int(t.eye_width * 1.2 * scale), int(t.eye_width * t.eye_open * 1.5 * scale)
        below = picture[min(height - 1, y + axes[1] + 4), x]
        cv2.ellipse(closed, (x, y), axes, 0, 0, 360, tuple(float(v) for v in below), -1, cv2.LINE_AA)
        cv2.ellipse(closed, (x, y - 2), (axes[0], axes[1] // 2), 0, 15, 165, (40, 36, 40), 2, cv2.LINE_AA)
    return closed


class _Relief(_Attacker):
    """A mask with the owner's face in half its depth."""

    detail = "relief, half the depth"

    def __init__(self, seed: int, variation: int, size: tuple[int, int]) -> None:
        super().__init__(3, seed, variation, size)
        draw = self.draw
        self._mask = person_of(seed, float(draw.uniform(0, 4)))
        self._acting = Acting(
            draw,
            Temper(
                wander=float(draw.uniform(1, 9)),
                nod=float(draw.uniform(0.5, 6)),
                lean=float(draw.uniform(0.5, 4)),
                sway=float(draw.uniform(0.02, 0.1)),
                blink_every=_NEVER,
                turn=float(draw.uniform(15, 32)),
                smiles=False,
            ),
            approach=False,
        )
        self._lids = draw.random() < 0.5  # a second pair of eyes, closed, is laid over for a moment
        self._hand = float(draw.uniform(0.2, 1.0))

    def frame(self, t: float, prompt: str | None = None) -> Picture:
        act = self._acting.at(t, prompt)
        actor = self.self_
        image = actor.empty()
        actor.draw_body(image, replace(act, aside=0.3 * act.aside))
        aside, lift, shake = self._tremor(t, self._hand)
        pose = actor.pose(replace(act, aside=act.aside + aside, lift=act.lift + lift, blink=0, smile=0))
        # The eyes are half as far in front of the middle.
        at = pose.at[0], pose.at[1], pose.at[2] + 0.5 * EYES_DEPTH
        closed = 1.0 if self._lids and act.blink > 0.3 else 0.0
        pose = replace(pose, at=at, yaw=pose.yaw + shake, blink=closed)
        seen = see(self._mask, pose, actor.lens, self.size, actor.lamp, depth=0.5)
        if seen is not None:
            put(image, seen)
        return actor.take(image)


class _CutOut(_Attacker):
    """A life-size print before the attacker's own face, holes where the eyes are."""

    detail = "print with cut-out eyes"

    def __init__(self, seed: int, variation: int, size: tuple[int, int]) -> None:
        super().__init__(4, seed, variation, size, hidden=False)
        draw = self.draw
        owner = person_of(seed)
        photo = _printed(_photo(seed, draw), draw)
        own = self.self_.person.traits
        self._front = float(draw.uniform(1.0, 1.2))  # the paper touches the nose
        far = self.self_.lens.focal / self.self_.unit + EYES_DEPTH
        # Scaled so that the holes lie before the attacker's eyes as the camera sees them.
        scale = own.eye_apart / owner.traits.eye_apart * (far - self._front) / (far - 0.75)
        self._sheet = Sheet(_with_holes(photo, owner, float(draw.uniform(1.0, 1.35))), 1.8 * scale)
        eye = (0.49 - 0.5) * 2.5 * scale + owner.traits.eye_height * scale
        self._down = own.eye_height * (far - self._front) / (far - 0.75) - eye
        self._light = self.self_.lamp.level * float(draw.uniform(0.85, 1.05))

    def frame(self, t: float, prompt: str | None = None) -> Picture:
        actor = self.self_
        act = actor.act(t, prompt)
        image = actor.empty()
        actor.draw(image, act)
        pose = actor.pose(act)
        turned = rotation(pose.yaw, pose.pitch, pose.roll)
        middle = np.array(pose.at) + PIVOT + turned @ (np.array([0, self._down, self._front]) - PIVOT)
        held = Held((float(middle[0]), float(middle[1]), float(middle[2])), pose.yaw, pose.pitch, pose.roll)
        seen = show(self._sheet, held, actor.lens, self.size, None, self._light)
        if seen is not None:
            put(image, seen)
        return actor.take(image)


def _with_holes(photo: Array, owner: Person, generous: float) -> Picture:
    t = owner.traits
    sheet = _opaque(photo)
    scale = 400 / 2.5
    y = 0.49 * 400 + t.eye_height * scale
    hole = np.full(photo.shape[:2], 255, np.uint8)
    for sign in (-1, 1):
        axes = int(t.eye_width * scale * generous), int(t.eye_width * t.eye_open * scale * 1.25 * generous)
        cv2.ellipse(hole, (int(144 + sign * t.eye_apart * scale), int(y)), axes, 0, 0, 360, (0,), -1, cv2.LINE_AA)
    sheet[..., 3] = hole
    return sheet


class _Replay(_Attacker):
    """A video of the owner on a tablet, or fed in instead of the camera.

    The recording was made at another reception: two things that were asked there, in an order of their own. Unless
    `blind`, it is one that does not fit what is asked first, or it is started too late.
    """

    def __init__(self, seed: int, variation: int, size: tuple[int, int], *, blind: bool) -> None:
        super().__init__(6 if blind else 5, seed, variation, size)
        draw = self.draw
        self._blind = blind
        self._late = not blind and draw.random() < 0.3
        self._injected = bool(draw.random() < 0.5)
        self._owner = Actor(seed, variation=variation + 1, size=size)
        self._delay = float(draw.uniform(6.5, 9.0)) if self._late else float(draw.uniform(0.0, 1.2))
        steps = [TURN_LEFT, TURN_RIGHT, BLINK]
        self._script = [steps[i] for i in draw.permutation(3)[:2]]
        self._pace = float(draw.uniform(2.0, 3.2))
        self._first: float | None = None
        self._light = float(draw.uniform(0.92, 1.08))
        self._hand = float(draw.uniform(0.2, 0.8))
        way = "fed in" if self._injected else "on a tablet"
        self.detail = f"replay {way}, " + ("at random" if blind else "too late" if self._late else "wrong order")

    def frame(self, t: float, prompt: str | None = None) -> Picture:
        if self._first is None and prompt in (TURN_LEFT, TURN_RIGHT, BLINK):
            self._first = t
            if not self._blind:
                self._choose(prompt)
        video = self._owner.frame(t, self._recorded(t))
        if self._injected:
            return video
        actor = self.self_
        image = actor.empty()
        act = actor.act(t)
        actor.draw_body(image, act)
        # A tablet of 26 cm whose picture is the recording's middle, held so that the face has a face's size.
        height, width = video.shape[:2]
        middle = video[:, (width - int(0.8 * height)) // 2 : (width + int(0.8 * height)) // 2]
        framed = cv2.copyMakeBorder(middle, 10, 10, 10, 10, cv2.BORDER_CONSTANT, value=(20, 18, 18))
        tall = height / self._owner.unit * 0.75  # head units: three quarters of life-size, held nearer
        sheet = Sheet(_opaque(framed.astype(np.float32)), tall * framed.shape[1] / height, shine=0.4)
        aside, lift, shake = self._tremor(t, self._hand)
        far = 0.75 * actor.lens.focal / self._owner.unit
        held = Held((0.3 * act.aside + aside, lift, -far), 2 * math.sin(0.7 * t) + shake, act.pitch, 0.5 * act.roll)
        seen = show(sheet, held, actor.lens, self.size, None, self._light)
        if seen is not None:
            put(image, seen)
        return actor.take(image)

    def _choose(self, asked: str) -> None:
        if self._late:
            self._script = [asked, *(step for step in self._script if step != asked)]
        elif self._script[0] == asked:
            self._script.reverse()

    def _recorded(self, t: float) -> str | None:
        """What the owner was asked in the recording at that time."""
        if self._first is None:
            return None
        step = (t - self._first - self._delay) / self._pace
        return self._script[int(step)] if 0 <= step < len(self._script) else None


class _CutIn(_Attacker):
    """The camera's picture is replaced: the attacker moves as asked, the owner's face is cut in to be compared.

    Three ways: the owner whenever nothing is asked; first the owner, then the attacker; the owner for a few pictures
    now and then.
    """

    def __init__(self, seed: int, variation: int, size: tuple[int, int]) -> None:
        super().__init__(7, seed, variation, size, hidden=False)
        self._owner = Actor(seed, variation=variation + 1, size=size)
        self._way: Callable[[float, str | None], bool] = (self._idle, self._early, self._flashes)[variation % 3]
        self._until = float(self.draw.uniform(1.5, 4.0))
        self._start: float | None = None
        self._again = 0.0
        self._shown = 0
        self.detail = ("cut-in between", "cut-in before", "cut-in now and then")[variation % 3]

    def frame(self, t: float, prompt: str | None = None) -> Picture:
        self._start = t if self._start is None else self._start
        # Both move on, one is drawn.
        owner, own = self._owner.act(t), self.self_.act(t, prompt)
        return self._owner.shot(owner) if self._way(t, prompt) else self.self_.shot(own)

    def _idle(self, _t: float, prompt: str | None) -> bool:
        return prompt not in (TURN_LEFT, TURN_RIGHT, BLINK)

    def _early(self, t: float, _prompt: str | None) -> bool:
        assert self._start is not None
        return t - self._start < self._until

    def _flashes(self, t: float, _prompt: str | None) -> bool:
        if t >= self._again:
            self._again = t + float(self.draw.uniform(0.4, 1.0))
            self._shown = int(self.draw.integers(2, 5))
        self._shown -= 1
        return self._shown >= 0
