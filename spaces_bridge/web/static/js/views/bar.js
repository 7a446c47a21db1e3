// The bar under the thumb: hear, ask, speak.

import { byId, setButton, setText } from "../dom.js";
import { say, sayIfKnown } from "../words.js";
import { askName } from "./dialogs.js";

export function start(page) {
  const { listener } = page;
  page.on("change", (state) => show(page, state));
  listener.addEventListener("change", () => nameSound(page));
  byId("listen").addEventListener("click", () => {
    if (listener.wanted && listener.state !== "blocked") listener.stop();
    else listener.start();
  });
  byId("ask").addEventListener("click", () => ask(page));
  byId("microphone").addEventListener("click", () => speak(page));
}

function show(page, { space, you }) {
  const { listener, microphone } = page;
  byId("bar").hidden = space.state !== "live";
  showListen(listener, you);
  showMicrophone(microphone, you);
  showAsk(you);
  setText(byId("sound"), microphone.trouble || (sayIfKnown(`sound.${listener.state}`) ?? ""));
}

function showListen(listener, you) {
  const idle = !listener.wanted;
  const blocked = listener.state === "blocked";
  const label = say(blocked ? "sound.again" : idle ? "sound.listen" : "sound.stop");
  const symbol = idle || blocked ? "listen" : "stop";
  setButton(byId("listen"), { symbol, label, strong: (idle || blocked) && !you.may_speak });
}

function showMicrophone(microphone, you) {
  const button = byId("microphone");
  button.hidden = !you.may_speak;
  // it keeps the focus meanwhile: a press does nothing
  const busy = microphone.state === "asking" || microphone.state === "connecting";
  button.setAttribute("aria-disabled", String(busy));
  const on = microphone.state === "on";
  const label = say(!on ? "microphone.on" : you.on_air ? "microphone.mute" : "microphone.unmute");
  const symbol = on && !you.on_air ? "mic-off" : "mic";
  setButton(button, { symbol, label, strong: !on || !you.on_air });
}

function showAsk(you) {
  const button = byId("ask");
  const moderates = you.role === "host" || you.role === "cohost";
  button.hidden = moderates && !you.muted;
  const seated = isSeated(you);
  const label = say(seated ? "hand.step_down" : you.hand ? "hand.lower" : "hand.ask");
  setButton(button, { symbol: seated ? "cross" : "hand", label, pressed: seated ? null : you.hand !== null });
}

const isSeated = (you) => you.role === "speaker" && !you.muted;

async function ask(page) {
  const { you } = page.state;
  if (isSeated(you)) {
    page.microphone.turnOff();
    page.ask("leave-stage");
  } else if (you.hand !== null) {
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

/** What the lock screen calls the sound. */
function nameSound({ listener, state }) {
  if (!("mediaSession" in navigator) || listener.state !== "listening" || state === null) return;
  const { title, host } = state.space;
  navigator.mediaSession.metadata = new MediaMetadata({ title, artist: host.name });
}
