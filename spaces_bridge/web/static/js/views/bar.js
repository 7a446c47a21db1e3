// The bar under the thumb: hear, ask, speak.

import { reveal, settle } from "../aim.js";
import { byId, setButton, setText } from "../dom.js";
import { hasWebRtc } from "../rtc.js";
import { isWidget } from "../widget.js";
import { say, sayIfKnown } from "../words.js";
import { askName } from "./dialogs.js";

/** What `ask` does, as it is shown: "raise" or "lower"; and what the person's own tap makes of it. */
let hand = null;
let expected = null;

export function start(page) {
  const { listener } = page;
  page.on("change", (state) => show(page, state));
  new ResizeObserver(sayHeight).observe(byId("bar"));
  byId("listen").addEventListener("click", () => {
    if (listener.wanted && listener.state !== "blocked") listener.stop();
    else listener.start();
  });
  byId("ask").addEventListener("click", () => ask(page));
  byId("step-down").addEventListener("click", () => {
    page.microphone.turnOff();
    page.ask("leave-stage");
  });
  byId("microphone").addEventListener("click", () => speak(page));
  if (byId("bar").dataset.open === "yes" && !isWidget()) showEarly(page);
}

/** Where anybody may listen, nobody has to wait for the feed to say so. */
function showEarly(page) {
  const { listener } = page;
  const look = () => page.state === null && showSound(page, { may_speak: false });
  byId("bar").hidden = false;
  byId("ask").disabled = true;
  listener.addEventListener("change", look);
  look();
}

function show(page, { space, you }) {
  // a page that has just opened waits for nobody's finger
  const settles = !byId("bar").hidden && hand !== null;
  byId("bar").hidden = space.state !== "live";
  showSound(page, you);
  showMicrophone(page.microphone, you, settles);
  showAsk(you, settles);
}

function showSound({ listener, microphone }, you) {
  showListen(listener, you);
  const refused = listener.state === "reconnecting" && listener.trouble;
  const sound = refused || (sayIfKnown(`sound.${listener.state}`) ?? "");
  const unable = wantsToSpeak(you) && !hasWebRtc() ? say("microphone.no_webrtc") : "";
  setText(byId("sound"), microphone.trouble || [unable, sound].filter(Boolean).join(" "));
}

/** Whoever cannot is told before the floor is theirs. */
const wantsToSpeak = (you) => Boolean(you.hand) || you.invited || you.may_speak;

function sayHeight() {
  document.documentElement.style.setProperty("--bar-height", `${byId("bar").offsetHeight}px`);
}

function showListen(listener, you) {
  const idle = !listener.wanted;
  const blocked = listener.state === "blocked";
  const label = say(blocked ? "sound.again" : idle ? "sound.listen" : "sound.stop");
  const symbol = idle || blocked ? "listen" : "stop";
  setButton(byId("listen"), { symbol, label, strong: (idle || blocked) && !you.may_speak });
}

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

function labelOf({ state, reconnecting }, you) {
  if (state === "on") return say(you.on_air ? "microphone.mute" : "microphone.unmute");
  if (reconnecting) return say("link.reconnecting");
  return say({ asking: "microphone.asking", connecting: "link.connecting" }[state] ?? "microphone.on");
}

/** To ask, and to leave the stage, are two buttons: what is pressed keeps its meaning. */
function showAsk(you, settles) {
  const [button, other] = ["ask", "step-down"].map(byId);
  const moderates = you.role === "host" || you.role === "cohost";
  const [asks, steps] = [!isSeated(you) && !(moderates && !you.muted), isSeated(you)];
  const focused = [button, other].find((node) => node === document.activeElement);
  reveal(button, asks, { settles });
  reveal(other, steps, { settles });
  if (focused?.hidden) [button, other].find((node) => !node.hidden)?.focus({ preventScroll: true });
  button.disabled = false;
  showHand(button, you.hand === null ? "raise" : "lower");
}

function showHand(button, does) {
  setButton(button, { symbol: "hand", label: say(does === "raise" ? "hand.ask" : "hand.lower") });
  if (does === hand) return;
  if (hand !== null && does !== expected) settle(button);
  [hand, expected] = [does, null];
}

const isSeated = (you) => you.role === "speaker" && !you.muted;

async function ask(page) {
  const { you } = page.state;
  expected = you.hand === null ? "lower" : "raise";
  if (you.hand !== null) {
    page.ask("hand", { raised: false });
  } else if (you.id !== null) {
    page.ask("hand", { raised: true });
  } else {
    const name = await askName();
    if (name !== null) page.nameMe(name, () => page.ask("hand", { raised: true }));
  }
}

function speak({ listener, microphone, state }) {
  if (microphone.state === "off") {
    if (!listener.wanted) listener.start();
    microphone.turnOn();
  } else if (microphone.state === "on") {
    microphone.setMuted(state.you.on_air);
  }
}
