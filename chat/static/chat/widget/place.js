// Where a line stands among the others, and what follows from that for its look. Used by rows.js and answer.js.

import { h, setText } from "./dom.js";

const GROUP_MS = 5 * 60_000;

/** @typedef {import("./timeline.js").Item} Item */
/**
 * @typedef {object} Place what a line looks like because of what is around it
 * @property {boolean} first of a group
 * @property {boolean} last of a group
 * @property {string} day a heading to put above, or ""
 * @property {boolean} live nothing has been said after it
 * @property {boolean} past of an earlier conversation
 * @property {boolean} read by an agent
 * @property {string | null} chosen what the visitor answered its card
 */

/** @param {Item} item */
export function roleOf(item) {
  if (item.kind === "message") return item.message.role;
  return item.kind === "pending" ? "visitor" : "bot";
}

/** @param {Item} item @returns {Date | null} null while it is still being said */
export function timeOf(item) {
  if (item.kind === "partial") return null;
  const date = new Date(item.kind === "message" ? item.message.at : item.pending.at);
  return Number.isNaN(date.getTime()) ? null : date;
}

/**
 * @param {Item[]} items @param {number} index @param {import("./store.js").State} state
 * @param {import("./texts.js").Texts} texts @param {Date} now @returns {Place}
 */
export function placeOf(items, index, state, texts, now) {
  const item = items[index];
  const [before, after] = [items[index - 1], items[index + 1]];
  const day = texts.day(timeOf(item) ?? now, now);
  const past = item.kind === "message" && item.past === true;
  const seq = item.kind === "message" && !past ? item.message.seq : 0;
  const newDay = !before || day !== texts.day(timeOf(before) ?? now, now);
  return {
    first: newDay || !together(before, item),
    last: !after || !together(item, after),
    day: newDay ? day : "",
    live: !after,
    past,
    read: seq > 0 && seq <= state.agentRead,
    chosen: state.chosen[seq] ?? null,
  };
}

/** @param {Item} a @param {Item} b */
function together(a, b) {
  if (roleOf(a) !== roleOf(b) || authorOf(a) !== authorOf(b)) return false;
  const [from, to] = [timeOf(a), timeOf(b)];
  return !from || !to || Math.abs(to.getTime() - from.getTime()) < GROUP_MS;
}

/** @param {Item} item */
export function authorOf(item) {
  if (item.kind !== "message") return "";
  const { author } = item.message;
  return (typeof author === "string" ? author : author?.name) ?? "";
}

/** @param {HTMLElement} element @param {Place} place @param {HTMLElement} day */
export function setPlace(element, place, day) {
  element.classList.toggle("row--first", place.first);
  element.classList.toggle("row--last", place.last);
  setText(day, place.day);
  day.hidden = !place.day;
}

/** @param {string} role @param {...(HTMLElement | false)} children */
export function rowShell(role, ...children) {
  const day = h("div", { class: "day" });
  const element = h("article", { class: `row row--${role}`, "data-role": role }, day, ...children);
  return { element, day };
}
