// What the page says: the sentences of the reader's language, which the server put into the page.

/**
 * @typedef {Record<string, string | number | undefined>} Values
 * @typedef {{[category: string]: string, other: string}} Counting
 * @typedef {{code: string, text: string, with?: Values}} Spoken
 */

/** @type {{language: string, sentences: Record<string, string | Counting>}} */
const { language: code, sentences } = JSON.parse(
  document.getElementById("sentences")?.textContent ?? "",
);

/** BCP 47; the pseudo-language counts and dates in English. */
export const language = code.startsWith("qps") ? "en" : code;

const plurals = new Intl.PluralRules(language);

/**
 * The sentence `key`, its placeholders filled. A sentence that counts is chosen by `count`.
 * 
 * @param {string} key
 * @param {Values} [values]
 */
export function say(key, values = {}) {
  const sentence = sentences[key];
  if (sentence === undefined) throw new Error(`no sentence ${key}`);
  return fill(typeof sentence === "string" ? sentence : pick(sentence, Number(values.count)), values);
}

/**
 * The same, or null where there is no such sentence.
 * 
 * @param {string} key
 * @param {Values} [values]
 */
export const sayIfKnown = (key, values) => (Object.hasOwn(sentences, key) ? say(key, values) : null);

/**
 * What the server said: in the reader's language where its code is known, else in its own words.
 * 
 * @param {"error" | "notice"} kind
 * @param {Spoken} said
 */
export const sayOf = (kind, { code: name, text, with: values }) =>
  sayIfKnown(`${kind}.${name}`, values) ?? text;

/**
 * @param {Counting} sentence
 * @param {number} count
 */
const pick = (sentence, count) => sentence[plurals.select(count)] ?? sentence.other;

/**
 * @param {string} sentence
 * @param {Values} values
 */
function fill(sentence, values) {
  return sentence.replace(/\{([a-z_]+)\}/g, (whole, name) => String(values[name] ?? whole));
}
