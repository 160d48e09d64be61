// Builds elements. Text enters a page here and only as text nodes.

import { splitLinks } from "./linkify.js";

const SVG = "http://www.w3.org/2000/svg";

/** Outlines on a 24 × 24 grid, drawn with the current colour. */
const ICONS = {
  close: ["M6 6l12 12", "M18 6L6 18"],
  send: ["M12 19V5", "M5.5 11.5L12 5l6.5 6.5"],
  down: ["M12 5v14", "M5.5 12.5L12 19l6.5-6.5"],
  headset: [
    "M4.5 14v-2a7.5 7.5 0 0 1 15 0v2",
    "M4.5 13.5h2a1 1 0 0 1 1 1v3a1 1 0 0 1-1 1h-.5a1.5 1.5 0 0 1-1.5-1.5z",
    "M19.5 13.5h-2a1 1 0 0 0-1 1v3a1 1 0 0 0 1 1h.5a1.5 1.5 0 0 0 1.5-1.5z",
    "M19.5 18c0 1.7-2 2.75-5 2.75",
  ],
  bot: ["M12 4.5c4.7 0 8 2.9 8 6.9s-3.3 6.9-8 6.9c-.8 0-1.6-.1-2.3-.3L5.5 20l.8-3.4C4.9 15.3 4 13.5 4 11.4c0-4 3.3-6.9 8-6.9z", "M9 10.5v1.6", "M15 10.5v1.6"],
  check: ["M5 12.5l4.5 4.5L19 7.5"],
  checks: ["M2.5 12.5L7 17l9-9.5", "M12.5 16l1 1 8.5-9.5"],
  more: ["M5.5 12h.01", "M12 12h.01", "M18.5 12h.01"],
  image: ["M4 5.5h16v13H4z", "M4 16l4.5-4.5 4 4 2.5-2.5 5 4.5", "M15.5 9.5h.01"],
  copy: ["M9 9h10v11H9z", "M15 9V4.5H5V15h4"],
  up: ["M7 11v8.5H4V11z", "M7 11l4-7c1.7 0 2.5 1.2 2 3l-.7 3H19c1 0 1.6.8 1.3 1.8l-1.9 6.4c-.2.8-.9 1.3-1.7 1.3H7"],
  star: ["M12 4l2.4 5 5.6.8-4 3.9 1 5.5-5-2.6-5 2.6 1-5.5-4-3.9 5.6-.8z"],
  clock: ["M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z", "M12 7.5V12l3 2"],
  alert: ["M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z", "M12 7.5v5.5", "M12 16.3v.2"],
};

/** @typedef {keyof typeof ICONS} IconName */
/** @typedef {string | Node | null | false | undefined} Child */

/**
 * An element with attributes, listeners (`onclick` and the like) and children.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | boolean | null | ((event: any) => void)>} [attributes] `true` sets an empty one
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else setAttribute(element, name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** @param {Element} element @param {string} name @param {string | boolean | null} value */
export function setAttribute(element, name, value) {
  if (value === null || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== value) element.setAttribute(name, value === true ? "" : value);
}

/** Sets text only where it differs, so that screen readers and selections are left alone. @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {IconName} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon--${name}`);
  svg.setAttribute("aria-hidden", "true");
  for (const d of ICONS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

/** A text with its addresses as links. @param {string} text @returns {Node[]} */
export function linkNodes(text) {
  return splitLinks(text).map((piece) =>
    piece.href
      ? h("a", { href: piece.href, target: "_blank", rel: "noopener noreferrer nofollow" }, piece.text)
      : document.createTextNode(piece.text),
  );
}
