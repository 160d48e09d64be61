// What an answer shows beside its words: cards, quick replies, images and what it rests on. Called by answer.js.
// Makes elements of data and reports what the visitor chose.

import { h, icon } from "./dom.js";
import { safeHref } from "./linkify.js";

/**
 * @typedef {import("./wire.js").Card} Card
 * @typedef {import("./texts.js").Translate} Translate
 *
 * @typedef {object} Choosing
 * @property {string | null} chosen the value that was chosen, if one was
 * @property {boolean} live whether nothing has been said since
 * @property {(button: import("./wire.js").CardButton) => void} choose
 */

/** @param {Card[]} cards @param {Translate} t @param {Choosing} choosing @returns {HTMLElement[]} */
export function cardElements(cards, t, choosing) {
  return cards.map((card) => (card.kind === "replies" ? replies(card, choosing) : cardElement(card, t, choosing)));
}

/** Quick replies make sense only as the last word. @param {Card} card @param {Choosing} choosing */
function replies(card, { chosen, live, choose }) {
  const group = h("div", { class: "chips", role: "group", "aria-label": card.title ?? null });
  if (!live || chosen !== null || card.status) return group;
  group.append(...(card.buttons ?? []).map((button) => h("button", { type: "button", class: "chip", onclick: () => choose(button) }, button.label)));
  return group;
}

/** @param {Card} card @param {Translate} t @param {Choosing} choosing */
function cardElement(card, t, choosing) {
  const image = localAddress(card.image);
  const lines = (card.lines ?? []).map(({ label, value }) => h("div", {}, h("dt", {}, label), h("dd", { dir: "auto" }, value)));
  const href = card.url ? safeHref(card.url) : null;
  return h(
    "section",
    { class: `card card--${card.kind}`, "aria-label": card.title ?? null },
    h("div", { class: "card-head" }, image && h("img", { src: image, alt: "", width: "56", height: "56" }), card.title && h("h2", {}, card.title)),
    lines.length > 0 && h("dl", {}, ...lines),
    href && h("a", { class: "link", href, target: "_blank", rel: "noopener noreferrer nofollow" }, t("details")),
    buttons(card, t, choosing),
  );
}

/** @param {Card} card @param {Translate} t @param {Choosing} choosing */
function buttons(card, t, { chosen, choose }) {
  const all = card.buttons ?? [];
  const outcome = outcomeOf(card, t, chosen);
  if (outcome) return h("p", { class: "outcome" }, icon("check"), outcome);
  return (
    all.length > 0 &&
    h(
      "div",
      { class: "card-buttons" },
      ...all.map((button) => h("button", { type: "button", class: `button button--${button.style ?? "plain"}`, onclick: () => choose(button) }, button.label)),
    )
  );
}

/** Why a card takes no answer any more, or "". @param {Card} card @param {Translate} t @param {string | null} chosen */
function outcomeOf(card, t, chosen) {
  const answer = card.buttons?.find(({ value }) => value === chosen);
  if (answer) return `${t("chosen")}: ${answer.label}`;
  if (card.expires_at && Date.parse(card.expires_at) < Date.now()) return t("expired");
  /** @type {Record<string, import("./texts.js").TextKey>} */
  const known = { expired: "expired", cancelled: "cancelled" };
  return card.status && card.status !== "open" && card.status !== "pending" ? t(known[card.status] ?? "done") : "";
}

/** An address of this server, or null: what an answer shows must not make a browser call others. @param {string | null | undefined} address */
export function localAddress(address) {
  if (!address) return null;
  const url = new URL(address, location.href);
  return url.origin === location.origin && url.protocol.startsWith("http") ? url.href : null;
}

/** @param {import("./wire.js").Citation[]} citations @param {Translate} t */
export function citationList(citations, t) {
  const titles = [...new Set(citations.map(({ title }) => title))];
  return h("p", { class: "sources" }, h("span", {}, t("sources")), ...titles.map((title) => h("cite", {}, title)));
}

/**
 * Images take their room before they are loaded. One whose address has run out asks once for a new one.
 * @param {import("./wire.js").Attachment[]} attachments @param {Translate} t
 * @param {{ onOpen: (url: string) => void, address: (id: string) => Promise<string> }} does
 */
export function imageElements(attachments, t, { onOpen, address }) {
  return attachments.map(({ id, url, width, height, name }) => {
    const image = h("img", { alt: name || t("image"), ...(width && height && { width: String(width), height: String(height) }) });
    const show = (/** @type {string} */ fresh) => {
      const local = localAddress(fresh);
      if (local) image.src = local;
    };
    image.addEventListener("error", () => void address(id).then(show, () => {}), { once: true });
    show(url);
    return h("button", { type: "button", class: "image", onclick: () => onOpen(image.src) }, image);
  });
}
