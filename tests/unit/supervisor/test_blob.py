"""Shared memory: who wipes it wipes it for everybody, and nobody can pull it away."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.blob import Blob


def content(blob: Blob) -> bytes:
    with blob.secret() as secret:
        return bytes(secret.view())


@given(st.binary(max_size=5000))
def test_what_is_put_in_comes_out(data: bytes) -> None:
    for form in (data, bytearray(data), memoryview(data)):
        with Blob.of(form) as blob:
            assert len(blob) == len(data)
            assert content(blob) == data


def test_wiping_one_owner_empties_all() -> None:
    blob = Blob.of(b"personal")
    other = blob.duplicate()
    blob.wipe()
    blob.wipe()
    assert blob.closed
    assert content(other) == bytes(8)
    other.close()


def test_closing_one_owner_leaves_the_other() -> None:
    blob = Blob.of(b"personal")
    other = blob.duplicate()
    blob.close()
    blob.close()
    assert content(other) == b"personal"
    other.wipe()


def test_closed_blob_is_of_no_use() -> None:
    blob = Blob.of(b"personal")
    blob.wipe()
    for use in (lambda: blob.fd, lambda: len(blob), blob.map, blob.secret, blob.duplicate):
        with pytest.raises(ValueError, match="closed"):
            use()


def test_map_is_the_memory_itself() -> None:
    with Blob.empty(4) as blob:
        with blob.map() as area:
            area[:] = b"1234"
        assert content(blob) == b"1234"


def test_size_cannot_change() -> None:
    with Blob.of(b"personal") as blob:
        assert blob.sealed
        for size in (0, 4, 4096):
            with pytest.raises(PermissionError):
                os.ftruncate(blob.fd, size)


def test_other_descriptors_are_not_sealed(tmp_path_factory: pytest.TempPathFactory) -> None:
    fd = os.open(tmp_path_factory.mktemp("blob") / "file", os.O_RDWR | os.O_CREAT)
    with Blob(fd) as file:
        assert not file.sealed
    with Blob(os.memfd_create("plain")) as plain:
        assert not plain.sealed


def test_text_of_it_says_nothing() -> None:
    with Blob.of(b"personal") as blob:
        assert repr(blob) == "Blob(****)"
