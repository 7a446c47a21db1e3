// What the server gives up because it has too much to do, for those who moderate.

import { byId, setText } from "../dom.js";
import { sayIfKnown } from "../words.js";

/** @import { Page, State } from "../page.js" */

/** @param {Page} page */
export function start(page) {
  page.on("change", show);
}

/** @param {State} state */
function show({ space, you }) {
  const concerns = you.may_moderate && space.state === "live" && space.overload > 0;
  const words = concerns ? (sayIfKnown(`overload.step_${space.overload}`) ?? "") : "";
  byId("overload").hidden = words === "";
  setText(byId("overload"), words);
}
