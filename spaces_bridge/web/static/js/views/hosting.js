// What a host may do with the whole live space.

import { settle } from "../aim.js";
import { byId, childrenOf, el } from "../dom.js";
import { say } from "../words.js";
import { askSure } from "./dialogs.js";

/** @import { Page } from "../page.js" */

/** @param {Page} page */
export function start(page) {
  page.on("change", ({ space, you }) => show(page, space, you));
}

/**
 * @param {Page} page
 * @param {Frames.Space} space
 * @param {Frames.You} you
 */
function show(page, space, you) {
  const box = byId("hosting");
  const verbs = { scheduled: "start", live: "end", ended: undefined };
  const verb = you.may_end ? verbs[space.state] : undefined;
  box.hidden = verb === undefined;
  if (box.dataset.verb === verb) return;
  const replaces = box.firstElementChild !== null;
  if (verb === undefined) delete box.dataset.verb;
  else box.dataset.verb = verb;
  box.replaceChildren();
  if (verb === "start") box.append(button("button-strong", say("hosting.start"), () => page.ask({ type: "start" })));
  else if (verb === "end") box.append(button("button-danger", say("hosting.end"), () => void end(page)));
  const [first] = childrenOf(box);
  if (replaces && first) settle(first);
}

/**
 * @param {string} look
 * @param {string} label
 * @param {() => void} click
 */
const button = (look, label, click) =>
  el("button", { type: "button", class: `button ${look}`, click }, label);

/** @param {Page} page */
async function end(page) {
  const question = {
    title: say("hosting.end_title"),
    text: say("hosting.end_text"),
    yes: say("hosting.end_yes"),
  };
  if (await askSure(question)) page.ask({ type: "end" });
}
