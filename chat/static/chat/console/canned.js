// The replies kept ready, above the composer once a slash is typed: by folder, or by what is searched, by keyboard.

import { h } from "../widget/dom.js";
import { findCanned } from "./canned_search.js";
import { createChoices } from "./choices.js";

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
  const choices = createChoices(root, rows, { prefix: "canned", pick: does.pick });

  /** @param {Canned[]} replies @param {string | null} query null closes it */
  function show(replies, query) {
    root.hidden = query === null;
    if (query === null) return;
    const byFolder = query === "";
    const found = findCanned(replies, query).slice(0, SHOWN);
    let folder = "";
    const nodes = found.flatMap((reply, index) => {
      const heading = byFolder && reply.folder !== folder ? [h("li", { class: "canned-folder", role: "presentation" }, reply.folder.split("/").join(" › "))] : [];
      folder = reply.folder;
      return [...heading, rowOf(reply, index, byFolder)];
    });
    choices.set(found, nodes.length ? nodes : [h("li", { class: "muted canned-none" }, t("cannedNone"))]);
  }

  /** @param {Canned} reply @param {number} index @param {boolean} byFolder */
  function rowOf(reply, index, byFolder) {
    const edit = reply.scope === "own" && h("button", { type: "button", class: "link", tabindex: "-1", onclick: (/** @type {Event} */ event) => (event.stopPropagation(), does.edit(reply)) }, t("edit"));
    return h(
      "li",
      { class: "canned-row", role: "option", id: `canned-${index}`, onmousedown: (/** @type {Event} */ event) => event.preventDefault(), onclick: () => does.pick(reply) },
      h("span", { class: "canned-top" }, h("b", {}, reply.title), h("span", { class: "chip" }, t(reply.scope === "own" ? "cannedOwn" : reply.scope === "team" ? "cannedTeam" : "cannedAll")), !byFolder && reply.folder && h("span", { class: "muted" }, reply.folder), h("span", { class: "grow" }), edit),
      h("span", { class: "canned-text muted" }, reply.text),
    );
  }

  return { root, show, key: choices.key, active: choices.active };
}
