"""A page that is a call's client as LiveKit's JavaScript SDK is one: one connection, it offers."""

import contextlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from aiohttp import web

from tests.support.stage import SPACE

if TYPE_CHECKING:
    from spaces_bridge.app.call_ports import CallAnswer, CallStream
    from spaces_bridge.core.ids import UserId
    from spaces_bridge.media.stage import WorkerStage

PAGE = """<!doctype html><script>
const pc = new RTCPeerConnection({bundlePolicy: "max-bundle"});
const tracks = [];
let sender = null;
pc.ontrack = event => {
  const stream = event.streams[0];
  tracks.push({stream: stream.id, mid: event.transceiver.mid});
  const sound = document.body.appendChild(document.createElement("audio"));
  sound.autoplay = true;
  sound.srcObject = stream;
};
function begin() {
  pc.createDataChannel("_lossy", {ordered: false, maxRetransmits: 0});
  pc.createDataChannel("_reliable", {ordered: true});
  for (const kind of ["audio", "audio", "audio", "video", "video", "video"])
    pc.addTransceiver(kind, {direction: "recvonly"});
}
async function publish() {
  const stream = await navigator.mediaDevices.getUserMedia({audio: true});
  sender = pc.addTransceiver(stream.getAudioTracks()[0],
    {direction: "sendonly", streams: [stream]}).sender;
}
function unpublish() {
  pc.removeTrack(sender);
}
async function negotiate(restart) {
  if (!pc.getTransceivers().length) begin();
  await pc.setLocalDescription(await pc.createOffer({iceRestart: Boolean(restart)}));
  const reply = await fetch("negotiate", {method: "POST", body: pc.localDescription.sdp});
  if (!reply.ok) throw new Error(await reply.text());
  const answer = await reply.json();
  await pc.setRemoteDescription({type: "answer", sdp: answer.sdp});
  return answer;
}
async function accept(offer) {
  await pc.setRemoteDescription({type: "offer", sdp: offer});
  await pc.setLocalDescription(await pc.createAnswer());
  return pc.localDescription.sdp;
}
async function look() {
  const found = {state: pc.connectionState, tracks, streams: {}, pairs: []};
  for (const entry of (await pc.getStats()).values()) {
    if (entry.type === "candidate-pair" && entry.state === "succeeded") found.pairs.push(entry.id);
    if (entry.type !== "inbound-rtp") continue;
    found.streams[entry.mid] = {
      received: entry.packetsReceived, lost: entry.packetsLost,
      energy: entry.totalAudioEnergy || 0,
    };
  }
  return found;
}
</script><body></body>"""


class CallPage:
    """What serves the page, and answers its offers with the streams that are wanted."""

    def __init__(self, stage: "WorkerStage", user: "UserId") -> None:
        self.streams: Sequence[CallStream] = ()
        self.answer: CallAnswer | None = None
        self.offers: list[str] = []
        self._stage, self._user = stage, user

    async def page(self, _request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def negotiate(self, request: web.Request) -> web.Response:
        self.offers.append(await request.text())
        session = self.answer.session if self.answer is not None else None
        self.answer = await self._stage.calls.answer_call(
            SPACE, self._user, session, self.offers[-1], self.streams
        )
        told = {"sdp": self.answer.sdp, "missing": self.answer.missing}
        return web.Response(text=json.dumps(told), content_type="application/json")


@contextlib.asynccontextmanager
async def call_page(
    stage: "WorkerStage", user: "UserId", host: str = "127.0.0.1"
) -> AsyncIterator[tuple[CallPage, str]]:
    """The page's server at an address of this machine, and its URL."""
    served = CallPage(stage, user)
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
