// The sheet of what each person sets for this browser: volume, microphone, keys, language.

import { askToNotify, mayNotify } from "../desktop.js";
import { listMicrophones } from "../devices.js";
import { byId, el, setText } from "../dom.js";
import { store, stored } from "../stored.js";
import { say } from "../words.js";

/** @import { Page } from "../page.js" */

/** On, unless somebody turned it off here. */
const ON_AT_FIRST = new Set(["keys", "news-said", "news-sound"]);

/** @type {("push-to-talk" | "keys" | "news-said" | "news-sound" | "news-desktop")[]} */
const SWITCHES = ["push-to-talk", "keys", "news-said", "news-sound", "news-desktop"];

/** @param {Page} page */
export function start(page) {
  const dialog = byId("settings-dialog");
  byId("open-settings").addEventListener("click", () => void open(page));
  startVolume();
  for (const id of SWITCHES) {
    const box = byId(id);
    box.checked = isOn(id);
    box.addEventListener("change", () => store(id, box.checked ? "yes" : "no"));
  }
  startDesktop(byId("news-desktop"));
  const [device, language] = [byId("device"), byId("language")];
  device.addEventListener("change", () => void page.microphone.choose(device.value));
  language.addEventListener("change", () => speak(language.value));
  navigator.mediaDevices?.addEventListener("devicechange", () => {
    if (dialog.open) void showDevices(page);
  });
}

/**
 * Whether a setting of this browser is on.
 * 
 * @param {string} name
 */
export const isOn = (name) => (stored(name) ?? (ON_AT_FIRST.has(name) ? "yes" : "no")) === "yes";

/**
 * The browser asks the person; where it is forbidden, the switch goes back and says so.
 * 
 * @param {HTMLInputElement} box
 */
function startDesktop(box) {
  byId("news-desktop-row").hidden = !mayNotify();
  if (mayNotify() && Notification.permission !== "granted") box.checked = false;
  const ask = async () => {
    setText(byId("news-refused"), "");
    if (!box.checked || (await askToNotify())) return;
    box.checked = false;
    store("news-desktop", "no");
    setText(byId("news-refused"), say("settings.news_refused"));
  };
  box.addEventListener("change", () => void ask());
}

function startVolume() {
  const volume = byId("volume");
  const row = /** @type {HTMLElement} */ (volume.closest(".field"));
  row.hidden = !takesVolume(byId("audio"));
  volume.value = stored("volume") ?? "100";
  const apply = () => {
    byId("audio").volume = Number(volume.value) / 100;
  };
  volume.addEventListener("input", () => {
    apply();
    store("volume", volume.value);
  });
  apply();
}

/**
 * An iPhone leaves it to its own buttons.
 * 
 * @param {HTMLAudioElement} audio
 */
function takesVolume(audio) {
  audio.volume = 0.5;
  return audio.volume === 0.5;
}

/** @param {Page} page */
async function open(page) {
  byId("settings-microphone").hidden = !page.state?.you.may_speak;
  byId("settings-news").hidden = !page.state?.you.may_moderate;
  byId("settings-dialog").showModal();
  await showDevices(page);
}

/** @param {Page} page */
async function showDevices({ microphone }) {
  const devices = await listMicrophones();
  const options = devices.map(({ id, label }, n) =>
    el("option", { value: id }, label || say("settings.device_number", { number: n + 1 })),
  );
  const select = byId("device");
  select.replaceChildren(...(options.length ? options : [el("option", { value: "" }, say("settings.device_default"))]));
  select.disabled = devices.length === 0;
  if (microphone.device !== null) select.value = microphone.device;
}

/**
 * The same page in another language. Who one is stays in this tab.
 * 
 * @param {string} language
 */
function speak(language) {
  const address = new URL(location.href);
  address.searchParams.set("lang", language);
  location.assign(address);
}
