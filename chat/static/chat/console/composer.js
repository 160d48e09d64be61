// Where an agent writes: to the customer, or to colleagues. What was begun stays with its conversation.

import { h } from "../widget/dom.js";
import { createCanned } from "./canned.js";
import { fill, openVariable, slashQuery } from "./canned_search.js";
import { ownerText } from "./list.js";
import { createMention, labelOf, mentionQuery, withIds } from "./mention.js";
import { calledFor, colleagues, isMine } from "./store.js";
import { createSuggestion } from "./suggestion.js";

const MAX_HEIGHT_PX = 180;
const TYPING_EVERY_MS = 3_000;
const STYLES = ["shorter", "warmer", "formal", "typos", "translate"];
const REWRITE_CHARS = 1_000;

/**
 * @typedef {"reply" | "note"} Kind
 * @typedef {{ kind: import("./store.js").Help, text?: string, style?: string }} Asked
 * @typedef {{ suggest: (asked: Asked) => void, stop: () => void, drop: () => void, send: (kind: Kind, text: string) => void, claim: (id: string) => void, typing: (on: boolean) => void, canned: () => void, editCanned: (reply: import("./wire.js").Canned | null) => void }} Does
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
  const mention = createMention(texts, { pick: call });
  /** @type {Map<string, Map<string, number>>} by conversation: agents by what stands for them in the field */
  const picked = new Map();
  /** @type {Asked} */
  let wanted = { kind: "draft" };
  /** @type {{ of: string, place: string, text: string } | null} the suggestion that is in the field, where, and what was there before */
  let used = null;
  let offered = "";
  const suggestion = createSuggestion(texts, { use: (_, how) => use(how), restore, cancel: does.stop, close: does.drop, again: () => does.suggest(wanted) });

  const bar = h("div", { class: "bar" });
  const input = h("textarea", { class: "input", rows: "2", maxlength: "4000", oninput: onInput, onkeydown: onKey });
  const send = h("button", { type: "submit", class: "button button--primary" });
  const tabs = /** @type {Kind[]} */ (["reply", "note"]).map((one) => h("button", { type: "button", class: "tab", "data-kind": one, onclick: () => choose(one) }, t(one)));
  const drafting = h("button", { type: "button", class: "button button--plain", "data-act": "draft", title: "Alt+G", onclick: draft }, t("assistDraft"));
  const style = h("select", { class: "select assist-style", title: "Alt+R", "aria-label": t("assistRewrite"), onchange: rewrite }, h("option", { value: "" }, t("assistRewrite")), ...STYLES.map((one) => h("option", { value: one }, texts.named("style", one))));
  const summing = h("button", { type: "button", class: "button button--plain", "data-act": "summary", title: "Alt+U", onclick: summary }, t("assistSummary"));
  const help = h("div", { class: "assist", hidden: true }, drafting, style, summing);
  const form = h("form", { class: "composer-form", onsubmit }, h("div", { class: "tabs" }, ...tabs, h("span", { class: "grow" }), help), h("div", { class: "composer-row" }, input, send));
  root.replaceChildren(bar, canned.root, mention.root, suggestion.root, form);

  function onInput() {
    keep();
    suggest();
    if (kind === "reply" && input.value && Date.now() - typedAt > TYPING_EVERY_MS) {
      typedAt = Date.now();
      does.typing(true);
    }
  }

  /** What stands in the field stays with its conversation. */
  function keep() {
    drafts.set(id + kind, input.value);
    style.disabled = !input.value.trim() || input.value.length > REWRITE_CHARS;
    grow();
  }

  function draft() {
    if (!canReply) return;
    choose("reply");
    ask({ kind: "draft" });
  }

  function rewrite() {
    const text = input.value;
    if (style.value && text.trim()) ask(style.value === "translate" ? { kind: "translate", text } : { kind: "rewrite", text, style: style.value });
    style.value = "";
  }

  function summary() {
    ask({ kind: "summary" });
  }

  /** @param {Asked} asked */
  function ask(asked) {
    if (!latest?.assist) return;
    wanted = asked;
    does.suggest(asked);
  }

  /** Puts what was written into the field: at once where nothing of the agent's is lost, else when the agent says so. @param {"replace" | "add"} how */
  function use(how) {
    const one = latest?.suggestion;
    if (!one || !latest) return;
    if (one.kind === "summary") choose("note");
    used = { of: one.client_id, place: id + kind, text: input.value };
    const text = fill(one.text, values(latest));
    input.value = how === "add" && input.value.trim() ? `${input.value.trimEnd()}\n${text}` : text;
    keep();
    input.focus();
    if (!selectOpen()) input.setSelectionRange(input.value.length, input.value.length);
    renderSuggestion(latest);
  }

  function restore() {
    if (used?.place === id + kind) input.value = used.text;
    used = null;
    keep();
    input.focus();
    if (latest) renderSuggestion(latest);
  }

  /** @param {import("./store.js").State} state */
  function renderSuggestion(state) {
    const one = state.suggestion?.conversation_id === id ? state.suggestion : null;
    help.hidden = !state.assist;
    drafting.disabled = !canReply;
    const isNew = one?.state === "done" && offered !== one.client_id;
    if (one && isNew) {
      offered = one.client_id;
      const untouched = one.kind === "draft" ? !input.value.trim() : one.kind !== "summary" && input.value === wanted.text;
      if (untouched && (kind === "reply" || one.kind !== "draft")) return use("replace");
    }
    suggestion.render(one, { used: one !== null && used?.of === one.client_id, canUse: one?.kind !== "draft" || canReply });
  }

  /** A first reply from the brief; below what is typed already. @param {string} text */
  function take(text) {
    if (!latest) return;
    choose("reply");
    const filled = fill(text, values(latest));
    input.value = input.value.trim() ? `${input.value.trimEnd()}\n${filled}` : filled;
    keep();
    input.focus();
    selectOpen();
  }

  /** A slash at the beginning opens the replies kept ready, an @ in a note the colleagues. */
  function suggest() {
    const query = slashQuery(input.value);
    if (query !== null && !asked) {
      asked = true;
      does.canned();
    }
    canned.show(latest?.canned ?? [], query);
    const typed = kind === "note" && query === null ? mentionQuery(input.value, input.selectionStart) : null;
    mention.show(latest ? colleagues(latest) : [], typed && typed.query);
    input.setAttribute("aria-expanded", String(!canned.root.hidden || !mention.root.hidden));
    input.setAttribute("aria-controls", mention.root.hidden ? "canned-rows" : "mention-rows");
    input.setAttribute("aria-activedescendant", canned.active() || mention.active());
  }

  /** Puts a colleague's name in the place of what was typed of it. @param {import("./wire.js").Agent} agent */
  function call(agent) {
    const typed = mentionQuery(input.value, input.selectionStart);
    if (!typed || !latest) return;
    const label = labelOf(agent, colleagues(latest));
    picked.set(id, new Map(picked.get(id)).set(label, agent.id));
    input.setRangeText(`@${label} `, typed.from, input.selectionStart, "end");
    input.focus();
    onInput();
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
  function values(state) {
    const { thread } = state;
    const entry = thread?.entry;
    const name = entry?.visitor.name ?? "";
    const order = thread?.brief?.slots.order_number ?? thread?.context?.page.order?.number ?? "";
    return {
      agent: entry ? calledFor(state, entry) : "",
      shop: entry?.inbox ?? "",
      customer: (name.startsWith("<") ? thread?.revealed[name] : name) || t("customer"),
      order: order.startsWith("<") ? (thread?.revealed[order] ?? "") : order,
    };
  }

  /** Enter that ends the choice of a Chinese word is not meant to send. @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.isComposing || event.keyCode === 229) return;
    if (canned.key(event) || mention.key(event)) {
      event.preventDefault();
      event.stopPropagation();
      input.setAttribute("aria-activedescendant", canned.active() || mention.active());
      return;
    }
    if (event.key === "Escape" && latest?.suggestion?.conversation_id === id) {
      event.stopPropagation();
      if (latest.suggestion.state === "asked" || latest.suggestion.state === "running") does.stop();
      else does.drop();
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
    does.send(kind, kind === "note" ? withIds(text, picked.get(id) ?? new Map()) : text);
    drafts.delete(id + kind);
    if (kind === "note") picked.delete(id);
    input.value = "";
    keep();
    suggest();
    if (used?.of === latest?.suggestion?.client_id) does.drop();
    used = null;
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
    mention.show([], null);
    style.disabled = !input.value.trim() || input.value.length > REWRITE_CHARS;
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
    renderSuggestion(state);
  }

  /** @param {import("./wire.js").Entry} entry @param {boolean} mine */
  function renderBar(entry, mine) {
    bar.hidden = mine;
    const text = entry.resolved ? t("barResolved") : entry.owner === "agent" ? t("barOther", { name: entry.agent?.name ?? "" }) : t(entry.owner === "queue" ? "barQueue" : "barBot");
    const canClaim = !entry.resolved && entry.owner !== "agent";
    const claim = canClaim && h("button", { type: "button", class: "button button--primary button--small", "data-act": "claim", onclick: () => does.claim(entry.conversation_id) }, t(entry.owner === "queue" ? "claim" : "takeOver"));
    bar.replaceChildren(h("span", { class: "grow" }, text), ...(claim ? [claim] : []));
  }

  /** Opens the choice of how the typed text is to be. */
  function restyle() {
    if (style.disabled || !latest?.assist) return;
    style.focus();
    try {
      style.showPicker();
    } catch {
      // It has the focus; the arrows choose.
    }
  }

  return { render, choose, draft, restyle, summary, take };
}
