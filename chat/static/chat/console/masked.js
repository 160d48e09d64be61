// Personal data as agents see it: a quiet chip for each placeholder, which can be opened with a reason.

import { h } from "../widget/dom.js";

const PLACEHOLDER = /<([A-Z_]+)_(\d+)>/;
const EVERY = new RegExp(PLACEHOLDER.source, "g");

/**
 * @typedef {object} Masks
 * @property {import("./texts.js").Texts} texts
 * @property {Record<string, string>} revealed
 * @property {((placeholder: string) => void) | null} onReveal null where nothing can be opened
 */

/** What a placeholder hides, in words: 手机号, or 手机号 2 for the second. @param {import("./texts.js").Texts} texts @param {string} placeholder */
export function keptName(texts, placeholder) {
  const [, kind = "", number = ""] = PLACEHOLDER.exec(placeholder) ?? [];
  const name = texts.named("kept", kind);
  return number === "1" ? name : `${name} ${number}`;
}

/** A plain text in which placeholders are words, for lists. @param {import("./texts.js").Texts} texts @param {string} text */
export function maskedText(texts, text) {
  return text.replace(EVERY, (placeholder) => `[${keptName(texts, placeholder)}]`);
}

/** @param {string} text @param {Masks} masks @returns {Node[]} */
export function maskedNodes(text, masks) {
  /** @type {Node[]} */
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(EVERY)) {
    if (match.index > from) nodes.push(document.createTextNode(text.slice(from, match.index)));
    nodes.push(chip(match[0], masks));
    from = match.index + match[0].length;
  }
  if (from < text.length) nodes.push(document.createTextNode(text.slice(from)));
  return nodes;
}

/** Puts chips into elements that are built already. @param {Node} root @param {Masks} masks */
export function maskInside(root, masks) {
  for (const node of [...root.childNodes]) {
    if (!(node instanceof Text)) maskInside(node, masks);
    else if (PLACEHOLDER.test(node.data)) node.replaceWith(...maskedNodes(node.data, masks));
  }
}

/** @param {string} placeholder @param {Masks} masks */
function chip(placeholder, { texts, revealed, onReveal }) {
  const value = revealed[placeholder];
  const name = keptName(texts, placeholder);
  if (value !== undefined) return h("span", { class: "kept kept--open", title: name }, value);
  if (!onReveal) return h("span", { class: "kept" }, name);
  return h("button", { type: "button", class: "kept", title: texts.t("revealTitle", { what: name }), onclick: () => onReveal(placeholder) }, name);
}
