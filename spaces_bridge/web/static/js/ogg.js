// The mix over plain HTTP: some seconds behind, but it passes wherever the page itself does.

import { locationOf, post } from "./rtc.js";

/** A stream of which nothing more arrives and nothing more is played is made anew. */
const SILENCE_MS = 8000;
const LOOK_EVERY_MS = 1000;

/** Browsers without a way to play begin all the same, and break off in the first moment. */
const HEARD_S = 1;

const TYPE = 'audio/ogg; codecs="opus"';

/** @param {HTMLAudioElement} audio */
export const playsOgg = (audio) => audio.canPlayType(TYPE) !== "";

/**
 * An address for the `<audio>` element, which sends no header: the server gives one that is good
 * for a minute in place of the bearer. Throws Refused, TypeError.
 * 
 * @param {string} url
 * @param {string | null} bearer
 */
export async function streamAddress(url, bearer) {
  const address = new URL(locationOf(await post(url, bearer)));
  // a fresh address each time: no cache gives an old stream
  address.searchParams.set("at", String(Date.now()));
  return address.href;
}

/**
 * Calls `lost(unheard)` once, when the stream ends, breaks or dries up; `unheard`: it broke before
 * there was anything to hear. Returns the watch's end.
 * 
 * @param {HTMLAudioElement} audio
 * @param {(unheard: boolean) => void} lost
 */
export function watchStream(audio, lost) {
  let alive = performance.now();
  const lives = () => (alive = performance.now());
  /** @param {Event} [event] */
  const ends = (event) => {
    stop();
    lost(event?.type === "error" && audio.currentTime < HEARD_S);
  };
  const timer = setInterval(() => {
    if (performance.now() - alive > SILENCE_MS && !audio.paused) ends();
  }, LOOK_EVERY_MS);
  const events = { progress: lives, timeupdate: lives, playing: lives, error: ends, ended: ends };
  for (const [name, react] of Object.entries(events)) audio.addEventListener(name, react);
  function stop() {
    clearInterval(timer);
    for (const [name, react] of Object.entries(events)) audio.removeEventListener(name, react);
  }
  return stop;
}
