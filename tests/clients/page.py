"""The page that holds matrix-js-sdk: bundled by esbuild, and served on a loopback port."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from spaces_bridge_demo.processes import free_port
from tests.support.machine import ROOT, program

FOLDER = Path(__file__).parent / "js"
WASM = "@matrix-org/matrix-sdk-crypto-wasm/pkg/matrix_sdk_crypto_wasm_bg.wasm"


async def bundled() -> Path:
    """The page's script, made once for each state of its sources. Raises RuntimeError."""
    sdk = program("matrix-js-sdk")
    sources = [*sorted(FOLDER.glob("*.js")), FOLDER / "package-lock.json"]
    state = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    made = sdk.parents[2] / f".client-{state}.mjs"
    if made.exists():
        return made
    new = made.with_suffix(f".{os.getpid()}")
    esbuild = await asyncio.create_subprocess_exec(
        *(str(ROOT / "tools/js/run"), "node", str(FOLDER / "node_modules/esbuild/bin/esbuild")),
        *("client.js", "--bundle", "--format=esm", "--log-level=error", f"--outfile={new}"),
        cwd=FOLDER,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await esbuild.communicate()
    if esbuild.returncode != 0:
        raise RuntimeError(f"esbuild could not bundle the page: {said.decode()}")
    new.rename(made)
    return made


@asynccontextmanager
async def served(microphone: Path, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """Serve the page, with what a microphone is to hear beside it; gives its address."""
    files = {
        "client.html": (FOLDER / "client.html", "text/html"),
        "client.mjs": (await bundled(), "text/javascript"),
        "pkg/matrix_sdk_crypto_wasm_bg.wasm": (FOLDER / "node_modules" / WASM, "application/wasm"),
        "microphone.wav": (microphone, "audio/wav"),
    }

    async def answer(request: web.Request) -> web.StreamResponse:
        found = files.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        return web.FileResponse(found[0], headers={"Content-Type": found[1]})

    app = web.Application()
    app.router.add_get("/{name:.+}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, host, port).start()
    try:
        yield f"http://{host}:{port}/client.html"
    finally:
        await runner.cleanup()
