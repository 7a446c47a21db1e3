// The device around the page: what its lock screen, headset and media keys show and do, and that
// the screen stays on for whoever speaks.

import { stayAwake } from "../wake.js";

/** @import { Listener } from "../listener.js" */
/** @import { Page, State } from "../page.js" */

const ICON = { src: new URL("../../icon.svg", import.meta.url).href, sizes: "any", type: "image/svg+xml" };

let shown = ""; // what the metadata say

/** @param {Page} page */
export function start(page) {
  const { listener, microphone } = page;
  microphone.addEventListener("change", () => stayAwake("microphone", microphone.state === "on"));
  if (!("mediaSession" in navigator)) return;
  const stopHearing = () => listener.stop();
  handle("play", () => void listener.start());
  handle("pause", stopHearing);
  handle("stop", stopHearing);
  handle("togglemicrophone", () => {
    if (microphone.state === "on") microphone.setMuted(page.now.you.on_air);
  });
  handle("hangup", () => {
    microphone.turnOff();
    listener.stop();
  });
  page.on("change", show);
  listener.addEventListener("change", () => showPlaying(listener));
}

/**
 * Not every browser knows every action.
 * 
 * @param {MediaSessionAction | "togglemicrophone" | "hangup"} action
 * @param {() => void} handler
 */
function handle(action, handler) {
  try {
    navigator.mediaSession.setActionHandler(/** @type {MediaSessionAction} */ (action), handler);
  } catch {
    // then there is no such key
  }
}

// Whether the microphone is on is not told: browsers take "off" for an order to silence the device,
// and let nobody but a tap undo that.
/** @param {State} state */
function show({ space: { title, host } }) {
  const says = JSON.stringify([title, host.name, host.picture]);
  if (says === shown) return;
  shown = says;
  const artwork = host.picture ? [{ src: host.picture }, ICON] : [ICON];
  navigator.mediaSession.metadata = new MediaMetadata({ title, artist: host.name, artwork });
}

/** @param {Listener} listener */
function showPlaying({ wanted, state }) {
  navigator.mediaSession.playbackState = wanted && state !== "blocked" ? "playing" : "paused";
}
