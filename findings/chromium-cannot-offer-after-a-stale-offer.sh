#!/usr/bin/env bash
# Chromium cannot offer any more after it was given a stale offer of its own to set.
#
# Tried with: Debian's Chromium 156.0.8078.108 (the machine's own; $CHROMIUM names another),
# playwright 1.65.2.
#
# One would guess: `setLocalDescription` with an offer that was made before the last answer came is
# refused, and the connection stays as it was: the next `createOffer` makes a good one.
#
# What happens: if that answer turned a section down (port 0), the stale offer is refused with
# "Transceiver not found based on m-line index", and so is every later `createOffer`, though
# `signalingState` is `stable`: the connection has to be made anew. If the answer turned nothing down,
# the stale offer is even taken. Who offers has to keep one negotiation from beginning within another
# (livekit-client 2.23.0 at times makes its second offer while it still sets the first); a server that
# keeps sections it does not want open (`a=inactive`) spares its clients this.
#
# Two connections in one page, both ways. Ends with 0 if it was so, with 1 if not (any more).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check playwright==1.65.2
cat >"$folder/look.py" <<'PYTHON'
import asyncio
import os
import shutil

from playwright.async_api import async_playwright

SCRIPT = r"""async (turnsDown) => {
  const here = new RTCPeerConnection(), there = new RTCPeerConnection();
  const answer = (sdp) => {
    if (!turnsDown) return sdp;
    const mid = sdp.split("m=video")[1].match(/a=mid:(\S+)/)[1];
    return sdp.replace(/m=video \d+/, "m=video 0")
      .replace(/a=group:BUNDLE.*/, (line) => line.trim().split(" ").filter((it) => it !== mid).join(" "));
  };
  const said = async (promise) => promise.then(() => "done", (error) => error.message);
  for (const kind of ["audio", "video"]) here.addTransceiver(kind, {direction: "recvonly"});
  await here.setLocalDescription(await here.createOffer());
  const stale = await here.createOffer();
  await there.setRemoteDescription(here.localDescription);
  await there.setLocalDescription(await there.createAnswer());
  await here.setRemoteDescription({type: "answer", sdp: answer(there.localDescription.sdp)});
  const seen = {before: await said(here.createOffer()), stale: await said(here.setLocalDescription(stale))};
  seen.state = here.signalingState;
  seen.after = [];
  for (let times = 0; times < 5; times++) seen.after.push(await said(here.createOffer()));
  here.close();
  there.close();
  return seen;
}"""


async def main() -> int:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        raise SystemExit("There is no Chromium here. Install it, or name it in CHROMIUM.")
    flags = ["--disable-gpu", *(["--no-sandbox"] if os.getuid() == 0 else [])]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=flags)
        print(f"  Chromium {browser.version}")
        page = await browser.new_page()
        seen = {turns_down: await page.evaluate(SCRIPT, turns_down) for turns_down in (False, True)}
        await browser.close()
    for turns_down, it in seen.items():
        print("  The answer turns video down:" if turns_down else "  The answer takes both sections:")
        print(f"    createOffer after the answer: {it['before']}")
        print(f"    setLocalDescription with the stale offer: {it['stale']}")
        print(f"    signalingState: {it['state']}; createOffer, five times: {set(it['after'])}")
    taken, failed = seen[False], seen[True]
    was_so = (failed["before"] == "done" and failed["stale"] != "done" and failed["state"] == "stable"
              and "done" not in failed["after"] and set(taken["after"]) == {"done"})
    return 0 if was_so else 1


raise SystemExit(asyncio.run(main()))
PYTHON
"$folder/venv/bin/python" "$folder/look.py"
# Seen: without a section turned down `done` throughout; with one, the stale offer and all five later
# ones fail with "Transceiver not found based on m-line index".
