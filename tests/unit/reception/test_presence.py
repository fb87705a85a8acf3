"""The challenge to a picture of a face: failed or left, it is not drawn again in the same reception."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kiosk.reception import commands as c
from kiosk.reception import states as s
from kiosk.reception.failure import FailureCode
from kiosk.reception.machine import methods
from kiosk.reception.view import LookPanel, view
from tests.helpers.journey import Journey
from tests.helpers.samples import face

OTHERS = (s.Method.PIN, s.Method.STAFF)


def ways(at: Journey) -> tuple[s.Method, ...]:
    visit = s.visit_of(at.kiosk.state)
    assert visit is not None
    return methods(visit, at.kiosk.health, at.policy)


def challenged() -> Journey:
    return face().hint("closer").hint("turn_left")


def test_a_picture_ends_the_face_check_and_tells_the_counter() -> None:
    at = face().not_present().at(s.Problem, failure=FailureCode.PRESENCE_NOT_SHOWN).did(c.CallCounter)
    assert ways(at) == OTHERS
    assert c.CallCounter("presence") in at.seen
    names = [action.name for action in view(at.kiosk, at.policy).actions]
    assert names[:2] == ["pin", "staff"]
    assert "face" not in names
    assert "try_again" not in names


def test_the_page_asks_and_offers_another_way() -> None:
    at = challenged()
    shown = view(at.kiosk, at.policy)
    assert shown.panel == LookPanel("turn_left", 1, 3, challenged=True)
    assert shown.back is not None
    assert shown.back.text.key == "action.cannot_move"
    assert shown.lead[0].key == "page.look_here.lead_challenge"
    straight = at.hint("look_straight")
    assert view(straight.kiosk, straight.policy).panel == LookPanel("look_straight", 1, 3, challenged=True)


def test_each_prompt_is_heard_once() -> None:
    at = challenged().hint("turn_left").hint("look_straight").hint("blink")
    assert at.all_seen.count(c.Play(c.Sound.PROMPT)) == 3
    assert c.Play(c.Sound.PROMPT) not in face().hint("closer").hint("look_straight").all_seen


def test_an_answered_challenge_matches_like_any_face() -> None:
    challenged().matched().at(s.Confirming)


def test_another_face_after_an_answered_challenge_may_try_again() -> None:
    challenged().missed().at(s.FaceRetry)


@pytest.mark.parametrize(
    "leave",
    [
        lambda at: at.other_method(),
        lambda at: at.time_over(),
        lambda at: at.camera(False).camera(True),
        lambda at: at.fails(FailureCode.CAMERA_LOST),
        lambda at: at.card_taken().card_put().certificate(),
    ],
    ids=["other method", "deadline", "camera", "job", "card"],
)
def test_whoever_leaves_a_challenge_leaves_the_face_check(leave: Callable[[Journey], Journey]) -> None:
    assert ways(leave(challenged())) == OTHERS
    assert ways(leave(face().hint("closer"))) == (s.Method.FACE, *OTHERS)


def test_the_choice_says_that_the_face_check_is_over() -> None:
    at = challenged().other_method()
    notice = view(at.kiosk, at.policy).notice
    assert notice is not None
    assert notice.key == "notice.face_refused"
