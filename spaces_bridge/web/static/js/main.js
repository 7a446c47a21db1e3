// One live space's page. The server has drawn it already; the feed keeps it true from here on.

import { byId, localiseTimes, setText } from "./dom.js";
import { Feed } from "./feed.js";
import { Identity } from "./identity.js";
import { Listener } from "./listener.js";
import { Microphone } from "./microphone.js";
import { showBar } from "./views/bar.js";
import { addCaption, showCaptions, startCaptions } from "./views/captions.js";
import { askName, askSure } from "./views/dialogs.js";
import { showHeadline, showNotice, showSorry, showSpace } from "./views/headline.js";
import { showReactions } from "./views/reactions.js";
import { fadeLevels, showLevels, showQueue, showStage } from "./views/stage.js";
import { words } from "./words.js";

const RECONNECTING_SHOWN_MS = 800;
const POSTS_SHOWN = 5;

const { slug, known } = document.body.dataset;
const root = new URL(`${slug}/`, location.href);
const at = (path) => new URL(path, root).href;

const identity = new Identity(slug);
let state = null; // what the last hello, space, roster and role said
let wantsFloor = false; // the hand goes up once there is a name
let slow = 0;

const feed = new Feed(at("feed").replace(/^http/, "ws"), () => ({
  token: identity.token,
  name: identity.token ? null : identity.name,
}));
const session = () => identity.token;
const listener = new Listener(
  byId("audio"),
  { whep: at("whep"), ogg: () => (state?.space.private ? null : at("live.ogg")) },
  session,
);
const microphone = new Microphone(at("whip"), session, (muted) =>
  feed.send({ type: "mute", muted }),
);

const guest = {
  accept: () => feed.send({ type: "accept" }),
  decline: () => feed.send({ type: "decline" }),
};

const moderator = {
  approve: (user) => feed.send({ type: "approve", user }),
  deny: (user) => feed.send({ type: "deny", user }),
  demote: (user) => feed.send({ type: "demote", user }),
};

const host = {
  start: () => feed.send({ type: "start" }),
  end: async () => {
    const question = { title: words.endTitle, text: words.endText, yes: words.endYes };
    if (await askSure(question)) feed.send({ type: "end" });
  },
};

// --- what the feed says ---------------------------------------------------------------------

const frames = {
  hello(frame) {
    const other = state !== null && state.you.id !== frame.you.id;
    identity.remember(frame.session);
    clearTimeout(slow);
    setText(byId("link"), "");
    state = frame;
    showSpace();
    showCaptions(frame.captions);
    show();
    if (other) listener.renew();
    microphone.remind(frame.you.on_air);
    if (wantsFloor && frame.you.id !== null) raiseHand();
    wantsFloor = false;
  },
  space(frame) {
    state.space = frame.space;
    show();
  },
  roster(frame) {
    state.roster = frame;
    show();
  },
  role(frame) {
    state.you = { ...state.you, ...frame };
    show();
  },
  speaking: (frame) => showLevels(frame.levels),
  caption: (frame) => frame.final && addCaption(frame),
  reactions: (frame) => showReactions(frame.counts),
  post(frame) {
    const others = state.space.posts.filter((post) => post.number !== frame.number);
    state.space.posts = [...others, frame].slice(-POSTS_SHOWN);
  },
  notice(frame) {
    listener.noticed();
    showNotice(frame.text);
  },
  error(frame) {
    if (frame.code === "removed") return sorry(words.removedTitle, frame.text);
    if (frame.code === "guests_off") return sorry(words.guestsOffTitle, frame.text);
    if (frame.code === "locked" && state === null) return wait(words.lockedTitle, frame.text);
    if (frame.code === "not_found") return sorry(words.missingTitle, frame.text);
    if (frame.code === "token_unknown") identity.forget();
    if (frame.code === "bad_name") identity.name = null;
    if (state !== null || frame.code === "token_unknown") showNotice(frame.text);
    wantsFloor = false;
  },
};

feed.addEventListener("frame", ({ detail }) => frames[detail.type]?.(detail));
feed.addEventListener("closed", () => {
  clearTimeout(slow);
  slow = setTimeout(() => setText(byId("link"), words.reconnecting), RECONNECTING_SHOWN_MS);
});

/** Not now: the feed tries again by itself. */
function wait(title, text) {
  clearTimeout(slow);
  showSorry(title, text);
}

function sorry(title, text) {
  clearTimeout(slow);
  setText(byId("link"), "");
  feed.stop();
  listener.stop();
  microphone.turnOff();
  showSorry(title, text);
}

function show() {
  if (state === null) return;
  if (state.space.state === "ended") {
    if (listener.wanted) listener.stop();
    showNotice(words.ended, { stays: true });
  }
  if (!state.you.may_speak && microphone.state !== "off") microphone.turnOff();
  showHeadline(state, host);
  showStage(state, moderator);
  showQueue(state, moderator);
  showBar(state, listener, microphone, guest);
}

// --- what the person does -------------------------------------------------------------------

function raiseHand() {
  feed.send({ type: "hand", raised: true });
}

async function ask() {
  const { you } = state;
  if (you.role === "speaker" && !you.muted) {
    microphone.turnOff();
    feed.send({ type: "leave-stage" });
  } else if (you.hand !== null) {
    feed.send({ type: "hand", raised: false });
  } else if (you.id !== null) {
    raiseHand();
  } else {
    const name = await askName();
    if (name === null) return;
    identity.name = name;
    wantsFloor = true;
    feed.reopen();
  }
}

function speak() {
  if (microphone.state === "off") {
    if (!listener.wanted) listener.start();
    microphone.turnOn();
  } else if (microphone.state === "on") {
    microphone.setMuted(state.you.on_air);
  }
}

byId("listen").addEventListener("click", () => {
  if (listener.wanted && listener.state !== "blocked") listener.stop();
  else listener.start();
});
byId("ask").addEventListener("click", ask);
byId("microphone").addEventListener("click", speak);
for (const button of document.querySelectorAll(".react")) {
  button.addEventListener("click", () => feed.send({ type: "react", emoji: button.dataset.emoji }));
}
listener.addEventListener("change", () => {
  nameSound();
  show();
});
microphone.addEventListener("change", show);

/** What the lock screen calls the sound. */
function nameSound() {
  if (!("mediaSession" in navigator) || listener.state !== "listening" || state === null) return;
  const { title, host: person } = state.space;
  navigator.mediaSession.metadata = new MediaMetadata({ title, artist: person.name });
}

// --- go ---------------------------------------------------------------------------------------

localiseTimes();
startCaptions();
setInterval(fadeLevels, 350);
addEventListener("hashchange", () => location.hash.startsWith("#t=") && location.reload());
if (known === "yes" || identity.token) {
  slow = setTimeout(() => setText(byId("link"), words.connecting), RECONNECTING_SHOWN_MS);
  feed.open();
}
