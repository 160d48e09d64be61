// The replies kept ready, above the composer once a slash is typed: by folder, or by what is searched, by keyboard.

import { h } from "../widget/dom.js";
import { findCanned } from "./canned_search.js";

const SHOWN = 50;

/**
 * @typedef {import("./wire.js").Canned} Canned
 * @typedef {{ pick: (reply: Canned) => void, edit: (reply: Canned | null) => void }} Does
 */

/** @param {import("./texts.js").Texts} texts @param {Does} does */
export function createCanned(texts, does) {
  const { t } = texts;
  const rows = h("ul", { class: "canned-rows", role: "listbox", id: "canned-rows", "aria-label": t("canned") });
  const add = h("button", { type: "button", class: "button button--plain", onclick: () => does.edit(null) }, t("cannedAdd"));
  const root = h("div", { class: "canned", hidden: true }, rows, h("footer", { class: "canned-foot" }, h("span", { class: "muted grow" }, t("cannedHint")), add));
  /** @type {Canned[]} */
  let found = [];
  let at = 0;

  /** @param {Canned[]} replies @param {string | null} query null closes it */
  function show(replies, query) {
    root.hidden = query === null;
    if (query === null) return;
    found = findCanned(replies, query).slice(0, SHOWN);
    at = 0;
    render(query === "");
  }

  /** @param {boolean} byFolder */
  function render(byFolder) {
    let folder = "";
    const nodes = found.flatMap((reply, index) => {
      const heading = byFolder && reply.folder !== folder ? [h("li", { class: "canned-folder", role: "presentation" }, reply.folder.split("/").join(" › "))] : [];
      folder = reply.folder;
      return [...heading, rowOf(reply, index, byFolder)];
    });
    rows.replaceChildren(...(nodes.length ? nodes : [h("li", { class: "muted canned-none" }, t("cannedNone"))]));
    mark();
  }

  /** @param {Canned} reply @param {number} index @param {boolean} byFolder */
  function rowOf(reply, index, byFolder) {
    const edit = reply.scope === "own" && h("button", { type: "button", class: "link", tabindex: "-1", onclick: (/** @type {Event} */ event) => (event.stopPropagation(), does.edit(reply)) }, t("edit"));
    return h(
      "li",
      { class: "canned-row", role: "option", id: `canned-${index}`, "data-index": String(index), onmousedown: (/** @type {Event} */ event) => event.preventDefault(), onclick: () => does.pick(reply) },
      h("span", { class: "canned-top" }, h("b", {}, reply.title), h("span", { class: "chip" }, t(reply.scope === "own" ? "cannedOwn" : reply.scope === "team" ? "cannedTeam" : "cannedAll")), !byFolder && reply.folder && h("span", { class: "muted" }, reply.folder), h("span", { class: "grow" }), edit),
      h("span", { class: "canned-text muted" }, reply.text),
    );
  }

  function mark() {
    for (const element of rows.querySelectorAll(".canned-row")) {
      const chosen = element.getAttribute("data-index") === String(at);
      element.setAttribute("aria-selected", String(chosen));
      if (chosen) element.scrollIntoView({ block: "nearest" });
    }
  }

  /** Whether the key was for the list. @param {KeyboardEvent} event */
  function key(event) {
    if (root.hidden) return false;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      at = Math.max(0, Math.min(found.length - 1, at + (event.key === "ArrowDown" ? 1 : -1)));
      mark();
      return true;
    }
    if ((event.key === "Enter" || event.key === "Tab") && found[at]) {
      does.pick(found[at]);
      return true;
    }
    if (event.key === "Escape") {
      root.hidden = true;
      return true;
    }
    return false;
  }

  return { root, show, key, active: () => (root.hidden || found.length === 0 ? "" : `canned-${at}`) };
}
