"""Bytes that can be overwritten, and that do not leave by accident."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.secret import SecretBytes, Wiped


def typed(text: bytes, capacity: int) -> SecretBytes:
    secret = SecretBytes(capacity=capacity)
    for byte in text:
        secret.append(byte)
    return secret


def test_typing_and_deleting() -> None:
    secret = typed(b"12345", 4)
    assert bytes(secret.view()) == b"1234"
    assert not secret.append(0x35)
    assert secret.pop()
    assert (len(secret), bytes(secret.view())) == (3, b"123")
    secret.clear()
    assert len(secret) == 0
    assert not secret.pop()
    assert secret.append(0x39)
    assert bytes(secret.view()) == b"9"


def test_not_wiped_before() -> None:
    assert not SecretBytes(b"1234").wiped


def test_deleted_byte_is_overwritten() -> None:
    buffer = bytearray(b"1234")
    secret = SecretBytes.adopt(buffer)
    secret.pop()
    assert buffer == b"123\0"
    secret.clear()
    assert buffer == bytes(4)


def test_capacity_is_at_least_the_content() -> None:
    assert bytes(SecretBytes(b"123456", capacity=2).view()) == b"123456"
    assert not SecretBytes().append(1)


def test_view_is_read_only_and_follows_the_memory() -> None:
    secret = SecretBytes(b"1234")
    view = secret.view()
    with pytest.raises(TypeError):
        view[0] = 0
    secret.wipe()
    assert bytes(view) == bytes(4)


def test_nothing_but_wiping_after_wiping() -> None:
    secret = SecretBytes(b"1234")
    secret.wipe()
    secret.wipe()
    assert secret.wiped
    assert len(secret) == 0
    for use in (secret.view, secret.clear, secret.pop, lambda: secret.append(1), lambda: secret.matches(b"")):
        with pytest.raises(Wiped):
            use()


def test_with_wipes_also_after_an_error() -> None:
    buffer = bytearray(b"1234")
    with pytest.raises(ZeroDivisionError), SecretBytes.adopt(buffer):
        _ = 1 / len(b"")
    assert buffer == bytes(4)


def test_matches() -> None:
    secret = SecretBytes(b"1234", capacity=8)
    assert secret.matches(b"1234")
    assert secret.matches(bytearray(b"1234"))
    assert not secret.matches(memoryview(b"1235"))
    assert not secret.matches(b"12340000")


@given(st.binary(min_size=1, max_size=64))
def test_text_of_it_says_nothing(data: bytes) -> None:
    secret = SecretBytes(data)
    assert repr(secret) == str(secret) == f"{secret}" == "SecretBytes(****)"


@pytest.mark.parametrize("leave", [pickle.dumps, copy.copy, copy.deepcopy])
def test_no_copy_leaves(leave: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="never pickled or copied"):
        leave(SecretBytes(b"1234"))


def test_holds_nothing_but_its_buffer() -> None:
    with pytest.raises(AttributeError):
        setattr(SecretBytes(b"1"), "no" + "te", "1234")
