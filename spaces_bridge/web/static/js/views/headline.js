// Title, state, count and time of the live space.

import { byId, localTime, setText } from "../dom.js";
import { say } from "../words.js";
import { showNotice } from "./messages.js";
import { offerPanel } from "./tabs.js";

/** @import { Page, State } from "../page.js" */

/** @param {Page} page */
export function start(page) {
  page.on("change", show);
}

/** @param {State} state */
function show({ space, roster, you }) {
  setText(byId("title"), space.title);
  setText(byId("host"), space.host.name);
  byId("space").dataset.state = space.state;
  byId("space").dataset.moderates = you.may_moderate ? "yes" : "no";
  offerPanel("words", space.state !== "scheduled");
  const badge = byId("state");
  badge.className = `badge badge-${space.state}`;
  setText(badge, say(`state.${space.state}`));
  byId("locked").hidden = !space.locked || space.state === "ended";
  byId("count").hidden = space.state !== "live";
  setText(byId("count-text"), say("headline.listening", { count: roster.listeners }));
  showWhen(space);
  byId("fine-captions").hidden = !space.captions;
  if (space.state === "ended") showNotice(say("end.ended"), { stays: true });
}

/** @param {Frames.Space} space */
function showWhen(space) {
  byId("when").hidden = space.state !== "scheduled";
  const at = space.scheduled_at;
  setText(byId("when"), at ? say("headline.starts_at", { time: localTime(at) }) : say("headline.starts_soon"));
}
