"""A page that is a plain call's client as matrix-js-sdk is one: one section, sound both ways."""

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from aiohttp import web

from tests.support.stage import SPACE

if TYPE_CHECKING:
    from spaces_bridge.app.plain_call_ports import PlainCallStage
    from spaces_bridge.core.ids import UserId

PAGE = """<!doctype html><script>
const pc = new RTCPeerConnection();
pc.ontrack = event => {
  const sound = document.body.appendChild(document.createElement("audio"));
  sound.autoplay = true;
  sound.srcObject = event.streams[0];
};
async function microphone() {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true});
  for (const track of stream.getAudioTracks()) pc.addTrack(track, stream);
}
async function negotiate(restart) {
  await pc.setLocalDescription(await pc.createOffer({iceRestart: Boolean(restart)}));
  const reply = await fetch("negotiate", {method: "POST", body: pc.localDescription.sdp});
  if (!reply.ok) throw new Error(await reply.text());
  const answer = await reply.text();
  await pc.setRemoteDescription({type: "answer", sdp: answer});
  return answer;
}
async function call() {
  await microphone();
  return negotiate();
}
async function turn(direction) {
  pc.getTransceivers()[0].direction = direction;
  return negotiate();
}
async function accept(offer) {
  await pc.setRemoteDescription({type: "offer", sdp: offer});
  await microphone();
  await pc.setLocalDescription(await pc.createAnswer());
  return pc.localDescription.sdp;
}
function press(keys) {
  pc.getSenders()[0].dtmf.insertDTMF(keys, 100, 70);
}
async function look() {
  const found = {
    state: pc.connectionState, ice: pc.iceConnectionState, pairs: [],
    received: 0, lost: 0, energy: 0, sent: 0,
  };
  for (const entry of (await pc.getStats()).values()) {
    if (entry.type === "candidate-pair" && entry.state === "succeeded") found.pairs.push(entry.id);
    if (entry.type === "outbound-rtp") found.sent = entry.packetsSent;
    if (entry.type !== "inbound-rtp") continue;
    found.received = entry.packetsReceived;
    found.lost = entry.packetsLost;
    found.energy = entry.totalAudioEnergy || 0;
  }
  return found;
}
</script><body></body>"""


class PlainPage:
    """What serves the page, and takes its offers to the stage."""

    def __init__(self, stage: "PlainCallStage", user: "UserId") -> None:
        self.session = ""
        self.held: list[bool] = []
        """What each negotiation after the first one came to."""
        self._stage, self._user = stage, user

    async def page(self, _request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def negotiate(self, request: web.Request) -> web.Response:
        offer = await request.text()
        if self.session:
            again = await self._stage.renegotiate(self.session, offer)
            self.held.append(again.is_held)
            return web.Response(text=again.sdp)
        made = await self._stage.answer(SPACE, self._user, offer)
        self.session = made.id
        return web.Response(text=made.answer)


@contextlib.asynccontextmanager
async def plain_page(
    stage: "PlainCallStage", user: "UserId", host: str
) -> AsyncIterator[tuple[PlainPage, str]]:
    """The page's server at an address of this machine, and its URL."""
    served = PlainPage(stage, user)
    application = web.Application()
    application.router.add_get("/", served.page)
    application.router.add_post("/negotiate", served.negotiate)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, host, 0)
    await site.start()
    try:
        yield served, f"http://{host}:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()
