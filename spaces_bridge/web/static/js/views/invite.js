// Bringing others: the address, its picture, invitations by the bot; and following the host.

import { settle } from "../aim.js";
import { byId, setText } from "../dom.js";
import { say } from "../words.js";
import { openSheet, sayIn } from "./dialogs.js";

/** @import { Page, State } from "../page.js" */

/** A Matrix ID, plain or in a matrix.to link, perhaps with marks of a sentence around it. */
const MXID = /^[^\s@]*(@[^\s:*?]+:(?:\[[\da-f:.]+\]|[a-z\d](?:[a-z\d.-]*[a-z\d])?)(?::\d+)?)[^\s@]*$/i;

let follows = false; // what the server said first, then what was done here
/** @type {string | null} */
let host = null; // whom that is about

/** @param {Page} page */
export function start(page) {
  page.on("hello", ({ space, you }) => {
    follows = you.follows_host;
    host = space.host.id;
  });
  page.on("change", show);
  byId("invite").addEventListener("click", () => open(page));
  byId("invite-copy").addEventListener("click", () => void copy());
  byId("invite-share").addEventListener("click", () => send(page));
  byId("invite-form").addEventListener("submit", (event) => {
    event.preventDefault();
    invite(page);
  });
  byId("invite-followers").addEventListener("click", () => page.ask({ type: "invite", followers: true }));
  const said = byId("invite-said");
  sayIn(page, byId("invite-dialog"), { errors: said, notices: said });
  startFollowing(page);
}

/** @param {State} state */
function show({ space, you }) {
  const ended = space.state === "ended";
  const account = you.id !== null && !you.guest;
  byId("invite").hidden = ended;
  byId("calendar").hidden = space.state !== "scheduled" || !space.scheduled_at || space.private;
  byId("invite-form").hidden = !account || (space.private && !you.may_moderate);
  byId("invite-followers").hidden = !account || !you.may_moderate;
  setText(byId("invite-text"), say(space.private ? "invite.private" : "invite.text"));
  byId("invite-address").value = space.page;
  const matrix = byId("invite-matrix");
  matrix.hidden = !space.room_alias;
  if (space.room_alias) matrix.href = `https://matrix.to/#/${encodeURIComponent(space.room_alias)}`;
  byId("invite-share").hidden = typeof navigator.share !== "function";
  const follow = byId("follow");
  follow.hidden = !account || you.id === space.host.id;
  if (space.host.id !== host) {
    follows = false;
    host = space.host.id;
    settle(follow); // it is about somebody else from now on
  }
  const key = follows ? "invite.unfollow" : "invite.follow";
  setText(follow, say(key, { name: space.host.name }));
}

/** @param {Page} page */
function open(page) {
  setText(byId("invite-said"), "");
  openSheet(byId("invite-dialog"), byId("invite-copy"));
  showPicture(page);
}

/**
 * Asked for only now; where the server has none, there is none.
 * 
 * @param {Page} page
 */
function showPicture(page) {
  const picture = byId("invite-qr");
  if (picture.src) return;
  picture.onload = () => (picture.hidden = false);
  picture.onerror = () => picture.remove();
  picture.src = page.at("qr.svg");
}

async function copy() {
  const field = byId("invite-address");
  field.focus();
  field.select();
  const copied = await navigator.clipboard?.writeText(field.value).then(
    () => true,
    () => false,
  );
  setText(byId("invite-said"), say(copied ? "invite.copied" : "invite.not_copied"));
  if (copied) byId("invite-copy").focus();
}

/**
 * The share sheet of the phone; whoever closes it has changed their mind.
 * 
 * @param {Page} page
 */
function send({ now: { space } }) {
  navigator.share({ title: space.title, url: space.page }).catch(() => {});
}

/** @param {Page} page */
function invite(page) {
  const field = byId("invite-user");
  const user = MXID.exec(field.value.trim().replace(/%40/i, "@").replace(/%3a/gi, ":"))?.[1];
  if (!user) {
    setText(byId("invite-said"), say("invite.bad_user"));
    field.focus();
    return;
  }
  if (page.ask({ type: "invite", user })) field.value = "";
}

// --- following the host -----------------------------------------------------------------------

/** @param {Page} page */
function startFollowing(page) {
  byId("follow").addEventListener("click", () => {
    const wanted = !follows;
    if (!page.ask({ type: wanted ? "follow" : "unfollow" })) return;
    follows = wanted;
    page.changed();
  });
}
