// What a line carries beside its words, as agents see it: cards with what became of them, images, what an answer
// rests on. To be read only: the customer presses the buttons. Called by thread.js.

import { localAddress } from "../widget/cards.js";
import { h, icon } from "../widget/dom.js";
import { safeHref } from "../widget/linkify.js";

/**
 * @typedef {import("./wire.js").Message} Message
 * @typedef {import("../widget/wire.js").Card} Card
 * @typedef {import("./texts.js").Texts} Texts
 */

/** @param {Message} message @param {Texts} texts @param {string} answer the customer's next line @returns {HTMLElement[]} */
export function attached({ cards = [], citations = [], attachments = [] }, texts, answer) {
  const titles = [...new Set(citations.map(({ title }) => title))];
  return [
    ...attachments.map((image) => imageElement(image, texts)),
    ...cards.map((card) => cardElement(card, texts, answer)),
    ...(titles.length ? [h("p", { class: "sources muted" }, texts.t("sources"), ...titles.map((title) => h("cite", {}, title)))] : []),
  ];
}

/** What makes a line look different: all that `attached` reads. @param {Message} message @param {string} answer */
export function attachedLook({ cards, attachments }, answer) {
  return cards || attachments ? JSON.stringify([cards, attachments?.map(({ id }) => id), cards ? answer : ""]) : "";
}

/** What the customer said next, where nobody else spoke before. @param {Message[]} messages @param {number} index */
export function answerAfter(messages, index) {
  const next = messages[index + 1];
  return next?.role === "visitor" ? next.text : "";
}

/** @param {Card} card @param {Texts} texts @param {string} answer */
function cardElement(card, texts, answer) {
  const lines = (card.lines ?? []).map(({ label, value }) => h("div", {}, h("dt", {}, label), h("dd", { dir: "auto" }, value)));
  const image = localAddress(card.image);
  const href = card.url ? safeHref(card.url) : null;
  return h(
    "section",
    { class: `card card--${card.kind}`, "aria-label": card.title ?? null },
    h("div", { class: "card-head" }, image && h("img", { src: image, alt: "", width: "40", height: "40" }), card.title && h("h3", {}, card.title)),
    lines.length > 0 && h("dl", {}, ...lines),
    href && h("a", { class: "link", href, target: "_blank", rel: "noopener noreferrer nofollow" }, texts.t("cardDetails")),
    ...foot(card, texts, answer),
  );
}

/** The choices, the one taken marked; or what became of a question. @param {Card} card @param {Texts} texts @param {string} answer */
function foot(card, texts, answer) {
  const buttons = card.buttons ?? [];
  const taken = buttons.some(({ label }) => label === answer);
  const chips = buttons.map(({ label }) => h("li", { class: `card-choice${label === answer ? " card-choice--taken" : ""}` }, label === answer && icon("check"), label));
  const outcome = outcomeOf(card, taken);
  return [chips.length > 0 && h("ul", { class: "card-choices", "aria-label": texts.t("cardChoices") }, ...chips), outcome && h("p", { class: "outcome muted" }, texts.named("card", outcome))];
}

/** A code for what became of a confirmation; "" where nothing is waited for. @param {Card} card @param {boolean} taken */
function outcomeOf({ kind, status, expires_at }, taken) {
  if (status && status !== "open" && status !== "pending") return status;
  if (kind !== "confirm" || taken) return "";
  return expires_at && Date.parse(expires_at) < Date.now() ? "expired" : "pending";
}

/** @param {import("../widget/wire.js").Attachment} image @param {Texts} texts */
function imageElement({ url, width, height, name }, texts) {
  const local = localAddress(url);
  const picture = h("img", { src: local, alt: name || texts.t("image"), loading: "lazy", ...(width && height && { width: String(width), height: String(height) }) });
  return h("a", { class: "picture", href: local, target: "_blank", rel: "noopener", title: texts.t("image") }, picture);
}
