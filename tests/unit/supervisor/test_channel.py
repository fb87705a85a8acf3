"""Messages between processes: what goes in comes out, and nothing else comes in."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.blob import Blob
from devices.supervisor import BadMessage, Channel, ChannelClosed, blobs_of
from tests.helpers.child_services import TO_CHILD, Colour, Crash, Everything, Inner, Parcel

Pair = tuple[Channel, Channel]


def make() -> Pair:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    return Channel(ours, TO_CHILD), Channel(theirs, TO_CHILD)


@pytest.fixture
def pair() -> Iterator[Pair]:
    first, second = make()
    yield first, second
    first.close()
    second.close()


@pytest.fixture
def raw() -> Iterator[tuple[socket.socket, Channel]]:
    """Somebody who does not keep to the protocol, and the channel that has to bear it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    channel = Channel(theirs, TO_CHILD)
    with ours:
        yield ours, channel
    channel.close()


inners = st.builds(Inner, st.integers())
messages = st.builds(
    Everything,
    text=st.text(),
    number=st.integers(),
    ratio=st.floats(allow_nan=False, allow_infinity=False),
    flag=st.booleans(),
    maybe=st.none() | st.integers(),
    colour=st.sampled_from(Colour),
    inner=inners,
    row=st.lists(inners, max_size=3).map(tuple),
    table=st.dictionaries(st.text(), st.integers() | st.text(), max_size=3),
)


@given(st.lists(messages, max_size=4))
def test_messages_arrive_as_they_were_sent(sent: list[Everything]) -> None:
    first, second = make()
    for message in sent:
        first.send(message)
    assert [second.receive() for _ in sent] == sent
    first.close()
    second.close()


def test_blobs_are_handed_over(pair: Pair) -> None:
    first, second = pair
    parcel = Parcel(Blob.of(b"photo"), Blob.of(b"evidence"))
    first.send(parcel)
    assert parcel.first.closed
    assert parcel.second.closed
    arrived = second.receive()
    assert not os.get_inheritable(arrived.first.fd)
    for blob, content in ((arrived.first, b"photo"), (arrived.second, b"evidence")):
        with blob, blob.secret() as secret:
            assert bytes(secret.view()) == content


def test_blobs_of_a_message() -> None:
    with Blob.of(b"1") as first, Blob.of(b"2") as second:
        assert blobs_of(Parcel(first, second)) == [first, second]
    assert blobs_of(Everything()) == []


def test_waiting_ends(pair: Pair) -> None:
    first, second = pair
    assert second.receive(timeout=0.01) is None
    first.send(Everything("late"))
    assert second.receive(timeout=20) == Everything("late")


def test_other_end_gone(pair: Pair) -> None:
    first, second = pair
    first.close()
    for timeout in (None, 1.0):
        with pytest.raises(ChannelClosed):
            second.receive(timeout)
    parcel = Parcel(Blob.of(b"1"), Blob.of(b"2"))
    with pytest.raises(ChannelClosed):
        second.send(parcel)
    assert parcel.first.closed  # given away in either case


def test_closed_here(pair: Pair) -> None:
    first, _ = pair
    first.close()
    first.close()
    for call in (first.receive, lambda: first.receive(timeout=0), lambda: first.send(Everything())):
        with pytest.raises(ChannelClosed):
            call()


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object()])
def test_only_plain_values_are_sent(pair: Pair, value: object) -> None:
    with pytest.raises(TypeError, match="cannot carry"):
        pair[0].send(Everything(table={"key": value}))


def frame(text: bytes, descriptors: int = 0) -> bytes:
    return struct.pack("!II", len(text), descriptors) + text


@pytest.mark.parametrize(
    "text",
    [
        b"", b"nonsense", b"\xff", b"[]", b"3", b'["Everything"]', b'["Everything", 3]', b'["Everything", null]',
        b'["Unknown", {}]', b'[["Everything"], {}]', b'[{}, {}]', b'["Crash", {}]', b'["Crash", {"how": 3}]',
        b'["Crash", {"how": "raise", "more": 1}]', b'["Everything", {"number": true}]',
        b'["Everything", {"flag": 1}]', b'["Everything", {"colour": "green"}]', b'["Everything", {"row": 3}]',
        b'["Everything", {"inner": {"number": "1"}}]', b'["Everything", {"maybe": "x"}]',
        b'["Everything", {"table": 3}]', b'["Parcel", {"first": 0, "second": 1}]', b"[" * 100_000,
        b'["Crash", ' + b'{"how":' * 30_000,
    ],
)  # fmt: skip
def test_text_that_is_not_a_message(raw: tuple[socket.socket, Channel], text: bytes) -> None:
    sock, channel = raw
    sock.sendall(frame(text))
    with pytest.raises(BadMessage) as caught:
        channel.receive()
    assert "raise" not in str(caught.value)


def test_length_out_of_bounds(raw: tuple[socket.socket, Channel]) -> None:
    sock, channel = raw
    sock.sendall(struct.pack("!II", 1 << 21, 0))
    with pytest.raises(BadMessage):
        channel.receive()


@given(st.binary(min_size=1, max_size=80))
def test_any_bytes_give_a_typed_error_or_a_message(data: bytes) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    channel = Channel(theirs, TO_CHILD)
    with ours:
        ours.sendall(data)
        ours.shutdown(socket.SHUT_WR)
        with pytest.raises((BadMessage, ChannelClosed)):
            channel.receive()
    channel.close()


def _plain() -> int:
    return os.memfd_create("plain")


def _sealed() -> int:
    blob = Blob.of(b"1")
    fd = os.dup(blob.fd)
    blob.close()
    return fd


@pytest.mark.parametrize(
    ("makers", "fields"),
    [
        ([_plain, _plain], {"first": 0, "second": 1}),  # could shrink under the reader
        ([_sealed, _sealed], {"first": 0, "second": 0}),  # one given twice, one lost
        ([_sealed, _sealed], {"first": 0, "second": 2}),
        ([_sealed, _sealed], {"first": 0, "second": -1}),
        ([_sealed, _sealed], {"first": 0, "second": True}),
        ([_sealed, _sealed], {"first": 0}),
        ([_sealed], {"first": 0, "second": 1}),
    ],
)
def test_descriptors_that_do_not_fit(
    raw: tuple[socket.socket, Channel], makers: list[Callable[[], int]], fields: dict[str, object]
) -> None:
    sock, channel = raw
    fds = [make() for make in makers]
    before = len(os.listdir("/proc/self/fd"))
    text = json.dumps(["Parcel", fields]).encode()
    socket.send_fds(sock, [struct.pack("!II", len(text), len(fds))], fds)
    sock.sendall(text)
    with pytest.raises(BadMessage):
        channel.receive()
    assert len(os.listdir("/proc/self/fd")) == before  # none was left open
    for fd in fds:
        os.close(fd)


def test_message_in_pieces(raw: tuple[socket.socket, Channel]) -> None:
    import threading

    sock, channel = raw

    def trickle() -> None:
        for byte in frame(json.dumps(["Crash", {"how": "slow"}]).encode()):
            sock.sendall(bytes([byte]))

    thread = threading.Thread(target=trickle)
    thread.start()
    assert channel.receive() == Crash("slow")
    thread.join()
