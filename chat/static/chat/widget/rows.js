// The lines of the conversation as elements: one per item of `timeline`, kept and updated by key.
// Called by view.js with the store's items; reads no state of its own and sends nothing.

import { answerRow } from "./answer.js";
import { imageElements } from "./cards.js";
import { h, icon, linkNodes, setText } from "./dom.js";
import { placeOf, roleOf, rowShell, setPlace, timeOf } from "./place.js";

/** @typedef {import("./timeline.js").Item} Item */
/** @typedef {import("./place.js").Place} Place */
/**
 * @typedef {object} Does what the visitor can do to a line
 * @property {(clientId: string) => void} retry
 * @property {(seq: number, button: import("./wire.js").CardButton) => void} choose
 * @property {(seq: number, value: "up" | "down", reason?: string) => void} feedback
 * @property {() => void} requestHuman
 * @property {(url: string) => void} openImage
 * @property {(id: string) => Promise<string>} address
 */
/** @typedef {{ element: HTMLElement, update: (item: Item, place: Place) => void, remove?: () => void }} Row */

/**
 * @param {object} options
 * @param {HTMLElement} options.list
 * @param {import("./texts.js").Texts} options.texts
 * @param {string} options.botName
 * @param {boolean} options.aiLabel
 * @param {Does} options.does
 * @param {() => void} options.onGrow
 * @param {() => boolean} options.atOnce see reveal.js
 */
export function createRows({ list, texts, botName, aiLabel, does, onGrow, atOnce }) {
  /** @type {Map<string, { row: Row, item: Item, place: string }>} */
  const rows = new Map();

  /** @param {Item} item */
  const create = (item) => {
    const role = roleOf(item);
    if (role === "system") return systemRow();
    return role === "visitor" ? visitorRow({ texts, does }) : answerRow({ texts, botName, aiLabel, does, onGrow, atOnce, role });
  };

  return {
    /** @param {Item[]} items @param {import("./store.js").State} state @param {Date} now */
    render(items, state, now) {
      const keys = new Set(items.map((item) => item.key));
      for (const [key, { row }] of rows) {
        if (keys.has(key)) continue;
        row.remove?.();
        row.element.remove();
        rows.delete(key);
      }
      items.forEach((item, index) => {
        const place = placeOf(items, index, state, texts, now);
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

/** @param {{ texts: import("./texts.js").Texts, does: Does }} options @returns {Row} */
function visitorRow({ texts, does }) {
  const { t } = texts;
  const bubble = h("div", { class: "bubble", dir: "auto" });
  const images = h("div", { class: "images" });
  let shown = "";
  const meta = h("div", { class: "meta" });
  const speaker = h("span", { class: "sr-only" }, t("you"));
  const { element, day } = rowShell("visitor", h("div", { class: "stack" }, speaker, images, bubble, meta));

  /** @param {import("./store.js").Pending} pending */
  const pendingMeta = (pending) => {
    if (pending.status === "acked") return [texts.time(new Date(pending.at)), sentMark(t("sent"))];
    if (pending.status !== "failed") return [icon("clock"), t(pending.status === "sending" ? "sending" : "waitingSend")];
    const retry = h("button", { type: "button", class: "link", onclick: () => does.retry(pending.client_id) }, t("retry"));
    return [icon("alert"), h("span", {}, pending.error ? t("failedWhy", { reason: pending.error }) : t("failed")), retry];
  };

  return {
    element,
    update(item, place) {
      setPlace(element, place, day);
      if (item.kind === "partial") return;
      const { text, attachments = [] } = item.kind === "message" ? item.message : item.pending;
      if (bubble.textContent !== text) bubble.replaceChildren(...linkNodes(text));
      bubble.hidden = !text;
      const ids = attachments.map(({ id }) => id).join();
      if (ids !== shown) images.replaceChildren(...imageElements(attachments, t, { onOpen: does.openImage, address: does.address }));
      shown = ids;
      const status = item.kind === "pending" ? item.pending.status : "stored";
      element.dataset.status = status;
      const time = timeOf(item);
      const stored = () => [time ? texts.time(time) : "", sentMark(t(place.read ? "read" : "sent"), place.read)];
      meta.replaceChildren(...(item.kind === "pending" ? pendingMeta(item.pending) : stored()));
      meta.hidden = !place.last && (status === "stored" || status === "acked");
    },
  };
}

/** @param {string} label */
function sentMark(label, isRead = false) {
  return h("span", { class: "tick", title: label }, icon(isRead ? "checks" : "check"), h("span", { class: "sr-only" }, label));
}
