// Showing somebody out, from their sheet.

import { nameOf } from "../names.js";
import { say } from "../words.js";
import { askSure } from "./dialogs.js";
import { personActions } from "./person.js";

export function start(page) {
  personActions.push((person, { you, space }) => {
    const above = person.id === space.host.id || (person.role === "cohost" && you.role !== "host");
    if (!you.may_moderate || person.id === you.id || above) return [];
    return [{ label: say("person.remove"), danger: true, run: () => remove(page, person) }];
  });
}

async function remove(page, person) {
  const question = {
    title: say("person.remove_title", { name: nameOf(person) }),
    text: say("person.remove_text"),
    yes: say("person.remove_yes"),
  };
  if (await askSure(question)) page.ask("remove", { user: person.id });
}
