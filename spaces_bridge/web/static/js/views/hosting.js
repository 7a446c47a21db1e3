// What a host may do with the whole live space.

import { settle } from "../aim.js";
import { byId, el } from "../dom.js";
import { say } from "../words.js";
import { askSure } from "./dialogs.js";

export function start(page) {
  page.on("change", ({ space, you }) => show(page, space, you));
}

function show(page, space, you) {
  const box = byId("hosting");
  const verb = you.may_end ? { scheduled: "start", live: "end" }[space.state] : undefined;
  box.hidden = verb === undefined;
  if (box.dataset.verb === verb) return;
  const replaces = box.firstElementChild !== null;
  box.dataset.verb = verb;
  box.replaceChildren();
  if (verb === "start") box.append(button("button-strong", say("hosting.start"), () => page.ask("start")));
  else if (verb === "end") box.append(button("button-danger", say("hosting.end"), () => end(page)));
  if (replaces && box.firstElementChild) settle(box.firstElementChild);
}

const button = (look, label, click) =>
  el("button", { type: "button", class: `button ${look}`, click }, label);

async function end(page) {
  const question = {
    title: say("hosting.end_title"),
    text: say("hosting.end_text"),
    yes: say("hosting.end_yes"),
  };
  if (await askSure(question)) page.ask("end");
}
