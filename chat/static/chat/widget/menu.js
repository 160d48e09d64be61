// The button for what is not needed at every moment, and its list. Arrow keys walk, Escape and a click elsewhere close.

import { h, icon } from "./dom.js";

/** @typedef {{ label: string, does: () => void }} Entry */

/** @param {string} label @param {() => Entry[]} entries asked for each time the list opens */
export function createMenu(label, entries) {
  const list = h("div", { class: "menu-list", role: "menu", onkeydown: (event) => onKey(event) });
  const button = h("button", { type: "button", class: "round", "aria-label": label, "aria-haspopup": "menu", "aria-expanded": "false", onclick: () => (list.hidden ? open() : close()) }, icon("more"));
  const element = h("div", { class: "menu" }, button, list);
  list.hidden = true;

  const close = () => {
    if (list.hidden) return;
    const hadFocus = list.contains(document.activeElement);
    list.hidden = true;
    button.setAttribute("aria-expanded", "false");
    if (hadFocus) button.focus();
  };
  const open = () => {
    const items = entries().map(({ label: text, does }) => {
      const onclick = () => {
        close();
        does();
      };
      return h("button", { type: "button", role: "menuitem", tabindex: "-1", onclick }, text);
    });
    list.replaceChildren(...items);
    list.hidden = false;
    button.setAttribute("aria-expanded", "true");
    items[0]?.focus();
  };
  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    const items = /** @type {HTMLElement[]} */ ([...list.children]);
    const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    /** @type {Record<string, number>} */
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 };
    if (event.key === "Escape") event.stopPropagation();
    if (event.key === "Escape" || event.key === "Tab") close();
    if (!(event.key in moves)) return;
    event.preventDefault();
    items[moves[event.key] % items.length].focus();
  };
  element.addEventListener("focusout", (event) => {
    if (!element.contains(/** @type {Node | null} */ (event.relatedTarget))) close();
  });
  return element;
}
