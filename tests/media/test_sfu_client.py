"""Parts of the SFU client that need no room: its messages, bounds, and what it keeps to itself."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit import rtc
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.sfu_client import limits, messages
from spaces_bridge.media.sfu_client.client import SfuClient
from spaces_bridge.media.sfu_client.codec import CODEC
from spaces_bridge.media.sfu_client.room import SfuRoom
from spaces_bridge.media.sfu_client.secrecy import WithoutTokens, reason_of
from spaces_bridge.media.sfu_client.snapshots import participants
from spaces_bridge.wire.messages import BadMessage
from tests.support.stage import until

pytestmark = pytest.mark.unit

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib3QifQ.c2lnbmF0dXJl"
TEXT = st.text(max_size=20)
SPACE = TEXT.map(SpaceId)
NUMBER = st.integers(0, 1 << 40)
TEXTS = st.dictionaries(TEXT, TEXT)
TRACK = st.builds(messages.SfuTrack, TEXT, TEXT, st.booleans())
PERSON = st.builds(
    messages.SfuParticipant, TEXT, TEXT, TEXTS, st.booleans(), st.lists(TRACK).map(tuple)
)
OF_ROOM = (SPACE, TEXT, NUMBER)
MESSAGES: st.SearchStrategy[messages.SfuMessage] = st.one_of(
    st.builds(
        messages.JoinSfuRoom,
        space=SPACE,
        name=TEXT,
        attempt=NUMBER,
        url=TEXT,
        token=TEXT,
        publishes=st.booleans(),
        reports=st.booleans(),
    ),
    st.builds(messages.LeaveSfuRoom, SPACE, TEXT),
    st.builds(messages.TakeSfuTracks, SPACE, TEXT, st.dictionaries(TEXT, TEXT.map(UserId))),
    st.builds(messages.SendSfuText, SPACE, TEXT, TEXT, TEXT, TEXTS, TEXT),
    st.builds(messages.SfuPing, NUMBER),
    st.builds(messages.SfuClientReady, NUMBER),
    st.builds(messages.SfuRoomJoined, *OF_ROOM),
    st.builds(messages.SfuParticipants, *OF_ROOM, st.lists(PERSON, max_size=3).map(tuple)),
    st.builds(messages.SfuTracksTaken, *OF_ROOM, st.lists(TEXT).map(tuple)),
    st.builds(messages.SfuRoomLost, *OF_ROOM, TEXT),
    st.builds(messages.SfuStats, st.dictionaries(TEXT, st.floats(allow_nan=False))),
    st.builds(messages.SfuPong, NUMBER),
)


@given(MESSAGES)
def test_messages_arrive_as_they_were_sent(sent: messages.SfuMessage) -> None:
    assert CODEC.decode(CODEC.encode(sent)[4:]) == sent


def test_a_message_with_a_field_too_few_is_refused() -> None:
    with pytest.raises(BadMessage):
        CODEC.decode(b'\0\0\0\x15{"kind": "RoomLost" }')


def test_a_token_shows_neither_in_a_message_nor_in_a_reason_nor_in_a_log() -> None:
    join = messages.JoinSfuRoom(
        SpaceId("s"), "home", 1, "ws://sfu", TOKEN, publishes=True, reports=True
    )
    assert TOKEN.encode() in CODEC.encode(join)
    assert TOKEN not in repr(join)
    said = f"GET ws://sfu/rtc?access_token={TOKEN}&auto_subscribe=0 failed\n{TOKEN} " + "x" * 500
    reason = reason_of(rtc.ConnectError(said))
    assert reason.startswith("GET ws://sfu/rtc?<token>&auto_subscribe=0 failed <token> xxx")
    assert len(reason) == limits.LONGEST_REASON
    problem = ValueError(said)
    why = (ValueError, problem, None)
    record = logging.LogRecord("livekit", logging.ERROR, "", 0, "event %s", (said,), why)
    assert WithoutTokens().filter(record)
    shown = logging.Formatter().format(record)
    assert "ValueError: GET ws://sfu/rtc?<token>" in shown
    assert "eyJ" not in shown


def test_a_reason_is_never_empty() -> None:
    assert reason_of(TimeoutError()) == "TimeoutError"


def track(
    sid: str = "TR_1",
    name: str = "microphone",
    *,
    kind: rtc.TrackKind.ValueType = rtc.TrackKind.KIND_AUDIO,
    source: rtc.TrackSource.ValueType = rtc.TrackSource.SOURCE_MICROPHONE,
) -> SimpleNamespace:
    return SimpleNamespace(sid=sid, name=name, kind=kind, source=source, muted=False)


def person(
    identity: str,
    *tracks: SimpleNamespace,
    may_publish: bool = False,
    attributes: Mapping[str, str] | None = None,
) -> rtc.Participant:
    """A participant as the SDK shows one, who may have come with anything."""
    seen: Any = SimpleNamespace(
        identity=identity,
        sid="PA_1",
        attributes=attributes or {},
        permissions=SimpleNamespace(can_publish=may_publish),
        track_publications={each.sid: each for each in tracks},
    )
    return cast("rtc.Participant", seen)


def test_only_microphones_are_told_of() -> None:
    camera = track("TR_2", kind=rtc.TrackKind.KIND_VIDEO, source=rtc.TrackSource.SOURCE_CAMERA)
    screen = track("TR_3", source=rtc.TrackSource.SOURCE_SCREENSHARE_AUDIO)
    (seen,) = participants([person("ada", camera, track(), screen)])
    assert seen.tracks == (messages.SfuTrack("TR_1", "microphone", False),)


def test_what_a_participant_comes_with_is_bounded() -> None:
    ours = limits.OUR_ATTRIBUTES
    attributes = {f"{ours}x{number}": "value" for number in range(100)}
    attributes |= {f"{ours}a": "x" * (limits.LONGEST_ATTRIBUTE + 1), "b": "of others"}
    attributes |= {"io.spacesbridge.user": "@ada:x"}
    tracks = [track(f"TR_{number}", "x" * 300) for number in range(100)]
    (seen,) = participants(
        [
            person("x" * (limits.LONGEST_IDENTITY + 1)),
            person("ada", *tracks, attributes=attributes),
        ]
    )
    assert seen.identity == "ada"
    assert len(seen.tracks) == limits.MOST_TRACKS_TOLD
    assert {each.name for each in seen.tracks} == {""}
    assert len(seen.attributes) == limits.MOST_ATTRIBUTES
    assert all(key.startswith(ours) for key in seen.attributes)
    assert seen.attributes["io.spacesbridge.user"] == "@ada:x"


def test_of_too_many_participants_those_who_may_publish_are_told() -> None:
    crowd = [person(f"p{number}") for number in range(limits.MOST_PARTICIPANTS)]
    seen = participants([*crowd, person("ada", may_publish=True)])
    assert len(seen) == limits.MOST_PARTICIPANTS
    assert seen[0].identity == "ada"


async def test_a_server_that_says_nothing_is_tried_so_often_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = asyncio.Event()

    async def silent(_: SfuRoom) -> None:
        await answered.wait()

    monkeypatch.setattr(SfuRoom, "live", silent)
    monkeypatch.setattr("spaces_bridge.media.sfu_client.client.LEAVE_S", 0.0)
    told = list[messages.FromSfuClient]()
    client = SfuClient(tmp_path, told.append)
    space = SpaceId("space0000000000a")

    def join(attempt: int) -> None:
        url = f"wss://evil.example/{attempt}"
        client.obey(
            messages.JoinSfuRoom(
                space, "sfu:evil", attempt, url, TOKEN, publishes=False, reports=True
            )
        )

    for attempt in range(limits.MOST_ATTEMPTS):
        join(attempt)
    assert told == []
    join(limits.MOST_ATTEMPTS)
    [lost] = told
    assert isinstance(lost, messages.SfuRoomLost)
    assert (lost.name, lost.attempt) == ("sfu:evil", limits.MOST_ATTEMPTS)
    answered.set()
    await until(lambda: not client.attempts)
    join(limits.MOST_ATTEMPTS + 1)
    assert told == [lost]
    await client.stop()
