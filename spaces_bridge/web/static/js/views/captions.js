// What is said, as text: a log that follows along until the reader scrolls back.

import { byId, el } from "../dom.js";

const LINES_KEPT = 500;
const NEAR_PX = 48;

let following = true;

export function start(page) {
  page.on("hello", (frame) => showCaptions(frame.captions));
  page.on("caption", addCaption);
  const log = byId("captions");
  log.addEventListener("scroll", () => {
    following = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_PX;
    byId("newest").hidden = following;
  });
  byId("newest").addEventListener("click", () => {
    follow();
    log.focus({ preventScroll: true });
  });
  addEventListener("resize", () => following && follow());
}

/** All that is known; lines that stand already are not said again by screen readers. */
function showCaptions(captions) {
  const log = byId("captions");
  const standing = new Set([...log.children].map((node) => node.dataset.key).filter(Boolean));
  if (standing.size === 0) log.replaceChildren();
  for (const caption of captions) if (!standing.has(caption.id)) addCaption(caption);
  follow();
}

function addCaption(caption) {
  if (caption.final === false) return;
  const log = byId("captions");
  const language = /^[a-z]{2,3}$/.test(caption.language) ? caption.language : null;
  const name = el("span", { class: `caption-name ink-${Number(caption.tone) || 0}` }, el("bdi", {}, caption.name));
  const text = el("span", { class: "caption-text", dir: "auto" }, caption.text);
  log.append(el("p", { class: "caption", lang: language, "data-key": caption.id }, name, " ", text));
  while (log.children.length > LINES_KEPT) log.firstChild.remove();
  byId("captions-empty").hidden = true;
  byId("transcript").hidden = false;
  if (following) follow();
}

function follow() {
  const log = byId("captions");
  log.scrollTop = log.scrollHeight;
  following = true;
  byId("newest").hidden = true;
}
