"""`kiosk bench people`: are drawn people good enough to test a face check with?

Found by the detector while they turn, the same person to the engine on another day, another person than everybody
else, and so like themselves on paper and on a screen that the comparison alone lets a simulated attack pass. Sheets of
pictures are written for the eye. The engine, its thresholds and its detector are those of the kiosk; the drawings
know nothing of them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from devices.face.models import Descriptor
from devices.face.template import Engine, Enrolled, load_engine
from devices.ports import FaceBand
from devices.simulated.people import TURN_LEFT, TURN_RIGHT, Act, Actor, Attack, attacker, card_photo, sheet
from kiosk.cli.report import verdict

YAWS = tuple(range(-25, 26, 5))
_FOUND = 0.98
_GENUINE = 0.95  # accepted on another day, up to ten years later
_SHOWN = 0.8  # of attacks pass the comparison, else they would prove nothing; some owners are hard to find, too
_MS = 25.0
_MOMENTS = (0.0, 0.5, 1.0)
_ASKED = (None, TURN_LEFT, TURN_RIGHT)  # what is asked while pictures are timed, a second each


def run(persons: int, attacks: int, out: Path | None, json_path: Path | None) -> int:
    """`attacks` of each kind, 0 for none; `out`: where sheets of pictures go."""
    engine = load_engine({})
    frames = engine.thresholds.frames
    cards, live, found, times = [], [], dict.fromkeys(YAWS, 0), []
    lost = 0
    for seed in range(1, persons + 1):
        actor = Actor(seed, variation=1)
        for yaw in YAWS:
            found[yaw] += len(engine.find(actor.shot(Act(yaw=yaw)))) == 1
        seen = _described(engine, actor.frame, card := engine.enrol(card_photo(seed)))
        if seed <= 10:
            times += _times(Actor(seed))
        if len(seen) < frames:
            lost += 1
            continue
        cards.append(card)
        live.append(seen)
    table = np.array([[engine.distance(card, seen[:frames]) for seen in live] for card in cards])
    genuine = np.diag(table)
    impostor = table[~np.eye(len(table), dtype=bool)]
    passed = float(np.mean(genuine <= engine.thresholds.accept))
    turned = {yaw: count / persons for yaw, count in found.items()}
    everywhere = sum(turned.values()) / len(turned)
    ms = statistics.median(times)
    print(f"found, yaw {YAWS[0]} to {YAWS[-1]}: {everywhere:.3f}, worst {min(turned.values()):.3f}; none: {lost}")
    print(f"genuine: mean {genuine.mean():.3f}, 95 % below {np.percentile(genuine, 95):.3f}, accepted {passed:.3f}")
    print(f"impostor: mean {impostor.mean():.3f}, 1 % below {np.percentile(impostor, 1):.3f}")
    print(f"one picture of 640 x 480: {ms:.1f} ms of processor time (median of {len(times)})")
    shown = {kind.value: _shown(engine, kind, attacks) for kind in Attack if attacks > 0}
    for kind, (share, distance) in shown.items():
        print(f"{kind}: {share:.3f} pass the comparison, median distance {distance:.3f}")
    for path in sheet.write(out) if out is not None else ():
        print(path)
    weak = [kind for kind, (share, _) in shown.items() if share < _SHOWN]
    ok = everywhere >= _FOUND and passed >= _GENUINE and ms <= _MS and not weak
    data: dict[str, Any] = {
        "persons": persons,
        "found": turned,
        "genuine": _spread(genuine),
        "genuine_accepted": passed,
        "impostor": _spread(impostor),
        "impostor_pairs": len(impostor),
        "impostor_accepted": float(np.mean(impostor <= engine.thresholds.accept)),
        "ms": ms,
        "attacks": {kind: {"pass": share, "median": distance} for kind, (share, distance) in shown.items()},
        "attacks_each": attacks,
    }
    line = (
        f"drawn people: {everywhere:.1%} found over yaw, {passed:.1%} accepted as themselves, {ms:.1f} ms a picture, "
        f"attacks that the comparison refuses too often: {', '.join(weak) or 'none'}"
    )
    return verdict(line, ok, json_path, data)


def _described(
    engine: Engine, film: Callable[[float], NDArray[np.uint8]], card: Enrolled, moments: tuple[float, ...] = _MOMENTS
) -> list[Descriptor]:
    """Descriptors of a few pictures; fewer when no face was found."""
    described = []
    for at in moments:
        image = film(at)
        faces = engine.find(image)
        if faces:
            described.append(engine.describe(image, faces[0], card))
    return described


def _times(actor: Actor) -> list[float]:
    """Processor time of each picture of three seconds, in ms."""
    taken = []
    for i in range(60):
        begun = time.process_time()
        actor.frame(i / 20, _ASKED[i // 20])
        taken.append((time.process_time() - begun) * 1000)
    return taken


def _shown(engine: Engine, kind: Attack, count: int) -> tuple[float, float]:
    """Share of attacks whose best moments the comparison alone accepts, and the median distance."""
    distances, accepted = [], 0
    for number in range(count):
        seed = 1000 + number
        card = engine.enrol(card_photo(seed))
        film = attacker(kind, seed, number)
        seen = _described(engine, film.frame, card, tuple(i / 6 for i in range(8)))
        # Whoever attacks waits for the pictures that fit.
        seen.sort(key=lambda one: engine.distance(card, [one]))
        frames = engine.thresholds.frames
        if len(seen) < frames:
            continue
        distance = engine.distance(card, seen[:frames])
        distances.append(distance)
        accepted += engine.thresholds.band(distance) is FaceBand.ACCEPT
    return accepted / count, statistics.median(distances) if distances else float("nan")


def _spread(values: NDArray[np.float64]) -> dict[str, float]:
    return {
        "mean": float(values.mean()),
        **{f"p{share}": float(np.percentile(values, share)) for share in (1, 5, 50, 95, 99)},
    }
