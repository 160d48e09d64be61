// The lines of the conversation as elements: one per item of `timeline`, kept and updated by key.
// Called by view.js with the store's items; reads no state of its own and sends nothing.

import { createReveal } from "./reveal.js";
import { splitLinks } from "./linkify.js";
import { h, icon, setAttribute, setText } from "./dom.js";

const GROUP_MS = 5 * 60_000;
const SLOW_MS = 8_000;

/** @typedef {import("./store.js").Item} Item */
/** @typedef {{ first: boolean, last: boolean, day: string }} Place  `day` is a heading to put above, or "" */
/** @typedef {{ element: HTMLElement, update: (item: Item, place: Place) => void, remove?: () => void }} Row */

/**
 * @param {object} options
 * @param {HTMLElement} options.list
 * @param {import("./texts.js").Texts} options.texts
 * @param {string} options.botName
 * @param {(clientId: string) => void} options.onRetry
 * @param {() => void} options.onGrow
 * @param {() => boolean} options.atOnce see reveal.js
 */
export function createRows({ list, texts, botName, onRetry, onGrow, atOnce }) {
  /** @type {Map<string, { row: Row, item: Item, place: string }>} */
  const rows = new Map();

  /** @param {Item} item */
  const create = (item) => {
    const role = roleOf(item);
    if (role === "system") return systemRow();
    return role === "visitor" ? visitorRow({ texts, onRetry }) : answerRow({ texts, botName, onGrow, atOnce, role });
  };

  return {
    /** @param {Item[]} items @param {Date} now */
    render(items, now) {
      const keys = new Set(items.map((item) => item.key));
      for (const [key, { row }] of rows) {
        if (keys.has(key)) continue;
        row.remove?.();
        row.element.remove();
        rows.delete(key);
      }
      items.forEach((item, index) => {
        const place = placeOf(items, index, texts, now);
        const mark = JSON.stringify(place);
        const known = rows.get(item.key);
        const row = known?.row ?? create(item);
        if (!known || !isSame(known.item, item) || known.place !== mark) row.update(item, place);
        rows.set(item.key, { row, item, place: mark });
        if (list.children[index] !== row.element) list.insertBefore(row.element, list.children[index] ?? null);
      });
    },
  };
}

/** @param {Item} a @param {Item} b */
function isSame(a, b) {
  if (a.kind === "message") return b.kind === "message" && a.message === b.message;
  if (a.kind === "pending") return b.kind === "pending" && a.pending === b.pending;
  return b.kind === "partial" && a.text === b.text;
}

/** @param {Item} item */
function roleOf(item) {
  if (item.kind === "message") return item.message.role;
  return item.kind === "pending" ? "visitor" : "bot";
}

/** @param {Item} item @returns {Date | null} null while it is still being said */
function timeOf(item) {
  if (item.kind === "partial") return null;
  const date = new Date(item.kind === "message" ? item.message.at : item.pending.at);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** @param {Item[]} items @param {number} index @param {import("./texts.js").Texts} texts @param {Date} now @returns {Place} */
function placeOf(items, index, texts, now) {
  const item = items[index];
  const [before, after] = [items[index - 1], items[index + 1]];
  const day = texts.day(timeOf(item) ?? now, now);
  const newDay = !before || day !== texts.day(timeOf(before) ?? now, now);
  return {
    first: newDay || !together(before, item),
    last: !after || !together(item, after),
    day: newDay ? day : "",
  };
}

/** @param {Item} a @param {Item} b */
function together(a, b) {
  if (roleOf(a) !== roleOf(b) || authorOf(a) !== authorOf(b)) return false;
  const [from, to] = [timeOf(a), timeOf(b)];
  return !from || !to || Math.abs(to.getTime() - from.getTime()) < GROUP_MS;
}

/** @param {Item} item */
function authorOf(item) {
  if (item.kind !== "message") return "";
  const { author } = item.message;
  return (typeof author === "string" ? author : author?.name) ?? "";
}

/** @param {HTMLElement} element @param {Place} place @param {HTMLElement} day */
function setPlace(element, place, day) {
  element.classList.toggle("row--first", place.first);
  element.classList.toggle("row--last", place.last);
  setText(day, place.day);
  day.hidden = !place.day;
}

/** @param {string} role @param {...(HTMLElement | false)} children */
function rowShell(role, ...children) {
  const day = h("div", { class: "day" });
  const element = h("article", { class: `row row--${role}`, "data-role": role }, day, ...children);
  return { element, day };
}

/** @returns {Row} */
function systemRow() {
  const line = h("p", { class: "notice", dir: "auto" });
  const { element, day } = rowShell("system", line);
  return {
    element,
    update(item, place) {
      setPlace(element, place, day);
      if (item.kind === "message") setText(line, item.message.text);
    },
  };
}

/** @param {{ texts: import("./texts.js").Texts, onRetry: (clientId: string) => void }} options @returns {Row} */
function visitorRow({ texts, onRetry }) {
  const { t } = texts;
  const bubble = h("div", { class: "bubble", dir: "auto" });
  const meta = h("div", { class: "meta" });
  const speaker = h("span", { class: "sr-only" }, t("you"));
  const { element, day } = rowShell("visitor", h("div", { class: "stack" }, speaker, bubble, meta));

  /** @param {import("./store.js").Pending} pending */
  const pendingMeta = (pending) => {
    if (pending.status === "acked") return [texts.time(new Date(pending.at)), sentMark(t("sent"))];
    if (pending.status !== "failed") return [icon("clock"), t(pending.status === "sending" ? "sending" : "waitingSend")];
    const retry = h("button", { type: "button", class: "link", onclick: () => onRetry(pending.client_id) }, t("retry"));
    return [icon("alert"), h("span", {}, pending.error ? t("failedWhy", { reason: pending.error }) : t("failed")), retry];
  };

  return {
    element,
    update(item, place) {
      setPlace(element, place, day);
      if (item.kind === "partial") return;
      const text = item.kind === "message" ? item.message.text : item.pending.text;
      if (bubble.textContent !== text) bubble.replaceChildren(...linkNodes(text));
      const status = item.kind === "pending" ? item.pending.status : "stored";
      element.dataset.status = status;
      const time = timeOf(item);
      meta.replaceChildren(...(item.kind === "pending" ? pendingMeta(item.pending) : [time ? texts.time(time) : "", sentMark(t("sent"))]));
      meta.hidden = !place.last && (status === "stored" || status === "acked");
    },
  };
}

/** @param {string} label */
function sentMark(label) {
  return h("span", { class: "tick", title: label }, icon("check"), h("span", { class: "sr-only" }, label));
}

/**
 * A bot's or an agent's line. A bot's begins as dots, grows as text, and stays the same element when its row comes.
 * @param {object} options
 * @param {import("./texts.js").Texts} options.texts
 * @param {string} options.botName
 * @param {() => void} options.onGrow
 * @param {() => boolean} options.atOnce
 * @param {string} options.role
 * @returns {Row}
 */
function answerRow({ texts, botName, onGrow, atOnce, role }) {
  const { t } = texts;
  const isBot = role === "bot";
  const node = document.createTextNode("");
  const body = h("div", { class: "body", dir: "auto" }, node);
  const dots = typingDots(t("typing"));
  const bubble = h("div", { class: "bubble" }, dots, body);
  const name = h("span", { class: "name" });
  const badge = h("span", { class: "badge", title: t("aiTitle") }, t("aiBadge"));
  const meta = h("div", { class: "meta" });
  const avatar = h("div", { class: "avatar", "aria-hidden": "true" }, isBot && icon("bot"));
  const stack = h("div", { class: "stack" }, h("div", { class: "who" }, name, badge), bubble, meta);
  const { element, day } = rowShell(role, avatar, stack);
  let streamed = false;
  let stored = "";

  /** The text stands: addresses in it become links. */
  const complete = () => {
    streamed = false;
    element.dataset.status = "stored";
    body.replaceChildren(...linkNodes(stored));
    onGrow();
  };
  const reveal = createReveal({ node, atOnce, onGrow, onComplete: complete });
  const slow = setTimeout(() => setText(meta, streamed && !node.data ? t("stillWorking") : meta.textContent ?? ""), SLOW_MS);

  /** @param {string} text */
  const showStored = (text) => {
    if (stored === text) return;
    stored = text;
    if (streamed) reveal.set(text, { isFinal: true });
    else complete();
  };

  return {
    element,
    update(item, place) {
      setPlace(element, place, day);
      const message = item.kind === "message" ? item.message : null;
      const isAi = message ? message.ai !== false && isBot : true;
      setAttribute(element, "data-ai", isAi ? "true" : null);
      badge.hidden = !isAi;
      setText(name, isBot ? botName : authorOf(item) || t("agent"));
      if (!isBot) setText(avatar, (name.textContent ?? "").trim().slice(0, 1));
      dots.hidden = !(item.kind === "partial" && !item.text);
      if (!message) element.dataset.status = dots.hidden ? "streaming" : "thinking";
      if (item.kind === "partial") {
        streamed = true;
        if (item.text || node.data) reveal.set(item.text, { isFinal: false });
      } else if (message) {
        clearTimeout(slow);
        showStored(message.text);
      }
      const time = timeOf(item);
      if (message || item.kind === "partial" && item.text) setText(meta, message && time ? texts.time(time) : "");
      meta.hidden = !place.last;
    },
    remove() {
      clearTimeout(slow);
      reveal.stop();
    },
  };
}

/** @param {string} label */
export function typingDots(label) {
  const dots = h("span", { class: "dots" }, h("i"), h("i"), h("i"), h("span", { class: "sr-only" }, label));
  return dots;
}

/** @param {string} text @returns {Node[]} */
function linkNodes(text) {
  return splitLinks(text).map((piece) =>
    piece.href
      ? h("a", { href: piece.href, target: "_blank", rel: "noopener noreferrer nofollow" }, piece.text)
      : document.createTextNode(piece.text),
  );
}
