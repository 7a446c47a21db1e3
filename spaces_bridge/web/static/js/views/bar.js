// The bar under the thumb: hear, ask, speak, react.

import { byId, el, setButton, setText } from "../dom.js";
import { words } from "../words.js";

const SOUND = {
  idle: "",
  connecting: words.soundConnecting,
  listening: "",
  reconnecting: words.soundReconnecting,
  gathering: words.soundOverHttpSoon,
  http: words.soundOverHttp,
  blocked: words.soundBlocked,
  impossible: words.soundImpossible,
};

export function showBar({ space, you }, listener, microphone, guest) {
  byId("bar").hidden = space.state !== "live";
  showListen(listener, you);
  showMicrophone(microphone, you);
  showAsk(you);
  setText(byId("sound"), microphone.trouble || SOUND[listener.state]);
  showFloor(you, microphone);
  showInvitation(you, guest);
}

function showListen(listener, you) {
  const idle = !listener.wanted;
  const label = { blocked: words.listenAgain }[listener.state] ?? (idle ? words.listen : words.stopListening);
  const strong = (idle || listener.state === "blocked") && !you.may_speak;
  const symbol = idle || listener.state === "blocked" ? "listen" : "stop";
  setButton(byId("listen"), { symbol, label, strong });
}

function showMicrophone(microphone, you) {
  const button = byId("microphone");
  button.hidden = !you.may_speak;
  button.disabled = microphone.state === "asking" || microphone.state === "connecting";
  const on = microphone.state === "on";
  const label = !on ? words.microphoneOn : you.on_air ? words.mute : words.unmute;
  const symbol = on && you.on_air ? "mic" : "mic-off";
  setButton(button, { symbol: on ? symbol : "mic", label, strong: !on || !you.on_air });
}

function showAsk(you) {
  const button = byId("ask");
  const moderates = you.role === "host" || you.role === "cohost";
  button.hidden = moderates && !you.muted;
  const seated = you.role === "speaker" && !you.muted;
  const label = seated ? words.stepDown : you.hand ? words.lowerHand : words.ask;
  setButton(button, { symbol: seated ? "cross" : "hand", label, pressed: seated ? null : you.hand !== null });
}

function showFloor(you, microphone) {
  const box = byId("floor");
  const offered = you.may_speak && !(you.may_moderate && microphone.state === "off");
  const muted = you.muted && you.role !== "listener";
  box.hidden = !(offered || muted || you.invited);
  if (box.hidden) return;
  const [title, text] = offered
    ? [words.floorTitle, floorText(you, microphone)]
    : muted
      ? [words.mutedTitle, words.mutedText]
      : [words.invitedTitle, words.invitedText];
  setText(byId("floor-title"), title);
  setText(byId("floor-text"), text);
}

function floorText(you, microphone) {
  return {
    off: words.floorOffered,
    asking: words.floorWaiting,
    connecting: words.floorWaiting,
    on: you.on_air ? words.floorOnAir : words.floorMuted,
  }[microphone.state];
}

function showInvitation(you, guest) {
  const box = byId("invitation");
  if (box.hidden === !you.invited) return;
  box.hidden = !you.invited;
  box.replaceChildren();
  if (!you.invited) return;
  const button = (look, click, label) => el("button", { type: "button", class: `button ${look}`, click }, label);
  box.append(
    button("button-small", guest.decline, words.decline),
    button("button-small button-strong", guest.accept, words.accept),
  );
}
