// The directory needs no script; with one, times are the reader's, and the list renews itself.

import { localiseTimes } from "./dom.js";
import { offerToStart } from "./start_space.js";

const RENEW_MS = 20000;

async function renew() {
  if (document.hidden) return;
  const response = await fetch(location.href).catch(() => null);
  if (!response?.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const [now, next] = [document.querySelector("main"), fresh.querySelector("main")];
  if (now === null || next === null) return; // a proxy's own page
  localiseTimes(next);
  // somebody who is on a link keeps it
  if (next.innerHTML !== now.innerHTML && !now.contains(document.activeElement)) {
    now.replaceWith(document.adoptNode(next));
  }
}

localiseTimes();
void offerToStart();
setInterval(renew, RENEW_MS);
