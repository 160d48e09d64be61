// What is offered above the composer while something is typed: one row is chosen, by arrows or by pointer.
// Called by canned.js and mention.js, which make the rows.

/**
 * @template T
 * @param {HTMLElement} root what is shown and hidden
 * @param {HTMLElement} rows its list
 * @param {{ prefix: string, pick: (one: T) => void }} options rows have the ids `<prefix>-0`, `<prefix>-1`, …
 */
export function createChoices(root, rows, { prefix, pick }) {
  /** @type {T[]} */
  let found = [];
  let at = 0;

  /** @param {T[]} offered @param {Node[]} nodes */
  function set(offered, nodes) {
    found = offered;
    at = 0;
    rows.replaceChildren(...nodes);
    mark();
  }

  function mark() {
    for (const element of rows.querySelectorAll('[role="option"]')) {
      const chosen = element.id === `${prefix}-${at}`;
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
      pick(found[at]);
      return true;
    }
    if (event.key === "Escape") {
      root.hidden = true;
      return true;
    }
    return false;
  }

  return { set, key, active: () => (root.hidden || found.length === 0 ? "" : `${prefix}-${at}`) };
}
