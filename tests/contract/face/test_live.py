"""Simulated camera and face process together: a moving person, as the simulated kiosk sees one."""

from __future__ import annotations

import pytest

from devices.blob import Blob
from devices.errors import DeviceFault
from devices.face.verifier import SupervisedFaceVerifier
from devices.ports import FaceBand, FaceDecided, FaceEvent, FaceFailed, FaceGuidance, FacePresence
from devices.simulated.camera import SimulatedCamera
from devices.simulated.faces import FAR_SEEDS, card_photo
from tests.contract.face.booth import Listener


def test_a_moving_person_is_accepted_a_stranger_is_not_and_a_lost_camera_is_named() -> None:
    camera = SimulatedCamera(FAR_SEEDS["elder"])
    verifier = SupervisedFaceVerifier(camera, {"frames": 6})
    heard = Listener()
    camera.start()
    verifier.start(heard)
    with Blob.of(card_photo(FAR_SEEDS["elder"])) as photo:
        verifier.begin(1, photo)
        assert heard.end(1) == FaceDecided(1, FaceBand.ACCEPT, frames=3)
        camera.show(FAR_SEEDS["someone_else"])
        verifier.begin(2, photo)
        end = heard.end(2)
        assert isinstance(end, FaceDecided)
        assert end.band is FaceBand.REJECT
        camera.set_condition("lost")
        verifier.begin(3, photo)
        assert heard.end(3) == FaceFailed(3, DeviceFault.CAMERA_LOST)
    verifier.stop()
    camera.stop()


@pytest.mark.parametrize("persona", ["employee", "unregistered"])
def test_a_person_who_just_sits_down_is_guided_or_good_but_never_two(persona: str) -> None:
    camera = SimulatedCamera(FAR_SEEDS[persona])
    verifier = SupervisedFaceVerifier(camera, {})
    heard = Listener()
    camera.start()
    verifier.start(heard)
    with Blob.of(card_photo(FAR_SEEDS[persona])) as photo:
        verifier.begin(1, photo)
        assert heard.end(1) == FaceDecided(1, FaceBand.ACCEPT, frames=3)
    assert "several_faces" not in heard.hints
    verifier.stop()
    camera.stop()


def test_asked_to_move_a_person_does_and_is_accepted_a_photo_of_the_same_face_is_not() -> None:
    camera = SimulatedCamera(FAR_SEEDS["employee"], {"calm": True})
    verifier = SupervisedFaceVerifier(camera, {"liveness": "challenge"})
    heard = Listener()
    asked: set[str] = set()

    def hear(event: FaceEvent) -> None:
        if isinstance(event, FaceGuidance):
            camera.ask(event.hint)
            asked.add(event.hint)
        heard(event)

    camera.start()
    verifier.start(hear)
    with Blob.of(card_photo(FAR_SEEDS["employee"])) as photo:
        verifier.begin(1, photo)
        end = heard.end(1)
        assert isinstance(end, FaceDecided)
        assert (end.band, end.presence) == (FaceBand.ACCEPT, FacePresence.LIVE)
        assert len(asked & {"turn_left", "turn_right", "blink"}) >= 2
        camera.ask(None)
        camera.set_condition("photo")
        verifier.begin(2, photo)
        end = heard.end(2)
        assert isinstance(end, FaceDecided)
        assert end.band is not FaceBand.ACCEPT
        assert end.presence is not FacePresence.LIVE
    verifier.stop()
    camera.stop()
