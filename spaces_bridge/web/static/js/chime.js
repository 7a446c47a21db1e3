// A soft sound of two notes, made here.

const NOTES_HZ = [659.26, 880];
const APART_S = 0.13;
const LASTS_S = 0.35;
const GAIN = 0.06; // of 1: under the voices

/** @type {AudioContext | null} */
let context = null;

/** Sound it; before the person's first tap on the page browsers forbid that, and nothing happens. */
export function chime() {
  if (typeof AudioContext === "undefined" || navigator.userActivation?.hasBeenActive === false) return;
  context ??= new AudioContext();
  const { currentTime, destination } = context;
  context.resume().catch(() => {});
  NOTES_HZ.forEach((hertz, number) => sound(destination, hertz, currentTime + number * APART_S));
}

/**
 * @param {AudioDestinationNode} destination
 * @param {number} frequency
 * @param {number} at
 */
function sound(destination, frequency, at) {
  const { context } = destination;
  const note = new OscillatorNode(context, { type: "sine", frequency });
  const loudness = new GainNode(context, { gain: 0 });
  loudness.gain.setValueAtTime(0, at);
  loudness.gain.linearRampToValueAtTime(GAIN, at + 0.02);
  loudness.gain.exponentialRampToValueAtTime(0.0001, at + LASTS_S);
  note.connect(loudness).connect(destination);
  note.start(at);
  note.stop(at + LASTS_S);
}
