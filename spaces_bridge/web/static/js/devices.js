// Which microphone: the one chosen here before, else the browser's own choice.

import { store, stored } from "./stored.js";
import { say } from "./words.js";

const PROCESSING = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** Why there is no microphone, in a sentence. */
export class NoMicrophone extends Error {}

/**
 * The track of a microphone. `device`: an id that must be it; null: the one chosen before if it is
 * there, or any. Throws NoMicrophone.
 * @param {string | null} device
 * @returns {Promise<MediaStreamTrack>}
 */
export async function openMicrophone(device = null) {
  if (!navigator.mediaDevices) throw new NoMicrophone(say("microphone.insecure"));
  try {
    return await open(device ?? chosenMicrophone());
  } catch (error) {
    if (device === null && isMissing(error)) return open(null).catch(explain);
    return explain(error);
  }
}

/** @param {string | null} device */
async function open(device) {
  const which = device && { deviceId: { exact: device } };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { ...PROCESSING, ...which } });
  const [track] = stream.getAudioTracks();
  return /** @type {MediaStreamTrack} */ (track); // whoever grants sound grants one
}

/** @param {unknown} error */
const nameOf = (error) => (error instanceof Error ? error.name : "");

/** @param {unknown} error */
const isMissing = (error) => ["NotFoundError", "OverconstrainedError"].includes(nameOf(error));

/**
 * @param {unknown} error
 * @returns {never}
 */
function explain(error) {
  if (isMissing(error)) throw new NoMicrophone(say("microphone.missing"));
  const busy = ["NotReadableError", "AbortError"].includes(nameOf(error));
  throw new NoMicrophone(busy ? say("microphone.busy") : say("microphone.denied"));
}

/** `[{id, label}]`. Labels are empty, and ids may be, before a microphone was allowed once. */
export async function listMicrophones() {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return all
    .filter(({ kind, deviceId }) => kind === "audioinput" && deviceId)
    .map(({ deviceId, label }) => ({ id: deviceId, label }));
}

/** The id of the microphone chosen before, on this device; null: none was. */
const chosenMicrophone = () => stored("microphone");

/**
 * Remember it.
 * @param {string} device
 */
export const rememberMicrophone = (device) => store("microphone", device);
