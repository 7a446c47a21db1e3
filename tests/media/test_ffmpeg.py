"""FFmpeg's WHIP muxer against the edge: it offers a=setup:passive, so it is we who dial DTLS.

PyAV brings FFmpeg 8 built with GnuTLS, which makes P-224 keys for DTLS if none is given.
"""

import asyncio
import datetime
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from spaces_bridge.media.worker.mix import opus
from spaces_bridge.media.worker.values import UNSPOKEN_KEY, StreamDirection
from tests.support.edge import EdgeWorld, edge_world

pytestmark = pytest.mark.peers


def identity(folder: Path, curve: ec.EllipticCurve) -> dict[str, str]:
    """The muxer's options for a certificate with a key on this curve."""
    key = ec.generate_private_key(curve)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ffmpeg")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return {"cert_file": str(cert_file), "key_file": str(key_file)}


@asynccontextmanager
async def whip(world: EdgeWorld) -> AsyncIterator[str]:
    """The address of a WHIP endpoint in front of the edge."""

    async def offer(request: web.Request) -> web.Response:
        answer = world.edge.accept("ffmpeg", StreamDirection.SPEAK, await request.text())
        head = {"Content-Type": "application/sdp", "Location": "/whip/1"}
        return web.Response(status=201, body=answer.encode(), headers=head)

    async def leave(request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_post("/whip", offer)
    app.router.add_delete("/whip/1", leave)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/whip"
    finally:
        await runner.cleanup()


async def send(url: str, options: dict[str, str]) -> tuple[int | None, str]:
    """What became of FFmpeg, and all that it said."""
    ffmpeg = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.ffmpeg_process",
        url,
        json.dumps(options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(60):
            said, _ = await ffmpeg.communicate()
    finally:
        if ffmpeg.returncode is None:
            ffmpeg.kill()
            await ffmpeg.wait()
    return ffmpeg.returncode, said.decode()


@pytest.mark.parametrize("role", [{}, {"whip_flags": "dtls_active"}], ids=["passive", "active"])
async def test_ffmpeg_is_heard_whoever_dials(role: dict[str, str], tmp_path: Path) -> None:
    async with edge_world() as world, whip(world) as url:
        code, said = await send(url, identity(tmp_path, ec.SECP256R1()) | role)
        assert (code, said) == (0, "connected\n")
        await world.until(lambda: world.reason("ffmpeg") == "the client left")
        packets = world.packets["ffmpeg"]
        assert {opus.duration(packet.payload) for packet in packets} == {960}
        assert {len(packet.payload) for packet in packets} == {400}
        assert len(packets) >= 49
        sound = ("rtp", "srtp", "rtcp", "srtcp")
        assert not [why for why in world.edge.stats().refused if why.startswith(sound)]


@pytest.mark.parametrize("role", [{}, {"whip_flags": "dtls_active"}], ids=["passive", "active"])
async def test_a_key_that_openssl_does_not_take_is_named(
    role: dict[str, str], tmp_path: Path
) -> None:
    async with edge_world() as world, whip(world) as url:
        code, said = await send(url, identity(tmp_path, ec.SECP224R1()) | role)
        assert code != 0
        assert "connected\n" not in said
        await world.until(lambda: world.reason("ffmpeg") == f"{UNSPOKEN_KEY} (secp224r1)")
        assert world.refused("wrong_certificate") == 1
