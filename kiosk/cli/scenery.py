"""The fictional world: the cards, what the gateway knows of their holders, who is who before the camera."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from devices.simulated.camera import own_card_photo
from devices.simulated.faces import card_photo
from devices.simulated.personas import Persona
from devices.simulated.world import World, load_personas, personas_folder
from kiosk.cli.gateway_world import gateway_world
from kiosk.eligibility.model import GatewayWorld
from kiosk.qualification import JST

# A world is built anew when its people change, and before its certificates are much nearer to their end.
_WORLD_DAYS = 30
_INSTITUTION = "9910000001"  # replaced by the configured one when the gateway starts

Say = Callable[[str], None]


FACE_DOWN, WORN = "face_down", "worn"  # of `devices.simulated.personas.LAID`


@dataclass(frozen=True, slots=True)
class Scenery:
    """Everything fictional: the cards, what the gateway knows, who is who.

    `laid`: persona -> what is the matter with the printed card when it is laid down, where something is.
    """

    world: World
    gateway: GatewayWorld
    faces: dict[str, int]  # persona -> seed before the camera
    laid: dict[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        gateway = json.loads(self.gateway.to_bytes())
        world = json.loads(self.world.to_bytes())
        return json.dumps({"world": world, "gateway": gateway, "faces": self.faces, "laid": self.laid}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Scenery:
        """Raises ValueError."""
        value = json.loads(data)
        return cls(
            World.from_bytes(json.dumps(value["world"]).encode()),
            GatewayWorld.parse(json.dumps(value["gateway"]).encode()),
            {str(name): int(seed) for name, seed in value["faces"].items()},
            {str(name): str(laid) for name, laid in value.get("laid", {}).items()},
        )


def scenery(folder: Path, say: Say, only: Collection[str] = ()) -> Scenery:
    """The world of assets/personas. Keys, cards and photos are kept in `folder` until the personas change; what the
    gateway knows is told anew, because its prescriptions and 医療券 are of these days.

    `only`: nobody else is needed. The first time only they are made; everybody is made for whoever needs more.
    """
    everybody = load_personas(personas_folder())
    needed = {persona.id for persona in everybody if not only or persona.id in only}
    needed |= {persona.copy_of for persona in everybody if persona.id in needed and persona.copy_of}
    few = tuple(persona for persona in everybody if persona.id in needed)
    if os.environ.get("FACES"):
        # Portraits of somebody's own are personal: such a world is never kept.
        return build(few, say)
    stamp = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(personas_folder().glob("*.toml")))).hexdigest()
    kept = folder / "world.json"
    if kept.is_file():
        try:
            value = json.loads(kept.read_bytes())
            if value.get("stamp") == stamp:
                world = World.from_bytes(json.dumps(value["world"]).encode())
                if world.built > datetime.now(JST).date() - timedelta(days=_WORLD_DAYS):
                    if needed <= world.cards.keys():
                        return _around(world, everybody)
                    few = everybody
        except (ValueError, KeyError, TypeError):
            say("the simulated world is damaged and built again")
    made = build(few, say)
    folder.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps({"stamp": stamp, "world": json.loads(made.world.to_bytes())}), encoding="utf-8")
    return made


def build(personas: tuple[Persona, ...], say: Say) -> Scenery:
    say(f"building the simulated world: keys, cards and photos of {len(personas)} fictional people")
    return _around(World.build(personas, _photo), personas)


def _around(world: World, personas: tuple[Persona, ...]) -> Scenery:
    gateway = gateway_world(world, personas, _INSTITUTION)
    laid = {persona.id: persona.laid for persona in personas if persona.laid}
    return Scenery(world, gateway, {persona.id: persona.face for persona in personas}, laid)


def _photo(persona: Persona) -> bytes:
    """Drawn, or from a portrait of one's own (FACES=DIR, named by persona or seed)."""
    folder = os.environ.get("FACES")
    own = own_card_photo(Path(folder), persona.photo_face) if folder else None
    return own if own is not None else card_photo(persona.photo_face)
