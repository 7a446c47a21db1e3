// Title, state, count, and what the host may do with the whole live space.

import { byId, el, localTime, setText } from "../dom.js";
import { words } from "../words.js";

export function showHeadline({ space, roster, you }, host) {
  document.title = space.title;
  setText(byId("title"), space.title);
  setText(byId("host"), space.host.name);
  byId("space").dataset.state = space.state;
  byId("space").dataset.moderates = you.may_moderate ? "yes" : "no";
  byId("words").hidden = space.state === "scheduled";
  const badge = byId("state");
  badge.className = `badge badge-${space.state}`;
  setText(badge, words.state[space.state]);
  byId("locked").hidden = !space.locked || space.state === "ended";
  byId("count").hidden = space.state !== "live";
  setText(byId("count-text"), words.listening(roster.listeners));
  byId("when").hidden = space.state !== "scheduled";
  const at = space.scheduled_at;
  setText(byId("when"), at ? words.startsAt(localTime(at)) : words.startsSoon);
  byId("fine-captions").hidden = !space.captions;
  showHosting(space, you, host);
}

function showHosting(space, you, host) {
  const box = byId("hosting");
  const verb = you.may_end ? { scheduled: "start", live: "end" }[space.state] : undefined;
  box.hidden = verb === undefined;
  if (box.dataset.verb === verb) return;
  box.dataset.verb = verb;
  box.replaceChildren();
  if (verb === "start") {
    box.append(el("button", { type: "button", class: "button button-strong", click: host.start }, words.start));
  } else if (verb === "end") {
    box.append(el("button", { type: "button", class: "button button-danger", click: host.end }, words.end));
  }
}

export function showSorry(title, text) {
  byId("space").hidden = true;
  byId("bar").hidden = true;
  byId("sorry").hidden = false;
  byId("link").hidden = true;
  setText(byId("sorry-title"), title);
  setText(byId("sorry-text"), text);
}

export function showSpace() {
  byId("sorry").hidden = true;
  byId("link").hidden = false;
  byId("space").hidden = false;
}

let hiding = 0;

/** One sentence for everybody to read; it goes by itself unless it is to stay. */
export function showNotice(text, { stays = false } = {}) {
  const box = byId("notice");
  box.hidden = false;
  setText(box, text);
  clearTimeout(hiding);
  if (!stays) hiding = setTimeout(() => (box.hidden = true), 12000);
}
