// The sanitised HTML of an answer as elements. The markup is parsed where nothing runs or loads, and only what is named
// here is made anew from it: the server's word is not taken for it.

import { safeHref } from "./linkify.js";
import { h } from "./dom.js";

/** @type {Record<string, keyof HTMLElementTagNameMap>} */
const TAGS = { P: "p", BR: "br", STRONG: "strong", EM: "em", UL: "ul", OL: "ol", LI: "li", CODE: "code" };
const DROPPED = new Set(["SCRIPT", "STYLE", "TEMPLATE", "IFRAME", "OBJECT", "SVG", "MATH"]);

/** @param {string} html @returns {Node[]} */
export function richNodes(html) {
  return children(new DOMParser().parseFromString(html, "text/html").body);
}

/** @param {Node} parent @returns {Node[]} */
function children(parent) {
  return [...parent.childNodes].flatMap((node) => {
    if (node instanceof Text) return [document.createTextNode(node.data)];
    if (!(node instanceof Element) || DROPPED.has(node.tagName.toUpperCase())) return [];
    const inside = children(node);
    const href = node.tagName === "A" && safeHref(node.getAttribute("href") ?? "");
    if (href) return [h("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, ...inside)];
    const tag = TAGS[node.tagName];
    return tag ? [h(tag, {}, ...inside)] : inside;
  });
}
