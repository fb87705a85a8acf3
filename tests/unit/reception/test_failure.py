"""The table of failures is complete, and the page of each offers what the table promises."""

from __future__ import annotations

import re

import pytest

from kiosk.reception import states as s
from kiosk.reception.failure import TABLE, FailureCode, text_key
from kiosk.reception.view import Page, ProblemPanel, view
from tests.helpers.journey import Journey, ready
from tests.helpers.samples import confirming, read


def offered(at: Journey) -> list[str]:
    return [action.name for action in view(at.kiosk, at.policy).actions]


def test_the_table_knows_every_code() -> None:
    assert set(TABLE) == set(FailureCode)


def test_codes_are_short_and_used_once() -> None:
    assert all(re.fullmatch(r"[A-Z]-\d{3}", code.value) for code in FailureCode)
    assert len({code.value for code in FailureCode}) == len(FailureCode.__members__)


@pytest.mark.parametrize("code", FailureCode)
def test_the_page_says_what_to_do_and_how_to_leave(code: FailureCode) -> None:
    at = ready().card_put().fails(code, "E-7")
    page = view(at.kiosk, at.policy)
    practice = code is FailureCode.PRACTICE_ONLY
    assert page.page is (Page.PRACTICE_MACHINE if practice else Page.PROBLEM)
    assert [line.key for line in page.lead] == [f"{text_key(code)}.do", f"{text_key(code)}.other"]
    assert page.panel == ProblemPanel(code, "E-7")
    assert offered(at) == (["try_again", "cancel"] if TABLE[code].recoverable else ["cancel"])


@pytest.mark.parametrize("code", FailureCode)
def test_a_failure_after_the_card_was_read_leaves_the_methods(code: FailureCode) -> None:
    at = read().choose("staff").staff().fails(code)
    left = offered(at)[:-1]
    if not TABLE[code].recoverable:
        assert left == []
    else:
        assert left[-1] == "staff"
        at.choose("staff").at(s.StaffConfirming)


@pytest.mark.parametrize("code", FailureCode)
def test_the_gateways_failure_leaves_a_way_out(code: FailureCode) -> None:
    left = offered(confirming().fails(code))
    assert left[-1] == "cancel"
    assert len(left) > 1 or not TABLE[code].recoverable
