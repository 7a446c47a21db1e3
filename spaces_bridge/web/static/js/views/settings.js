// The sheet of what each person sets for this browser: volume, microphone, keys, language.

import { listMicrophones } from "../devices.js";
import { byId, el } from "../dom.js";
import { store, stored } from "../stored.js";
import { say } from "../words.js";

export function start(page) {
  const dialog = byId("settings-dialog");
  byId("open-settings").addEventListener("click", () => open(page));
  startVolume();
  for (const id of ["push-to-talk", "keys"]) {
    byId(id).checked = isOn(id);
    byId(id).addEventListener("change", ({ target }) => store(id, target.checked ? "yes" : "no"));
  }
  byId("device").addEventListener("change", ({ target }) => page.microphone.choose(target.value));
  byId("language").addEventListener("change", ({ target }) => speak(target.value));
  navigator.mediaDevices?.addEventListener("devicechange", () => dialog.open && showDevices(page));
}

/** Whether a setting of this browser is on; keys are, unless somebody turned them off. */
export const isOn = (name) => (stored(name) ?? (name === "keys" ? "yes" : "no")) === "yes";

function startVolume() {
  const volume = byId("volume");
  volume.closest(".field").hidden = !takesVolume(byId("audio"));
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

/** An iPhone leaves it to its own buttons. */
function takesVolume(audio) {
  audio.volume = 0.5;
  return audio.volume === 0.5;
}

async function open(page) {
  byId("settings-microphone").hidden = !page.state?.you.may_speak;
  byId("settings-dialog").showModal();
  await showDevices(page);
}

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

/** The same page in another language. Who one is stays in this tab. */
function speak(language) {
  const address = new URL(location.href);
  address.searchParams.set("lang", language);
  location.assign(address);
}
