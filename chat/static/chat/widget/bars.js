// The lines between header and conversation: no network, the queue, nobody at work, an end. And the line for errors,
// and the product or order that the shop's page offers to talk about. Each renders from the store's state.

import { button } from "./sheet.js";
import { h, icon, setText } from "./dom.js";
import { otherZone } from "./zone.js";

/**
 * @typedef {import("./store.js").State} State
 * @typedef {import("./texts.js").TextKey} TextKey
 * @typedef {import("./texts.js").Translate} Translate
 * @typedef {import("./view.js").Deeds} Deeds
 * @typedef {{ element: HTMLElement, render: (state: State) => void }} Bar
 */

/** @param {string} label @param {() => void} onclick */
const link = (label, onclick) => h("button", { type: "button", class: "link", onclick }, label);

/** @param {Translate} t @param {Deeds} deeds @returns {Bar} */
export function createLinkBar(t, deeds) {
  const text = h("span");
  const again = link(t("tryAgain"), deeds.tryAgain);
  const element = h("div", { class: "bar bar--link", role: "status" }, text, again);
  /** @type {Partial<Record<State["link"], TextKey>>} */
  const lines = { reconnecting: "reconnecting", offline: "offline", stopped: "stopped" };
  return {
    element,
    render(state) {
      const key = lines[state.link];
      element.hidden = !key;
      element.dataset.link = state.link;
      again.hidden = state.link !== "stopped";
      const stopped = state.stopped?.code === "forbidden_origin" ? t("stoppedOrigin") : state.stopped?.message;
      setText(text, key ? stopped || t(key) : "");
    },
  };
}

/** Whether the visitor waits while nobody is on duty. @param {State} state */
export function waitsForNobody({ shown, queue }) {
  return shown === "offline" || (shown === "queued" && queue?.staffed === false);
}

/**
 * The place in the queue; or, while nobody is on duty, that alone and what happens next.
 * @param {Translate} t @param {import("./wire.js").Inbox} inbox @param {Deeds} deeds @param {() => void} onLeave leave a message @returns {Bar}
 */
export function createQueueBar(t, inbox, deeds, onLeave) {
  const hasBot = inbox.reception !== "human_only";
  const text = h("span");
  const leave = link(t("leaveQueue"), deeds.cancelHuman);
  const element = h("div", { class: "bar bar--queue", role: "status" }, text, h("span", { class: "bar-links" }, link(t("leave"), onLeave), leave));
  return {
    element,
    render(state) {
      const nobody = waitsForNobody(state);
      element.hidden = state.shown !== "queued" && !nobody;
      element.classList.toggle("bar--tall", nobody);
      leave.disabled = state.link !== "online";
      setText(leave, t(nobody && hasBot ? "backToBot" : "leaveQueue"));
      setText(text, element.hidden ? "" : nobody ? nobodyText(t, inbox, hasBot) : queueText(t, state.queue));
    },
  };
}

/** The opening hours, with the zone they are meant in where the visitor's clock says another time. @param {import("./wire.js").Inbox} inbox */
function hoursOf({ hours_text, hours_zone, locale }) {
  const zone = otherZone(hours_zone, locale ?? "zh-CN", new Date());
  return hours_text && zone ? `${hours_text} (${zone})` : hours_text;
}

/** @param {Translate} t @param {import("./wire.js").Inbox} inbox @param {boolean} hasBot */
function nobodyText(t, inbox, hasBot) {
  return [t("nobody"), hoursOf(inbox), t(hasBot ? "nobodyNextBot" : "nobodyNext")].filter(Boolean).join("\n");
}

/** @param {Translate} t @param {import("./wire.js").Queue | null} queue */
function queueText(t, queue) {
  if (!queue || !(queue.position > 0)) return t("queueWaiting");
  const place = queue.position === 1 ? t("queueNext") : t("queueAhead", { count: queue.position - 1 });
  if (typeof queue.eta_seconds !== "number") return place;
  const minutes = Math.ceil(queue.eta_seconds / 60);
  return `${place} · ${minutes <= 1 ? t("queueSoon") : t("queueEta", { count: minutes })}`;
}

/**
 * That nobody is at work, or that the conversation has ended, and what can be done about it.
 * @param {Translate} t @param {import("./wire.js").Inbox} inbox @param {Deeds} deeds @param {() => void} onLeave @returns {Bar}
 */
export function createServiceBar(t, inbox, deeds, onLeave) {
  const text = h("span");
  const leave = link(t("leave"), onLeave);
  const restart = link(t("restart"), deeds.restart);
  const element = h("div", { class: "bar bar--service", role: "status" }, text, h("span", { class: "bar-links" }, leave, restart));
  return {
    element,
    render(state) {
      const ended = state.shown === "resolved";
      const isAway = state.loaded && state.shown === "bot" && inbox.open === false;
      const hasBot = inbox.reception !== "human_only";
      element.hidden = !ended && !(isAway && inbox.reception !== "bot_only");
      leave.hidden = ended;
      restart.hidden = !ended;
      const away = [t(hasBot ? "away" : "awayOnly"), hoursOf(inbox)].filter(Boolean).join("\n");
      setText(text, ended ? t(state.rated ? "rateDone" : "subtitleResolved") : away);
    },
  };
}

/** @param {Translate} t @param {Deeds} deeds @returns {Bar} */
export function createErrorLine(t, deeds) {
  const text = h("span");
  const element = h("div", { class: "error", role: "alert" }, icon("alert"), text, link(t("dismiss"), deeds.dismissError));
  /** @type {Record<string, TextKey>} */
  const known = { rate_limited: "errorRate", too_long: "errorLong", identity_invalid: "unverified" };
  return {
    element,
    render(state) {
      // A frame the server did not understand is nothing a visitor could mend.
      element.hidden = !state.error || state.error.code === "invalid_frame";
      setText(text, state.error ? state.error.message || t(known[state.error.code] ?? "errorGeneric") : "");
    },
  };
}

/** @typedef {{ kind: "product" | "order", title: string, note: string }} Offer */

/** What the visitor is looking at, ready to be sent. @param {Translate} t @param {(text: string) => void} onSend */
export function createOfferCard(t, onSend) {
  const element = h("aside", { class: "offer" });
  element.hidden = true;
  return {
    element,
    /** @param {Offer | null} offer */
    set(offer) {
      element.hidden = !offer;
      if (!offer) return;
      const isProduct = offer.kind === "product";
      const hide = () => (element.hidden = true);
      const send = button(t("contextSend"), () => {
        hide();
        onSend(t(isProduct ? "aboutProduct" : "aboutOrder", { title: offer.title }));
      });
      const words = h("div", { class: "offer-words" }, h("p", { class: "choices-heading" }, t(isProduct ? "contextProduct" : "contextOrder")), h("p", { class: "offer-title", dir: "auto" }, offer.title), offer.note && h("p", { class: "offer-note" }, offer.note));
      element.replaceChildren(words, send, h("button", { type: "button", class: "small", "aria-label": t("cancel"), onclick: hide }, icon("close")));
    },
  };
}
