// What this agent is asked to take: one bar over everything, with the time that is left, until it is taken or passed on.

import { h, setText } from "../widget/dom.js";
import { visitorName } from "./list.js";
import { maskedText } from "./masked.js";

const CHIME_MS = 3_000;

/** @typedef {{ accept: (id: string) => void, decline: (id: string) => void, chime: () => void }} Does */

/** @param {HTMLElement} root @param {import("./texts.js").Texts} texts @param {Does} does */
export function createRinging(root, texts, does) {
  const { t } = texts;
  const left = h("span", { class: "ring-left" });
  let look = "";
  let until = 0;
  let chimedAt = 0;

  /** @param {import("./store.js").State} state */
  function render(state) {
    const ring = state.rings[0];
    const entry = ring && state.entries[ring.conversation_id];
    const next = ring ? JSON.stringify([ring, entry?.latest, state.rings.length]) : "";
    if (next === look) return;
    look = next;
    root.hidden = !ring;
    if (!ring) return;
    until = Date.parse(ring.until);
    chimedAt = 0;
    const what = entry ? `${visitorName(texts, entry)} · ${entry.latest ? maskedText(texts, entry.latest.text) : ""}` : "";
    const more = state.rings.length > 1 ? h("span", { class: "chip" }, `+${state.rings.length - 1}`) : false;
    root.replaceChildren(
      h("b", {}, t("ringing")), h("span", { class: "grow ring-what" }, what), ...(more ? [more] : []), left,
      h("button", { type: "button", class: "button button--small", "data-act": "decline", onclick: () => does.decline(ring.conversation_id) }, t("ringDecline")),
      h("button", { type: "button", class: "button button--small button--primary", "data-act": "accept", onclick: () => does.accept(ring.conversation_id) }, t("claim")),
    );
    tick();
  }

  function tick() {
    if (root.hidden) return;
    setText(left, t("ringLeft", { seconds: Math.max(0, Math.ceil((until - Date.now()) / 1000)) }));
    if (Date.now() < until && Date.now() - chimedAt > CHIME_MS) {
      chimedAt = Date.now();
      does.chime();
    }
  }

  setInterval(tick, 500);
  return { render };
}
