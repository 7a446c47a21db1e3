// The emoji of the picker: `[emoji, key of its name]`. Hands take a skin tone.

/** @type {Record<string, [string, string][]>} */
export const GROUPS = {
  hands: [
    ["👍", "thumbs_up"],
    ["👎", "thumbs_down"],
    ["👋", "wave"],
    ["🙌", "raised_hands"],
    ["🙏", "folded_hands"],
    ["✌️", "victory"],
    ["👌", "ok"],
    ["✊", "fist"],
    ["💪", "muscle"],
    ["🤞", "crossed_fingers"],
  ],
  faces: [
    ["😁", "grin"],
    ["🤣", "laugh_hard"],
    ["😊", "smile"],
    ["😍", "heart_eyes"],
    ["😎", "cool"],
    ["🤔", "thinking"],
    ["😮", "surprised"],
    ["🤯", "mind_blown"],
    ["🥳", "party"],
    ["😢", "crying"],
    ["😅", "sweat"],
    ["😴", "sleepy"],
    ["👀", "eyes"],
  ],
  hearts: [
    ["🧡", "heart_orange"],
    ["💛", "heart_yellow"],
    ["💚", "heart_green"],
    ["💙", "heart_blue"],
    ["💜", "heart_purple"],
    ["💔", "heart_broken"],
    ["✅", "check"],
    ["❌", "cross"],
    ["❓", "question"],
    ["✨", "sparkles"],
  ],
  things: [
    ["🔥", "fire"],
    ["🎉", "tada"],
    ["🚀", "rocket"],
    ["💡", "light_bulb"],
    ["🎵", "music"],
    ["☕", "coffee"],
    ["🌹", "rose"],
    ["🌈", "rainbow"],
    ["🏆", "trophy"],
    ["🍿", "popcorn"],
  ],
};

/**
 * Skin tones by the name the catalogue has for them; "none" is the yellow one.
 *
 * @type {Record<string, string>}
 */
export const TONES = {
  none: "",
  light: "🏻",
  medium_light: "🏼",
  medium: "🏽",
  medium_dark: "🏾",
  dark: "🏿",
};

const hands = GROUPS.hands ?? [];
const TONED = new Set(["👏", "✊", ...hands.map(([emoji]) => emoji)]);
const VARIANT = "\ufe0f";

/**
 * The emoji in this tone, where it has one.
 * @param {string} emoji
 * @param {string} tone
 */
export function toned(emoji, tone) {
  const modifier = TONES[tone];
  return modifier && TONED.has(emoji) ? emoji.replace(VARIANT, "") + modifier : emoji;
}

const letters = new Intl.Segmenter("en", { granularity: "grapheme" });

/**
 * Whether the text is one emoji and nothing else; the server has the last word.
 * @param {string} text
 */
export const isOneEmoji = (text) =>
  [...letters.segment(text)].length === 1 &&
  /\p{Extended_Pictographic}|\p{Regional_Indicator}{2}|[#*0-9]\ufe0f?\u20e3/u.test(text);
