// Who the customer is and what an agent should know: the brief first, then details to copy, reasons, mood, earlier times.

import { h, icon } from "../widget/dom.js";
import { createBrief } from "./brief.js";
import { maskedNodes } from "./masked.js";
import { calledFor, isMine, languageOf } from "./store.js";

const COPIED_MS = 1_500;
const FURIOUS_FROM = 0.9;

/**
 * @typedef {import("./store.js").State} State
 * @typedef {import("./wire.js").Context} Context
 * @typedef {import("./masked.js").Masks} Masks
 * @typedef {{ open: (id: string) => void, reveal: (placeholder: string) => void, back: () => void, take: (text: string) => void, grade: (grade: "good" | "bad" | null, word: string) => void }} Does
 */

/** @param {HTMLElement} root @param {import("./texts.js").Texts} texts @param {Does} does */
export function createAside(root, texts, does) {
  const { t } = texts;
  const brief = createBrief(texts, does, copyable);
  let look = "";

  /** @param {State} state */
  function render(state) {
    const { thread } = state;
    const mine = isMine(state, thread?.entry);
    const next = thread?.context ? JSON.stringify([thread.id, thread.context, thread.brief, thread.revealed, thread.entry?.visitor, mine]) : "";
    if (next === look) return;
    look = next;
    if (!thread?.context || !thread.brief || !thread.entry) {
      root.replaceChildren();
      return;
    }
    const masks = { texts, revealed: thread.revealed, onReveal: does.reveal };
    const { context, entry } = thread;
    root.replaceChildren(
      h("header", { class: "aside-head only-middle-narrow" }, h("button", { type: "button", class: "icon-button", "aria-label": t("back"), onclick: does.back }, "‹"), h("h2", {}, t("context"))),
      section(t("brief"), ...brief.nodes(thread.brief, masks, { canTake: mine, called: calledFor(state, thread.entry), foreign: languageOf(thread.entry) !== texts.language })),
      section(t("slots"), ...slotNodes(thread.brief.slots, masks)),
      section(t("why"), ...reasonNodes(context)),
      section(t("moods"), ...moodNodes(context)),
      section(t("customerInfo"), ...customerNodes(entry, context, masks)),
      ...pageNodes(context, masks),
      section(t("earlier"), ...earlierNodes(context, masks)),
    );
  }

  /** @param {string} title @param {...Node} children */
  const section = (title, ...children) => h("section", { class: "part" }, h("h3", {}, title), ...children);
  /** @param {string} text */
  const muted = (text) => h("p", { class: "muted" }, text);
  /** @param {[string, Node | string][]} pairs */
  const list = (pairs) => h("dl", { class: "facts" }, ...pairs.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));

  /** @param {Record<string, string>} slots @param {Masks} masks */
  function slotNodes(slots, masks) {
    const pairs = Object.entries(slots).map(([name, value]) => /** @type {[string, Node]} */ ([texts.named("slot", name), copyable(String(value), masks)]));
    return [pairs.length ? list(pairs) : muted(t("noSlots"))];
  }

  /** A value, and beside it the button that copies what is shown. @param {string} value @param {Masks} masks */
  function copyable(value, masks) {
    const shown = h("span", { class: "value" }, ...maskedNodes(value, masks));
    if (value.startsWith("<") && !(value in masks.revealed)) return shown;
    const button = h("button", { type: "button", class: "icon-button icon-button--small", title: t("copy"), "aria-label": t("copy"), onclick: () => void copy(masks.revealed[value] ?? value, button) }, icon("copy"));
    return h("span", { class: "copyable" }, shown, button);
  }

  /** @param {string} value @param {HTMLElement} button */
  async function copy(value, button) {
    try {
      await navigator.clipboard.writeText(value);
    } catch {
      return;
    }
    button.replaceChildren(icon("check"));
    button.title = t("copied");
    setTimeout(() => {
      button.replaceChildren(icon("copy"));
      button.title = t("copy");
    }, COPIED_MS);
  }

  /** @param {Context} context */
  function reasonNodes({ escalations }) {
    if (escalations.length === 0) return [muted(t("noWhy"))];
    return escalations.map(({ at, end, reasons }) =>
      h("div", { class: "wait" }, h("p", { class: "chips" }, ...reasons.map(({ code }) => h("span", { class: `chip chip--${code}` }, texts.named("reason", code)))), h("p", { class: "muted" }, `${texts.dateTime(at)} · ${texts.named("end", end)}`)),
    );
  }

  /** One mark a line of the customer's, the newest last. @param {Context} context */
  function moodNodes({ moods, trend }) {
    if (moods.length === 0) return [muted(t("noMoods"))];
    const marks = moods.map(({ label, score }) => {
      const name = label === "negative" && score >= FURIOUS_FROM ? "furious" : label;
      return h("span", { class: `mood mood--${name}`, title: `${texts.named("mood", name)} ${Math.round(score * 100)}%` });
    });
    const last = moods[moods.length - 1];
    const now = last.label === "negative" && last.score >= FURIOUS_FROM ? "furious" : last.label;
    return [h("p", { class: "moods" }, h("span", { class: "marks", "aria-hidden": "true" }, ...marks), h("span", {}, texts.named("mood", now)), h("span", { class: "muted" }, texts.named("trend", trend)))];
  }

  /** @param {import("./wire.js").Entry} entry @param {Context} context @param {Masks} masks */
  function customerNodes({ visitor }, context, masks) {
    /** @type {[string, Node | string][]} */
    const pairs = [];
    const flag = h("span", { class: `chip${visitor.verified ? " chip--verified" : ""}` }, t(visitor.verified ? "verified" : "unverified"));
    pairs.push([t("visitor", { number: "" }).trim(), h("span", { class: "chips" }, visitor.number, flag, visitor.tier === "vip" && h("span", { class: "chip chip--vip" }, t("vip")))]);
    if (context.customer_id) pairs.push([t("customerId"), copyable(context.customer_id, masks)]);
    for (const [name, value] of Object.entries(context.profile)) pairs.push([texts.named("slot", name), copyable(value, masks)]);
    pairs.push([t("languageOf"), visitor.locale], [t("since"), texts.dateTime(context.since)]);
    return [list(pairs)];
  }

  /** What the shop's page and the customer told beside the lines. @param {Context} context @param {Masks} masks */
  function pageNodes({ page, form, attributes, summary, tags }, masks) {
    const told = (/** @type {Record<string, unknown>} */ values) => Object.entries(values).map(([name, value]) => /** @type {[string, Node]} */ ([texts.named("slot", name), copyable(String(value), masks)]));
    const { product = {}, order = {} } = page;
    const seen = told(Object.fromEntries(Object.entries({ ...product, ...order }).filter(([name]) => name !== "url" && name !== "id")));
    const parts = [];
    if (summary || tags.length) parts.push(section(t("outcome"), h("p", {}, ...maskedNodes(summary, masks)), tagNodes(tags)));
    if (seen.length) parts.push(section(t("page"), list(seen)));
    if (Object.keys(form).length) parts.push(section(t("form"), list(told(form))));
    if (Object.keys(attributes).length) parts.push(section(t("attributes"), list(told(attributes))));
    return parts;
  }

  /** @param {string[]} tags */
  const tagNodes = (tags) => h("p", { class: "chips" }, ...tags.map((tag) => h("span", { class: "chip" }, tag)));

  /** @param {Context} context @param {Masks} masks */
  function earlierNodes({ earlier }, masks) {
    if (earlier.length === 0) return [muted(t("noEarlier"))];
    const rows = earlier.map((one) => {
      const line = one.summary || one.topic;
      return h("li", {}, h("button", { type: "button", class: "earlier", onclick: () => does.open(one.conversation_id) }, h("span", { class: "muted" }, texts.dateTime(one.at)), h("span", {}, ...(line ? maskedNodes(line, { ...masks, onReveal: null }) : [t("noSummary")])), one.tags.length > 0 && tagNodes(one.tags)));
    });
    return [h("ul", { class: "earliers" }, ...rows)];
  }

  return { render };
}
