// One call at a time, as a client with a call button has it, and all the sound that came in it.
import { createNewMatrixCall } from "matrix-js-sdk";

let call;
let ended = "";
let recorder;
let player;
const pieces = [];
const states = [];

// A call rings here: it is the one that `answer` takes
export function ring(incoming) {
  take(incoming);
}

function take(next) {
  call = next;
  ended = "";
  states.length = 0;
  call.on("state", (state) => states.push(state));
  call.on("hangup", ({ hangupReason }) => {
    ended = hangupReason ?? "ended";
    stop();
  });
  call.on("error", ({ code }) => states.push(`error ${code}`));
  call.on("feeds_changed", hear);
  hear();
}

function hear() {
  const stream = call.remoteUsermediaStream;
  if (!stream || player?.srcObject === stream) return;
  stop();
  player = new Audio();
  player.srcObject = stream;
  player.play().catch(() => {});
  recorder = new MediaRecorder(new MediaStream(stream.getAudioTracks()), {
    audioBitsPerSecond: 64000,
  });
  pieces.length = 0;
  recorder.ondataavailable = ({ data }) => pieces.push(data);
  recorder.start(250);
}

function stop() {
  if (recorder?.state === "recording") recorder.stop();
  recorder = undefined;
}

async function base64(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) {
    text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  }
  return btoa(text);
}

async function received() {
  const sum = { packets: 0, energy: 0 };
  for (const stat of (await call.peerConn.getStats()).values()) {
    if (stat.type !== "inbound-rtp") continue;
    sum.packets += stat.packetsReceived;
    sum.energy += stat.totalAudioEnergy;
  }
  return sum;
}

export const calls = (client) => ({
  async call(room) {
    take(createNewMatrixCall(client(), room));
    await call.placeVoiceCall();
  },
  answer: () => call.answer(),
  hangUp: () => call.hangup("user_hangup", false),
  mute: (muted) => call.setMicrophoneMuted(muted).then(() => {}),
  hold: (held) => call.setRemoteOnHold(held),
  press: (keys) => call.sendDtmfDigit(keys),
  callState: () => ({
    state: call?.state ?? "none", connection: call?.peerConn?.connectionState ?? "none", ended,
    states,
  }),
  received,
  // What the person heard in the call so far, as the browser's recorder writes it: until a hold, which
  // ends Chromium's for good
  heard: () => base64(new Blob(pieces)),
});
