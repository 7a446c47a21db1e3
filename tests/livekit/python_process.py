"""LiveKit's SDK for Python, driven line by line (`python -m tests.livekit.python_process FOLDER`).

In a process of its own, as the SDK is a native library with threads. Standard input has one JSON
object for each request (`id`, `ask`, arguments), the output answers (`id`, `answer` or `refused`)
and events, see `client.Events`. Sound that arrives is appended to files in FOLDER as it comes.
"""

import asyncio
import json
import os
import sys
import wave
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from livekit import rtc
from tests.livekit.client import RATE, TOPICS, Pcm
from tests.livekit.places import place_of

PIECE = RATE // 100
CONNECT_TIMEOUT_S = 50.0


class Process:
    """One client, and what it tells on standard output."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._room = rtc.Room()
        self._tasks: set[asyncio.Task[None]] = set()
        self._microphone: rtc.LocalAudioTrack | None = None
        # what the library prints must not get between the lines
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
        os.dup2(2, 1)
        self._listen()

    def tell(self, **what: object) -> None:
        """Say one line."""
        self._out.write(json.dumps(what) + "\n")

    async def serve(self) -> None:
        """Do what is asked for until the input ends."""
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            request = json.loads(line)
            self._start(self._answer(request.pop("id"), request.pop("ask"), request))
        await self._room.disconnect()

    async def _answer(self, number: int, ask: str, arguments: Mapping[str, Any]) -> None:
        verbs: Mapping[str, Callable[..., Awaitable[object]]] = {
            "connect": self._connect,
            "publish": self._publish,
            "mute": self._mute,
            "participants": self._participants,
            "send_text": self._send_text,
            "disconnect": self._disconnect,
        }
        try:
            self.tell(id=number, answer=await verbs[ask](**arguments))
        except Exception as error:  # whatever the SDK raises is its answer
            self.tell(id=number, refused=f"{type(error).__name__}: {error}")

    def _start(self, work: Any) -> None:  # noqa: ANN401  # a coroutine
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- what is asked for ------------------------------------------------------------------

    async def _connect(self, url: str, token: str, single_connection: bool) -> None:
        options = rtc.RoomOptions(single_peer_connection=single_connection)
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await self._room.connect(url, token, options)
        self.tell(kind="state", state="connected")  # the SDK tells of it only by returning

    async def _publish(self, wav: str) -> str:
        source = rtc.AudioSource(RATE, 1)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        publication = await self._room.local_participant.publish_track(track, options)
        self._microphone = track
        with wave.open(wav, "rb") as file:
            sound = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        self._start(_say(source, sound))
        return publication.sid

    async def _mute(self, muted: bool) -> None:
        if self._microphone is None:
            raise RuntimeError("no microphone is published")
        if muted:
            self._microphone.mute()
        else:
            self._microphone.unmute()

    async def _participants(self) -> list[dict[str, object]]:
        return [
            {
                "identity": person.identity,
                "sid": person.sid,
                "attributes": dict(person.attributes),
                "metadata": person.metadata,
                "tracks": [
                    {
                        "sid": track.sid,
                        "source": rtc.TrackSource.Name(track.source),
                        "muted": track.muted,
                    }
                    for track in person.track_publications.values()
                ],
            }
            for person in self._room.remote_participants.values()
        ]

    async def _send_text(self, topic: str, text: str) -> None:
        await self._room.local_participant.send_text(text, topic=topic)

    async def _disconnect(self) -> None:
        await self._room.disconnect()

    # --- what it tells of -------------------------------------------------------------------

    def _listen(self) -> None:
        room, tell = self._room, self.tell
        room.on("reconnecting", lambda: tell(kind="state", state="reconnecting"))
        room.on("reconnected", lambda: tell(kind="state", state="connected"))
        room.on("disconnected", self._disconnected)
        room.on("participant_connected", lambda who: tell(kind="joined", identity=who.identity))
        room.on("participant_disconnected", self._left)
        room.on("track_subscribed", self._subscribed)
        room.on("track_unsubscribed", self._unsubscribed)
        room.on(
            "track_unpublished",
            lambda track, who: self._track("track_unpublished", who, track),
        )
        room.on("track_muted", lambda who, track: self._track("track_muted", who, track))
        room.on("track_unmuted", lambda who, track: self._track("track_unmuted", who, track))
        room.on(
            "local_track_unpublished",
            lambda track: tell(kind="own_track_unpublished", sid=track.sid),
        )
        room.on("participant_permissions_changed", self._permissions)
        room.on(
            "participant_attributes_changed",
            lambda changed, who: tell(
                kind="attributes", identity=who.identity, attributes=dict(changed)
            ),
        )
        room.on(
            "participant_metadata_changed",
            lambda who, _before, now: tell(kind="metadata", identity=who.identity, metadata=now),
        )
        for topic in TOPICS:
            room.register_text_stream_handler(topic, self._text)

    def _disconnected(self, reason: rtc.DisconnectReason.ValueType) -> None:
        name = rtc.DisconnectReason.Name(reason)
        self.tell(kind="state", state="disconnected", reason=name)

    def _left(self, who: rtc.RemoteParticipant) -> None:
        why = who.disconnect_reason
        reason = "" if why is None else rtc.DisconnectReason.Name(why)
        self.tell(kind="left", identity=who.identity, reason=reason)

    def _track(self, kind: str, who: rtc.Participant, track: rtc.TrackPublication) -> None:
        self.tell(kind=kind, identity=who.identity, sid=track.sid)

    def _subscribed(
        self,
        track: rtc.Track,
        publication: rtc.RemoteTrackPublication,
        who: rtc.RemoteParticipant,
    ) -> None:
        self._track("track_subscribed", who, publication)
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            self._start(self._record(track, who.identity))

    def _unsubscribed(
        self,
        _track: rtc.Track,
        publication: rtc.RemoteTrackPublication,
        who: rtc.RemoteParticipant,
    ) -> None:
        self._track("track_unsubscribed", who, publication)

    def _permissions(self, who: rtc.Participant, now: Any) -> None:  # noqa: ANN401  # protobuf
        self.tell(
            kind="permissions",
            identity=who.identity,
            can_publish=now.can_publish,
            can_publish_data=now.can_publish_data,
            can_subscribe=now.can_subscribe,
        )

    def _text(self, reader: rtc.TextStreamReader, sender: str) -> None:
        self._start(self._read(reader, sender))

    async def _read(self, reader: rtc.TextStreamReader, sender: str) -> None:
        text = await reader.read_all()
        about = reader.info
        self.tell(
            kind="text",
            topic=about.topic,
            sender=sender,
            text=text,
            attributes=dict(about.attributes or {}),
        )

    async def _record(self, track: rtc.Track, identity: str) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        with place_of(self._folder, identity).open("ab", buffering=0) as file:
            async for heard in stream:
                file.write(heard.frame.data.tobytes())


async def _say(source: rtc.AudioSource, sound: Pcm) -> None:
    """Say it over and over, until the process ends."""
    whole = np.resize(sound, -(-len(sound) // PIECE) * PIECE).astype(np.int16)
    while True:
        for piece in whole.reshape(-1, PIECE):
            await source.capture_frame(rtc.AudioFrame(piece.tobytes(), RATE, 1, PIECE))


async def _main(folder: Path) -> None:
    await Process(folder).serve()  # made here, as the SDK's room belongs to the loop it is made in


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1])))
