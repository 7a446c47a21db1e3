"""What waits for a page, and what a frame looks like on the wire."""

import json

import pytest

from spaces_bridge.web.feed.outgoing import QUEUE_BYTES, QUEUE_MAX, Outgoing, encode

pytestmark = pytest.mark.unit


async def test_fading_frames_give_way_to_those_that_matter() -> None:
    outgoing = Outgoing()
    for number in range(QUEUE_MAX):
        outgoing.put(b"level %d" % number, fades=True)
    outgoing.put(b"caption")
    sent = [await outgoing.next() for _ in range(QUEUE_MAX)]
    assert sent == [b"level %d" % n for n in range(1, QUEUE_MAX)] + [b"caption"]
    assert outgoing.closing is None


async def test_a_queue_full_of_what_matters_ends_the_connection() -> None:
    outgoing = Outgoing()
    for number in range(QUEUE_MAX + 1):
        outgoing.put(b"caption %d" % number)
    assert await outgoing.next() is None
    assert outgoing.closing == (4408, "too slow")


async def test_a_queue_is_full_by_its_bytes_too() -> None:
    large = bytes(QUEUE_BYTES // 2)
    outgoing = Outgoing()
    for _ in range(10):  # a page that takes what waits may have as many as there are
        outgoing.put(large)
        outgoing.put(large)
        assert [await outgoing.next(), await outgoing.next()] == [large, large]
    outgoing.put(b"level", fades=True)
    outgoing.put(large)
    outgoing.put(large)
    outgoing.put(b"caption")  # the level went for it, and is not enough
    assert outgoing.closing is None
    outgoing.put(b"one more")
    assert outgoing.closing == (4408, "too slow")


async def test_nothing_overtakes_what_waits() -> None:
    sent: list[bytes] = []
    fits = True

    def at_once(frame: bytes) -> bool:
        if fits:
            sent.append(frame)
        return fits

    outgoing = Outgoing(at_once)
    outgoing.put(b"1")
    fits = False
    outgoing.put(b"2")
    fits = True
    outgoing.put(b"3")
    assert sent == [b"1"]
    assert [await outgoing.next(), await outgoing.next()] == [b"2", b"3"]
    outgoing.put(b"4")
    assert sent == [b"1", b"4"]
    outgoing.close(4403, "removed")
    outgoing.put(b"5")
    assert sent == [b"1", b"4"]
    assert await outgoing.next() is None


@pytest.mark.parametrize(
    ("letters", "head"),
    [
        (0, b"\x81\x0b"),
        (114, b"\x81\x7d"),
        (115, b"\x81\x7e\x00\x7e"),
        (65_524, b"\x81\x7e\xff\xff"),
        (65_525, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_a_frame_is_one_text_message(letters: int, head: bytes) -> None:
    frame = {"text": "x" * letters}
    message = encode(frame)
    assert message.startswith(head)
    assert json.loads(message[len(head) :]) == frame


def test_what_is_no_text_is_not_sent() -> None:
    assert json.loads(encode({"text": "a\ud800é"})[2:]) == {"text": "a?é"}
