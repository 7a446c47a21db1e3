#!/usr/bin/env bash
# LiveKit's SDK for Python does not hear that a publication was refused, and waits ten seconds for it.
#
# Tried with: livekit 1.2.1, livekit-protocol 1.1.29, aiortc 1.16.0 (the server's peer), Python 3.11.
#
# One would guess: who may not publish is told so when `publish_track` is called: the SDK has the
# permission from `JoinResponse`, and the server answers `AddTrackRequest` with `RequestResponse`,
# reason NOT_ALLOWED (so does livekit-server 1.13.5, ParticipantImpl.AddTrack).
#
# What happens: the SDK asks although it was told `can_publish: false`, does not heed the refusal, and
# raises `PublishTrackError` after ten seconds: "no response received from the server". Who needs to
# know earlier has to look at the permission first.
#
# Runs a small signalling server on loopback that refuses each track. Prints when what happened. Ends
# with 0 if it was so, with 1 if not (any more).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  livekit==1.2.1 livekit-protocol==1.1.29 aiortc==1.16.0 aiohttp==3.14.5
cat >"$folder/look.py" <<'PYTHON'
import asyncio
import time

from aiohttp import WSMsgType, web
from aiortc import RTCPeerConnection, RTCSessionDescription
from livekit import rtc
from livekit.protocol import models
from livekit.protocol import rtc as protocol

TOKEN = "e30.e30.e30"  # nobody looks at it here
ME = models.ParticipantInfo(
    sid="PA_me", identity="me", state=models.ParticipantInfo.ACTIVE,
    permission=models.ParticipantPermission(can_subscribe=True, can_publish=False))
JOINED = protocol.JoinResponse(
    room=models.Room(sid="RM_room", name="room"), participant=ME, ping_interval=5, ping_timeout=15,
    server_info=models.ServerInfo(version="1.13.5", protocol=16))


class Server:
    """Answers one client's offers, and refuses each track; `refused` is when it did."""

    def __init__(self) -> None:
        self.refused: float | None = None
        self._peer = RTCPeerConnection()

    async def signal(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_bytes(protocol.SignalResponse(join=JOINED).SerializeToString())
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                response = await self._answer(protocol.SignalRequest.FromString(message.data))
                if response is not None:
                    await socket.send_bytes(response.SerializeToString())
        return socket

    async def _answer(self, request: protocol.SignalRequest) -> protocol.SignalResponse | None:
        if request.HasField("offer"):
            await self._peer.setRemoteDescription(RTCSessionDescription(request.offer.sdp, "offer"))
            await self._peer.setLocalDescription(await self._peer.createAnswer())
            return protocol.SignalResponse(answer=protocol.SessionDescription(
                type="answer", sdp=self._peer.localDescription.sdp, id=request.offer.id))
        if request.HasField("ping_req"):
            return protocol.SignalResponse(pong_resp=protocol.Pong(
                last_ping_timestamp=request.ping_req.timestamp, timestamp=int(time.time() * 1000)))
        if request.HasField("add_track"):
            self.refused = time.monotonic()
            return protocol.SignalResponse(request_response=protocol.RequestResponse(
                reason=protocol.RequestResponse.NOT_ALLOWED, add_track=request.add_track))
        return None

    async def close(self) -> None:
        await self._peer.close()


async def publish(room: rtc.Room) -> str | None:
    """Publish a microphone; returns why it failed."""
    track = rtc.LocalAudioTrack.create_audio_track("microphone", rtc.AudioSource(48000, 1))
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    try:
        await room.local_participant.publish_track(track, options)
    except rtc.participant.PublishTrackError as error:
        return str(error)
    return None


async def main() -> int:
    server, app = Server(), web.Application()
    app.router.add_get("/rtc", server.signal)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    room = rtc.Room()
    options = rtc.RoomOptions(single_peer_connection=False)
    try:
        await room.connect(f"ws://127.0.0.1:{runner.addresses[0][1]}", TOKEN, options)
        began = time.monotonic()
        why = await asyncio.wait_for(publish(room), 60)
        took = time.monotonic() - began
    finally:
        await room.disconnect()
        await runner.cleanup()
        await server.close()
    if server.refused is None:
        print("  the SDK did not ask")
    else:
        print(f"  the server refused after {server.refused - began:.1f} s")
    print(f"  `publish_track` failed after {took:.1f} s: {why}")
    return 0 if server.refused is not None and why is not None and took > 5 else 1


raise SystemExit(asyncio.run(main()))
PYTHON
"$folder/venv/bin/python" "$folder/look.py"
# Seen: refused after 0.0 s; failed after 10.0 s, "track publication timed out, no response received
# from the server".
