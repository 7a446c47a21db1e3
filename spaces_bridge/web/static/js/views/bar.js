// The bar under the thumb: hear, ask, speak.

import { reveal, settle } from "../aim.js";
import { byId, setButton, setText } from "../dom.js";
import { hasWebRtc } from "../rtc.js";
import { isWidget } from "../widget.js";
import { say, sayIfKnown } from "../words.js";
import { askName } from "./dialogs.js";

/** @import { Listener } from "../listener.js" */
/** @import { Microphone } from "../microphone.js" */
/** @import { Page, State } from "../page.js" */

/** @typedef {"raise" | "lower"} Does */

/** @type {Does | null} What `ask` does, as it is shown. */
let hand = null;

/** @type {Does | null} What the person's own tap makes of it. */
let expected = null;

/** @param {Page} page */
export function start(page) {
  const { listener } = page;
  page.on("change", (state) => show(page, state));
  new ResizeObserver(sayHeight).observe(byId("bar"));
  byId("listen").addEventListener("click", () => {
    if (listener.wanted && listener.state !== "blocked") listener.stop();
    else void listener.start();
  });
  byId("ask").addEventListener("click", () => void ask(page));
  byId("step-down").addEventListener("click", () => {
    page.microphone.turnOff();
    page.ask({ type: "leave-stage" });
  });
  byId("microphone").addEventListener("click", () => speak(page));
  if (byId("bar").dataset.open === "yes" && !isWidget()) showEarly(page);
}

/**
 * Where anybody may listen, nobody has to wait for the feed to say so.
 * 
 * @param {Page} page
 */
function showEarly(page) {
  const { listener } = page;
  const look = () => page.state === null && showSound(page, null);
  byId("bar").hidden = false;
  byId("ask").disabled = true;
  listener.addEventListener("change", look);
  look();
}

/**
 * @param {Page} page
 * @param {State} state
 */
function show(page, { space, you }) {
  // a page that has just opened waits for nobody's finger
  const settles = !byId("bar").hidden && hand !== null;
  byId("bar").hidden = space.state !== "live";
  showSound(page, you);
  showMicrophone(page.microphone, you, settles);
  showAsk(you, settles);
}

/**
 * @param {Page} page
 * @param {Frames.You | null} you
 */
function showSound({ listener, microphone }, you) {
  showListen(listener, you?.may_speak === true);
  const refused = listener.state === "reconnecting" && listener.trouble;
  const sound = refused || soundOf(listener);
  const unable = you !== null && wantsToSpeak(you) && !hasWebRtc() ? say("microphone.no_webrtc") : "";
  setText(byId("sound"), microphone.trouble || [unable, sound].filter(Boolean).join(" "));
}

/** @param {Listener} listener */
const soundOf = ({ crowded, state }) =>
  (crowded && sayIfKnown(`sound.crowded_${state}`)) || (sayIfKnown(`sound.${state}`) ?? "");

/**
 * Whoever cannot is told before the floor is theirs.
 * 
 * @param {Frames.You} you
 */
const wantsToSpeak = (you) => Boolean(you.hand) || you.invited || you.may_speak;

function sayHeight() {
  document.documentElement.style.setProperty("--bar-height", `${byId("bar").offsetHeight}px`);
}

/**
 * @param {Listener} listener
 * @param {boolean} maySpeak
 */
function showListen(listener, maySpeak) {
  const idle = !listener.wanted;
  const blocked = listener.state === "blocked";
  const label = say(blocked ? "sound.again" : idle ? "sound.listen" : "sound.stop");
  const symbol = idle || blocked ? "listen" : "stop";
  setButton(byId("listen"), { symbol, label, strong: (idle || blocked) && !maySpeak });
}

/**
 * @param {Microphone} microphone
 * @param {Frames.You} you
 * @param {boolean} settles
 */
function showMicrophone(microphone, you, settles) {
  const button = byId("microphone");
  reveal(button, you.may_speak, { settles });
  // who would mute does not turn it on again, when it has just failed
  if (wasOn && microphone.state === "off" && you.may_speak) settle(button);
  wasOn = microphone.state === "on";
  // not `disabled`: it would lose the focus of whoever pressed it by keyboard
  const waits = microphone.state === "asking" || microphone.state === "connecting";
  button.setAttribute("aria-disabled", String(waits));
  const on = microphone.state === "on";
  const symbol = on && !you.on_air ? "mic-off" : "mic";
  setButton(button, { symbol, label: labelOf(microphone, you), strong: !on || !you.on_air });
}

let wasOn = false;

/**
 * @param {Microphone} microphone
 * @param {Frames.You} you
 */
function labelOf({ state, reconnecting }, you) {
  if (state === "on") return say(you.on_air ? "microphone.mute" : "microphone.unmute");
  if (reconnecting) return say("link.reconnecting");
  if (state === "asking") return say("microphone.asking");
  return say(state === "connecting" ? "link.connecting" : "microphone.on");
}

/**
 * To ask, and to leave the stage, are two buttons: what is pressed keeps its meaning.
 * 
 * @param {Frames.You} you
 * @param {boolean} settles
 */
function showAsk(you, settles) {
  const [button, other] = [byId("ask"), byId("step-down")];
  const moderates = you.role === "host" || you.role === "cohost";
  const [asks, steps] = [!isSeated(you) && !(moderates && !you.muted), isSeated(you)];
  const focused = [button, other].find((node) => node === document.activeElement);
  reveal(button, asks, { settles });
  reveal(other, steps, { settles });
  if (focused?.hidden) [button, other].find((node) => !node.hidden)?.focus({ preventScroll: true });
  button.disabled = false;
  showHand(button, you.hand === null ? "raise" : "lower");
}

/**
 * @param {HTMLElement} button
 * @param {Does} does
 */
function showHand(button, does) {
  setButton(button, { symbol: "hand", label: say(does === "raise" ? "hand.ask" : "hand.lower") });
  if (does === hand) return;
  if (hand !== null && does !== expected) settle(button);
  [hand, expected] = [does, null];
}

/** @param {Frames.You} you */
const isSeated = (you) => you.role === "speaker" && !you.muted;

/** @param {Page} page */
async function ask(page) {
  const { you } = page.now;
  expected = you.hand === null ? "lower" : "raise";
  if (you.hand !== null) {
    page.ask({ type: "hand", raised: false });
  } else if (you.id !== null) {
    page.ask({ type: "hand", raised: true });
  } else {
    const name = await askName();
    if (name !== null) page.nameMe(name, () => page.ask({ type: "hand", raised: true }));
  }
}

/** @param {Page} page */
function speak({ listener, microphone, now }) {
  if (microphone.state === "off") {
    if (!listener.wanted) void listener.start();
    else if (listener.crowded) listener.nudge(); // who speaks is let in, and must hear at once
    void microphone.turnOn();
  } else if (microphone.state === "on") {
    microphone.setMuted(now.you.on_air);
  }
}
