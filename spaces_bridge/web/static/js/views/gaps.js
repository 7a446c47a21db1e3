// Whose connection is bad: the person is told below the buttons, hosts see it on the stage.

import { byId, childrenOf, el, setText } from "../dom.js";
import { say } from "../words.js";

/** @import { Page } from "../page.js" */

const FADE_MS = 6000; // the feed says it again every 2 s

/** @type {ReturnType<typeof setTimeout> | undefined} */
let fading;

/** @param {Page} page */
export function start(page) {
  /** @type {Set<string>} */
  let bad = new Set();
  const look = () => show(bad, page.state?.you.id ?? "");
  page.on("change", look);
  page.on("gaps", ({ missing }) => {
    bad = new Set(Object.keys(missing));
    clearTimeout(fading);
    if (bad.size > 0) fading = setTimeout(() => page.tell("gaps", { type: "gaps", missing: {} }), FADE_MS);
    look();
  });
}

/**
 * @param {Set<string>} bad
 * @param {string} me
 */
function show(bad, me) {
  setText(byId("connection"), bad.has(me) ? say("stage.your_gaps") : "");
  for (const node of childrenOf(byId("stage"))) {
    const mark = node.querySelector(".person-gaps");
    const { key = "" } = node.dataset;
    if (!bad.has(key)) mark?.remove();
    else if (mark === null) {
      const place = node.querySelector(".person-open") ?? node;
      place.append(el("span", { class: "person-gaps" }, say("stage.gaps")));
    }
  }
}
