// Going without a word.

import { byId } from "../dom.js";
import { isWidget } from "../widget.js";
import { say } from "../words.js";
import { askSure } from "./dialogs.js";
import { showLeft } from "./messages.js";

/** @import { Page } from "../page.js" */

/** @param {Page} page */
export function start(page) {
  const button = byId("leave");
  // a Matrix client shows this live space, and no other
  const links = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".elsewhere"));
  if (isWidget()) for (const link of links) link.hidden = true;
  page.on("change", ({ space }) => (button.hidden = space.state === "ended"));
  button.addEventListener("click", () => void leave(page));
}

/** @param {Page} page */
async function leave(page) {
  const { you, space } = page.now;
  const seated = you.role !== "listener" && space.state === "live";
  if (seated) {
    const text = say(you.role === "host" ? "leave.host_text" : "leave.text");
    if (!(await askSure({ title: say("leave.title"), text, yes: say("leave.yes") }))) return;
  }
  if (you.role === "speaker") page.ask({ type: "leave-stage" });
  else if (you.hand !== null) page.ask({ type: "hand", raised: false });
  page.stop();
  if (isWidget()) return showLeft();
  // back from the directory, the page begins anew
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  location.assign(document.body.dataset.home ?? "/");
}
