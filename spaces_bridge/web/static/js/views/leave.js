// Going without a word.

import { byId } from "../dom.js";
import { isWidget } from "../widget.js";
import { say } from "../words.js";
import { askSure } from "./dialogs.js";
import { showLeft } from "./messages.js";

export function start(page) {
  const button = byId("leave");
  // a Matrix client shows this live space, and no other
  for (const link of isWidget() ? document.querySelectorAll(".elsewhere") : []) link.hidden = true;
  page.on("change", ({ space }) => (button.hidden = space.state === "ended"));
  button.addEventListener("click", () => leave(page));
}

async function leave(page) {
  const { you } = page.state;
  const seated = you.role !== "listener" && page.state.space.state === "live";
  if (seated) {
    const text = say(you.role === "host" ? "leave.host_text" : "leave.text");
    if (!(await askSure({ title: say("leave.title"), text, yes: say("leave.yes") }))) return;
  }
  if (you.role === "speaker") page.ask("leave-stage");
  else if (you.hand !== null) page.ask("hand", { raised: false });
  page.stop();
  if (isWidget()) return showLeft();
  // back from the directory, the page begins anew
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  location.assign(document.body.dataset.home);
}
