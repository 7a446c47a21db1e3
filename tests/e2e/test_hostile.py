"""Whoever sends rubbish gets a clear refusal, and everybody else notices nothing."""

import asyncio
import io
import json
import secrets
import socket
from typing import Any

import aiohttp
import pytest

from spaces_bridge_demo.deployment import Person, until
from spaces_bridge_demo.ears import tone, tone_level_db
from tests.support.world import OnAir, World, last

pytestmark = [pytest.mark.e2e]

TRANSACTIONS = "/_matrix/app/v1/transactions"
MIB = 1 << 20
OFFER = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m={kind}\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=ice-ufrag:abcd\r\n"
    "a=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"
    "a=fingerprint:sha-256 " + ":".join(["AB"] * 32) + "\r\na=setup:actpass\r\na=rtcp-mux\r\n"
)
AUDIO = "audio 9 UDP/TLS/RTP/SAVPF 111"
CHANNEL = "application 9 UDP/DTLS/SCTP webrtc-datachannel"


async def put(world: World, path: str, body: bytes, token: str | None) -> tuple[int, str]:
    """One transaction from whoever; returns status and body."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    url = f"{world.deployment.bridge.appservice_url}{path}"
    async with (
        aiohttp.ClientSession() as http,
        http.put(url, data=io.BytesIO(body), headers=headers) as answer,
    ):
        return answer.status, await answer.text()


def transaction(*events: object) -> bytes:
    """The body of a transaction."""
    return json.dumps({"events": list(events)}).encode()


def command(world: World, room: str, sender: str, text: str) -> dict[str, Any]:
    """A message event as a homeserver sends it."""
    return {
        "type": "m.room.message",
        "event_id": f"${secrets.token_urlsafe(32)}",
        "room_id": room,
        "sender": sender,
        "origin_server_ts": 1,
        "content": {"msgtype": "m.text", "body": text},
    }


async def test_a_forged_transaction_is_refused_and_does_nothing(world: World) -> None:
    host = await world.person("ada")
    right = world.deployment.bridge.hs_token
    body = transaction(command(world, host.dm, host.id, "create A forged talk"))
    path = f"{TRANSACTIONS}/{secrets.token_hex(8)}"
    for token in (None, "", "wrong" * 8, right[:-1], f"{right}x", right.upper()):
        status, _ = await put(world, path, body, token)
        assert status in {401, 403}
    status, _ = await put(world, f"{path}?access_token={right}", body, None)
    assert status in {401, 403}
    await host.tell_bot("help")
    assert "forged" not in " ".join(str(event) for event in host.seen)


async def test_a_transaction_sent_again_is_done_once(world: World) -> None:
    host, token = await world.person("ada"), world.deployment.bridge.hs_token
    event = command(world, host.dm, host.id, "help")
    again = command(world, host.dm, host.id, "live")
    first, second = (f"{TRANSACTIONS}/{secrets.token_hex(8)}" for _ in range(2))
    answers = await asyncio.gather(
        *(put(world, path, transaction(event), token) for path in (first, first, second)),
    )
    answers.append(await put(world, first, transaction(event), token))
    answers.append(await put(world, second, transaction(event, again), token))
    assert [status for status, _ in answers] == [200] * 5
    await host.tell_bot("live")  # said later, and answered later

    async def answered() -> bool:
        return await replies_to(host, event["event_id"]) > 0

    await until(answered, "the answer")
    assert await replies_to(host, event["event_id"]) == 1


async def test_malformed_and_oversized_transactions_harm_nobody(world: World) -> None:
    host, token = await world.person("ada"), world.deployment.bridge.hs_token
    rubbish = (
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"events": 1}',
        b'{"events": [1, null, "x", {}]}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        json.dumps({"events": [{"type": 5, "room_id": [], "event_id": {}}]}).encode(),
    )
    for body in rubbish:
        path = f"{TRANSACTIONS}/{secrets.token_hex(8)}"
        status, _ = await put(world, path, body, token)
        assert status in {200, 400}, body[:40]
    oversized = await put_oversized(world, token)
    assert oversized == 413
    answer = await host.tell_bot("help")
    assert "create" in answer["content"]["body"]


async def test_a_transaction_of_many_big_events_is_taken(world: World) -> None:
    host, token = await world.person("ada"), world.deployment.bridge.hs_token
    ben = await world.person("ben")
    events = [command(world, host.dm, host.id, "x" * 60_000) for _ in range(100)]
    status, _ = await put(
        world, f"{TRANSACTIONS}/{secrets.token_hex(8)}", transaction(*events), token
    )
    assert status == 200
    asked = await ben.send_text(ben.dm, "help start")  # of one person, so many are enough

    async def answered() -> bool:
        return await replies_to(ben, asked) == 1

    await until(answered, "an answer after the flood", 180.0)


async def test_bad_offers_are_refused_in_words(world: World) -> None:
    live = await world.on_air()
    usual = OFFER.format(kind=AUDIO) + "a=rtpmap:111 opus/48000/2\r\na=recvonly\r\n"
    channel = OFFER.format(kind=CHANNEL) + "a=sctp-port:5000\r\n"
    huge = usual + "a=x-padding:" + "x" * 20_000 + "\r\n"
    wanted = {huge: {413}, channel: {400}, "no sdp at all": {400}, "": {400}}
    async with aiohttp.ClientSession() as http:
        for offer, statuses in wanted.items():
            async with http.post(
                f"{live.space.page}/whep",
                data=offer.encode(),
                headers={"Content-Type": "application/sdp"},
            ) as answer:
                assert answer.status in statuses, offer[:40]
                assert answer.content_type == "application/problem+json"
                problem = await answer.json()
                assert problem["code"]
                assert problem.get("detail") or problem["title"]
    await still_heard(live)


async def test_garbage_on_the_media_port_disturbs_nobody(world: World) -> None:
    live = await world.on_air()
    address = ("127.0.0.1", world.deployment.bridge.media_port)
    with socket.socket(type=socket.SOCK_DGRAM) as attacker:
        for first_byte in (0x00, 0x01, 0x16, 0x17, 0x80, 0x90, 0xC8, 0xFF):
            for size in (0, 1, 12, 28, 73, 1400):
                attacker.sendto(bytes([first_byte]) + secrets.token_bytes(size), address)
            attacker.sendto(b"", address)
    _, writer = await asyncio.open_connection(*address)
    writer.write(b"GET / HTTP/1.1\r\n\r\n" + b"\xff" * 70_000)
    await still_heard(live)
    writer.close()


async def still_heard(live: OnAir) -> None:
    """The host is heard as before."""
    live.host_mic.say(tone(440, 120.0))

    async def audible() -> bool:
        return tone_level_db(last(live.listener, 0.2), 440) > -20

    await until(audible, "the host at the listener")
    assert live.listener.state == "connected"
    assert live.host_mic.state == "connected"


async def replies_to(host: Person, event: str) -> int:
    """How often the bot answered this event in the DM."""
    timeline = await host.timeline(host.dm)
    return sum(
        found["content"].get("m.relates_to", {}).get("m.in_reply_to", {}).get("event_id") == event
        for found in timeline
    )


async def put_oversized(world: World, token: str) -> int:
    """A transaction above the limit of 32 MiB; 413 also when it hangs up while we still send."""
    body = b'{"events": [' + b" " * (33 * MIB) + b"]}"
    try:
        return (await put(world, f"{TRANSACTIONS}/{secrets.token_hex(8)}", body, token))[0]
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
        return 413
