// One live space's page. The server has drawn it already; the feed keeps it true from here on.

import { keepAim } from "./aim.js";
import { startAnnouncing } from "./announce.js";
import { byId, localiseTimes, setText } from "./dom.js";
import { Feed } from "./feed.js";
import { keepFocus } from "./focus.js";
import { Identity } from "./identity.js";
import { Listener } from "./listener.js";
import { Microphone } from "./microphone.js";
import { Page } from "./page.js";
import * as bar from "./views/bar.js";
import * as captions from "./views/captions.js";
import * as captionsSettings from "./views/captions_settings.js";
import * as chat from "./views/chat.js";
import * as control from "./views/control.js";
import * as floor from "./views/floor.js";
import * as gaps from "./views/gaps.js";
import * as headline from "./views/headline.js";
import * as hosting from "./views/hosting.js";
import * as large from "./views/large.js";
import * as invite from "./views/invite.js";
import * as leaving from "./views/leave.js";
import * as level from "./views/level.js";
import * as lockscreen from "./views/lockscreen.js";
import { showNotice, showSorry, showSpace } from "./views/messages.js";
import * as keys from "./views/keys.js";
import * as news from "./views/news.js";
import * as people from "./views/people.js";
import * as person from "./views/person.js";
import * as picker from "./views/picker.js";
import * as posts from "./views/posts.js";
import * as queue from "./views/queue.js";
import * as reactions from "./views/reactions.js";
import * as report from "./views/report.js";
import * as settings from "./views/settings.js";
import * as stage from "./views/stage.js";
import * as tabs from "./views/tabs.js";
import { askOpenId, client, isWidget } from "./widget.js";
import { say, sayOf } from "./words.js";

const RECONNECTING_SHOWN_MS = 800;

const VIEWS = [
  ...[tabs, headline, hosting, stage, queue, floor, captionsSettings, captions, large, reactions],
  ...[bar, control, people, chat, posts, invite, report, person, picker, leaving, settings, keys],
  ...[gaps, level, lockscreen, news],
];

const { slug = "", known } = document.body.dataset;
const root = new URL(`${slug}/`, location.href);
root.search = root.hash = "";
/** @param {string} path */
const at = (path) => new URL(path, root).href;

const identity = new Identity(slug);
const session = () => identity.token;
let slow = 0;

const feed = new Feed(at("feed").replace(/^http/, "ws"), () => identity.introduce());
const listener = new Listener(
  byId("audio"),
  { whep: at("whep"), ogg: at("live.ogg") },
  session,
);
const microphone = new Microphone(at("whip"), session, (muted) => page.ask({ type: "mute", muted }));

const page = new Page((frame) => feed.send(frame), at, { listener, microphone, nameMe, stop });

/**
 * Become a guest with a name; `then` is done once the server knows it.
 *
 * @param {string} name
 * @param {() => void} then
 */
function nameMe(name, then) {
  identity.name = name;
  named = then;
  feed.reopen();
}
/** @type {(() => void) | null} */
let named = null;

/** Inside a Matrix client: come back as whom its homeserver says this is. */
async function askClient() {
  asking = true;
  identity.openid = await askOpenId();
  asking = false;
  if (identity.openid !== null && identity.token === null && !over) feed.reopen();
}
let asking = false;
let askedAgain = false;
let over = false;

// --- what the feed says ---------------------------------------------------------------------

const STATE = {
  /** @param {Frames.HelloFrame} frame */
  hello(frame) {
    const other = page.state !== null && page.state.you.id !== frame.you.id;
    identity.remember(frame.session);
    clearTimeout(slow);
    setText(byId("link"), "");
    page.state = frame;
    showSpace();
    page.tell("hello", frame);
    page.changed();
    if (other) listener.renew();
    listener.nudge();
    microphone.nudge();
    microphone.remind(frame.you.on_air);
    if (frame.you.id !== null) named?.();
    named = null;
  },
  /** @param {Frames.SpaceFrame} frame */
  space(frame) {
    page.now.space = frame.space;
    page.changed();
  },
  /** @param {Frames.RosterFrame} frame */
  roster(frame) {
    page.now.roster = frame;
    page.changed();
  },
  /** @param {Frames.RoleFrame} frame */
  role(frame) {
    page.now.you = { ...page.now.you, ...frame };
    page.changed();
  },
};

/** @type {Record<string, string>} */
const SORRY = {
  removed: "end.removed",
  not_a_member: "end.removed",
  guests_off: "end.guests_off",
  not_found: "end.missing",
};

const WRONG_NAME = new Set(["bad_name", "name_alike", "name_misleads"]);

page.on("error", (frame) => {
  const text = sayOf("error", frame);
  named = null;
  const sorry = Object.hasOwn(SORRY, frame.code) ? SORRY[frame.code] : undefined;
  if (sorry !== undefined) return refused(say(sorry), text, frame.with?.reason);
  if (frame.code === "locked" && page.state === null) return wait(say("end.locked"), text);
  if (frame.code === "openid_refused" && !askedAgain) {
    askedAgain = true;
    void askClient();
  }
  if (frame.code === "token_unknown") identity.forget();
  if (WRONG_NAME.has(frame.code)) identity.name = null;
  if (page.state !== null || frame.code === "token_unknown") showNotice(text);
});
page.on("notice", (frame) => {
  listener.noticed();
  if (!floor.says(frame, page.state)) showNotice(sayOf("notice", frame));
});
page.on("change", ({ space, you }) => {
  if (space.state === "ended" && listener.wanted) listener.stop();
  if (!you.may_speak && microphone.state !== "off") microphone.turnOff();
});

feed.addEventListener("frame", (event) => {
  const { detail: frame } = /** @type {CustomEvent<Frames.Server>} */ (event);
  switch (frame.type) {
    case "hello":
      return STATE.hello(frame);
    case "space":
      return STATE.space(frame);
    case "roster":
      return STATE.roster(frame);
    case "role":
      return STATE.role(frame);
    default:
      page.tell(frame.type, frame);
  }
});
feed.addEventListener("closed", () => {
  clearTimeout(slow);
  slow = setTimeout(() => setText(byId("link"), say("link.reconnecting")), RECONNECTING_SHOWN_MS);
});

/**
 * Not wanted here, with the host's reason. Who is refused as nobody may still be somebody.
 *
 * @param {string} title
 * @param {string} text
 * @param {string | number | undefined} reason
 */
function refused(title, text, reason) {
  const why = reason === undefined ? text : `${text} ${say("end.reason", { reason })}`;
  const early = page.state === null && asking;
  (early ? wait : leave)(title, why);
}

/**
 * Not now: the feed tries again by itself.
 * 
 * @param {string} title
 * @param {string} text
 */
function wait(title, text) {
  clearTimeout(slow);
  listener.stop();
  showSorry(title, text);
}

/**
 * Not any more: nothing goes on here.
 * 
 * @param {string} title
 * @param {string} text
 */
function leave(title, text) {
  clearTimeout(slow);
  setText(byId("link"), "");
  stop();
  showSorry(title, text);
}

/** No sound, no microphone, no feed from here on. */
function stop() {
  over = true;
  page.tell("left", undefined);
  page.end();
  feed.stop();
  listener.stop();
  microphone.turnOff();
}

// --- go ---------------------------------------------------------------------------------------

localiseTimes();
keepFocus();
keepAim();
startAnnouncing();
for (const view of VIEWS) view.start(page);
listener.addEventListener("change", () => page.changed());
microphone.addEventListener("change", () => page.changed());
client.addEventListener("theme", (event) => {
  const { detail } = /** @type {CustomEvent<string>} */ (event);
  document.documentElement.dataset.theme = detail.includes("dark") ? "dark" : "light";
});
addEventListener("hashchange", () => location.hash.startsWith("#t=") && location.reload());
if (isWidget() && identity.token === null) void askClient();
if (known === "yes" || identity.token) {
  slow = setTimeout(() => setText(byId("link"), say("link.connecting")), RECONNECTING_SHOWN_MS);
  feed.open();
}
document.documentElement.dataset.started = "yes"; // see unstarted.js
byId("unstarted").hidden = true;
