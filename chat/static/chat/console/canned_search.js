// Finds replies kept ready by what an agent remembers of them, and fills in what they leave open. No DOM, no network.

/** @typedef {import("./wire.js").Canned} Canned */

const VARIABLE = /\{\{\s*(\w+)\s*\}\}/g;
// Also what a draft leaves to the agent: 【待填：…】 or [fill in: …].
const OPEN = /\{\{\s*\w+\s*\}\}|【待填[^】\n]*】|\[fill in[^\]\n]*\]/i;
/** What a letter of the query counts by where it is found. */
const POINTS = { title: 6, folder: 3, text: 2 };

/** The replies that have every word of the query, the best first; all of them, by folder, for an empty one. @param {Canned[]} replies @param {string} query */
export function findCanned(replies, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...replies].sort((a, b) => a.folder.localeCompare(b.folder) || a.title.localeCompare(b.title));
  const scored = replies.map((reply) => ({ reply, score: scoreOf(reply, words) })).filter(({ score }) => score > 0);
  return scored.sort((a, b) => b.score - a.score || a.reply.title.localeCompare(b.reply.title)).map(({ reply }) => reply);
}

/** @param {Canned} reply @param {string[]} words */
function scoreOf(reply, words) {
  let sum = 0;
  for (const word of words) {
    const best = Math.max(...Object.entries(POINTS).map(([field, points]) => points * likeness(/** @type {any} */ (reply)[field].toLowerCase(), word)));
    if (best <= 0) return 0;
    sum += best;
  }
  return sum;
}

/** 1 for a beginning, less for a place inside, least for letters in order with gaps; 0 where they are not all there. @param {string} text @param {string} word */
function likeness(text, word) {
  const at = text.indexOf(word);
  if (at === 0) return 1;
  if (at > 0) return 0.8;
  let from = 0;
  let first = -1;
  for (const sign of word) {
    const found = text.indexOf(sign, from);
    if (found < 0) return 0;
    if (first < 0) first = found;
    from = found + 1;
  }
  // Letters far apart say little.
  return (0.5 * word.length) / (from - first);
}

/** The text with its variables filled in; those without a value stay, so that nobody sends a gap. @param {string} text @param {Record<string, string>} values */
export function fill(text, values) {
  return text.replace(VARIABLE, (whole, name) => values[name] || whole);
}

/** Where the first open variable is, or null. @param {string} text @returns {[number, number] | null} */
export function openVariable(text) {
  const match = OPEN.exec(text);
  return match ? [match.index, match.index + match[0].length] : null;
}

/** The query of a composer that begins with a slash, or null. @param {string} text */
export function slashQuery(text) {
  const match = /^\/([^\n]{0,40})$/.exec(text);
  return match ? match[1] : null;
}
