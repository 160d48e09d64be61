// Where an agent writes: to the customer, or to colleagues. What was begun stays with its conversation.

import { h } from "../widget/dom.js";
import { createCanned } from "./canned.js";
import { fill, openVariable, slashQuery } from "./canned_search.js";
import { ownerText } from "./list.js";
import { isMine } from "./store.js";

const MAX_HEIGHT_PX = 180;
const TYPING_EVERY_MS = 3_000;

/**
 * @typedef {"reply" | "note"} Kind
 * @typedef {{ send: (kind: Kind, text: string) => void, claim: (id: string) => void, typing: (on: boolean) => void, canned: () => void, editCanned: (reply: import("./wire.js").Canned | null) => void }} Does
 */

/** @param {HTMLElement} root @param {import("./texts.js").Texts} texts @param {Does} does */
export function createComposer(root, texts, does) {
  const { t } = texts;
  /** @type {Map<string, string>} by conversation and kind */
  const drafts = new Map();
  /** @type {Kind} */
  let kind = "reply";
  let id = "";
  let canReply = false;
  let typedAt = 0;
  /** @type {import("./store.js").State | null} */
  let latest = null;
  let asked = false;
  const canned = createCanned(texts, { pick, edit: does.editCanned });

  const bar = h("div", { class: "bar" });
  const input = h("textarea", { class: "input", rows: "2", maxlength: "4000", oninput: onInput, onkeydown: onKey });
  const send = h("button", { type: "submit", class: "button button--primary" });
  const tabs = /** @type {Kind[]} */ (["reply", "note"]).map((one) => h("button", { type: "button", class: "tab", "data-kind": one, onclick: () => choose(one) }, t(one)));
  const form = h("form", { class: "composer-form", onsubmit }, h("div", { class: "tabs" }, ...tabs), h("div", { class: "composer-row" }, input, send));
  root.replaceChildren(bar, canned.root, form);

  function onInput() {
    drafts.set(id + kind, input.value);
    grow();
    suggest();
    if (kind === "reply" && input.value && Date.now() - typedAt > TYPING_EVERY_MS) {
      typedAt = Date.now();
      does.typing(true);
    }
  }

  /** A slash at the beginning opens the replies kept ready. */
  function suggest() {
    const query = slashQuery(input.value);
    if (query !== null && !asked) {
      asked = true;
      does.canned();
    }
    canned.show(latest?.canned ?? [], query);
    input.setAttribute("aria-expanded", String(query !== null));
    input.setAttribute("aria-activedescendant", canned.active());
  }

  /** @param {import("./wire.js").Canned} reply */
  function pick(reply) {
    input.value = latest ? fill(reply.text, values(latest)) : reply.text;
    input.focus();
    onInput();
    selectOpen();
  }

  /** Marks a variable that is still to be filled in; false where there is none. */
  function selectOpen() {
    const place = openVariable(input.value);
    if (place) input.setSelectionRange(...place);
    return place !== null;
  }

  /** What the variables of a reply stand for in the conversation that is open. @param {import("./store.js").State} state @returns {Record<string, string>} */
  function values({ me, thread }) {
    const entry = thread?.entry;
    const name = entry?.visitor.name ?? "";
    const order = thread?.brief?.slots.order_number ?? thread?.context?.page.order?.number ?? "";
    return {
      agent: me?.name ?? "",
      shop: entry?.inbox ?? "",
      customer: (name.startsWith("<") ? thread?.revealed[name] : name) || t("customer"),
      order: order.startsWith("<") ? (thread?.revealed[order] ?? "") : order,
    };
  }

  /** Enter that ends the choice of a Chinese word is not meant to send. @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.isComposing || event.keyCode === 229) return;
    if (canned.key(event)) {
      event.preventDefault();
      event.stopPropagation();
      input.setAttribute("aria-activedescendant", canned.active());
      return;
    }
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    form.requestSubmit();
  }

  /** @param {Event} event */
  function onsubmit(event) {
    event.preventDefault();
    const text = input.value.trim();
    if (!text || (kind === "reply" && !canReply)) return;
    if (kind === "reply" && selectOpen()) return;
    if (kind === "reply" && typedAt) does.typing(false);
    typedAt = 0;
    does.send(kind, text);
    drafts.delete(id + kind);
    input.value = "";
    grow();
  }

  function grow() {
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight, MAX_HEIGHT_PX)}px`;
  }

  /** @param {Kind} wanted */
  function choose(wanted) {
    kind = wanted;
    show();
    input.focus();
  }

  function show() {
    if (kind === "reply" && !canReply) kind = "note";
    root.classList.toggle("composer--note", kind === "note");
    tabs.forEach((tab, index) => {
      tab.setAttribute("aria-pressed", String((index === 0) === (kind === "reply")));
      if (index === 0) tab.disabled = !canReply;
    });
    input.placeholder = t(kind === "note" ? "notePlaceholder" : "replyPlaceholder");
    input.setAttribute("aria-label", t(kind));
    send.textContent = t(kind === "note" ? "saveNote" : "send");
    const draft = drafts.get(id + kind) ?? "";
    if (input.value !== draft) input.value = draft;
    input.setAttribute("aria-controls", "canned-rows");
    grow();
  }

  let barLook = "";
  /** @param {import("./store.js").State} state */
  function render(state) {
    const entry = state.thread?.entry ?? null;
    const before = latest;
    latest = state;
    root.hidden = !entry;
    if (!entry) return;
    const mine = isMine(state, entry);
    const moved = id !== entry.conversation_id;
    const gained = mine && !canReply;
    id = entry.conversation_id;
    canReply = mine;
    if (moved || gained) kind = mine ? "reply" : "note";
    if (moved || gained || (!mine && kind === "reply")) show();
    const look = `${id} ${ownerText(texts, entry, mine)}`;
    if (look !== barLook) renderBar(entry, mine);
    barLook = look;
    if (before?.canned !== state.canned || moved) suggest();
    if (gained) input.focus();
  }

  /** @param {import("./wire.js").Entry} entry @param {boolean} mine */
  function renderBar(entry, mine) {
    bar.hidden = mine;
    const text = entry.resolved ? t("barResolved") : entry.owner === "agent" ? t("barOther", { name: entry.agent?.name ?? "" }) : t(entry.owner === "queue" ? "barQueue" : "barBot");
    const canClaim = !entry.resolved && entry.owner !== "agent";
    const claim = canClaim && h("button", { type: "button", class: "button button--primary button--small", "data-act": "claim", onclick: () => does.claim(entry.conversation_id) }, t(entry.owner === "queue" ? "claim" : "takeOver"));
    bar.replaceChildren(h("span", { class: "grow" }, text), ...(claim ? [claim] : []));
  }

  return { render, choose };
}
