// Words broken into lines, as subtitles are. Pure: text and width in, lines out.
//
// Greedy from the start, so a text that grows at its end never moves the words before: each word
// keeps its line, which is what lets the large view roll up without flowing anew.

// Scripts written without spaces, which break between any two signs, and what must not begin a line.
const UNSPACED = "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}ー";
const CLOSING = "\\p{Pe}\\p{Pf}、。，．！？：；…";
const PIECE = new RegExp(`[${UNSPACED}][${CLOSING}]*|[^\\s${UNSPACED}]+`, "gu");

// Signs that take two columns on a screen.
const WIDE = new RegExp(`[${UNSPACED}\\p{Script=Hangul}\\p{Emoji_Presentation}\\u3000-\\u303f\\uff01-\\uff60]`, "u");

const signs = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/**
 * Lines of at most `width` columns: `{ start, text }`, where `text` stands in the given one at
 * `start` (UTF-16 units). Only a word longer than a line is cut.
 * 
 * @param {string} text
 * @param {number} width
 */
export function lines(text, width) {
  /** @type {{start: number, end: number, columns: number}[]} */
  const found = [];
  let line = found.at(-1);
  for (const piece of pieces(text, width)) {
    const more = line === undefined ? 0 : columns(text.slice(line.end, piece.end));
    if (line !== undefined && line.columns + more <= width) {
      line.end = piece.end;
      line.columns += more;
    } else {
      line = { ...piece, columns: columns(text.slice(piece.start, piece.end)) };
      found.push(line);
    }
  }
  return found.map(({ start, end }) => ({ start, text: text.slice(start, end).replace(/\s/g, " ") }));
}

/**
 * @param {string} text
 * @param {number} width
 */
function* pieces(text, width) {
  for (const { 0: word, index } of text.matchAll(PIECE)) {
    let [start, end, used] = [index, index, 0];
    for (const { segment } of signs.segment(word)) {
      const sign = columns(segment);
      if (used + sign > width && end > start) {
        yield { start, end };
        [start, used] = [end, 0];
      }
      end += segment.length;
      used += sign;
    }
    yield { start, end };
  }
}

/** @param {string} text */
function columns(text) {
  let count = 0;
  for (const { segment } of signs.segment(text)) count += WIDE.test(segment) ? 2 : 1;
  return count;
}

/**
 * Where the first `points` code points of a text end, in UTF-16 units.
 * @param {string} text
 * @param {number} points
 */
export function unitsOf(text, points) {
  let units = 0;
  for (const sign of text) {
    if (points <= 0) break;
    points -= 1;
    units += sign.length;
  }
  return units;
}
