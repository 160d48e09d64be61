// The conversation that is open: who has it, what can be done with it, every line and note, what is being typed.

import { h, icon, setText } from "../widget/dom.js";
import { richNodes } from "../widget/rich.js";
import { answerAfter, attached, attachedLook } from "./attached.js";
import { ownerText, visitorName } from "./list.js";
import { maskInside, maskedNodes } from "./masked.js";
import { mentionNodes, namedText, namesOf } from "./mention.js";
import { isMine } from "./store.js";

const NEAR_END_PX = 80;

/**
 * @typedef {import("./store.js").State} State
 * @typedef {import("./store.js").Thread} Thread
 * @typedef {{ at: string, order: [number, string], key: string, build: () => HTMLElement, day?: boolean }} Row
 * @typedef {object} Does
 * @property {(id: string) => void} claim
 * @property {() => void} transfer
 * @property {() => void} handBack
 * @property {() => void} resolve
 * @property {() => void} snooze
 * @property {() => void} wake
 * @property {() => void} tags
 * @property {() => void} translate
 * @property {() => void} barge
 * @property {() => void} reassign
 * @property {() => void} whisper
 * @property {() => void} back
 * @property {() => void} details
 * @property {(placeholder: string) => void} reveal
 * @property {(line: import("./store.js").Pending) => void} retry
 * @property {(clientId: string) => void} discard
 */

/** @param {HTMLElement} root @param {import("./texts.js").Texts} texts @param {Does} does */
export function createThread(root, texts, does) {
  const { t } = texts;
  const name = h("h2", { class: "thread-name" });
  const owner = h("p", { class: "thread-owner muted" });
  const acts = h("div", { class: "acts" });
  const back = h("button", { type: "button", class: "icon-button only-narrow", "aria-label": t("back"), onclick: does.back }, "‹");
  const details = h("button", { type: "button", class: "button button--small only-middle", onclick: does.details }, t("details"));
  const head = h("header", { class: "thread-head" }, back, h("div", { class: "grow" }, name, owner), acts, details);
  const lines = h("div", { class: "lines" });
  const tail = h("p", { class: "tail muted", "aria-live": "polite" });
  const scroller = h("div", { class: "scroller", tabindex: "0", role: "log", "aria-label": t("thread") }, lines, tail);
  const newest = h("button", { type: "button", class: "button newest", hidden: true, onclick: () => toEnd() }, icon("down"), t("newest"));
  const blank = h("div", { class: "empty empty--thread" }, h("p", {}, t("pickOne")), h("p", { class: "muted" }, t("pickOneHint")));
  root.append(head, scroller, newest, blank);
  /** @type {Map<string, { element: HTMLElement, look: string }>} */
  let known = new Map();
  let shownId = "";
  let actsLook = "";
  scroller.addEventListener("scroll", () => (newest.hidden = isNearEnd()));

  const isNearEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END_PX;
  const toEnd = () => (scroller.scrollTop = scroller.scrollHeight);

  /** @param {State} state */
  function render(state) {
    const { thread } = state;
    blank.hidden = thread !== null;
    head.hidden = scroller.hidden = thread === null;
    if (!thread) {
      shownId = "";
      newest.hidden = true;
      return;
    }
    const isNew = shownId !== thread.id;
    if (isNew) {
      known = new Map();
      shownId = thread.id;
    }
    const stick = isNew || isNearEnd();
    renderHead(state, thread);
    renderLines(state, thread);
    setText(tail, !thread.loaded ? t("loading") : thread.typing ? t("visitorTyping") : thread.untranslated && state.translated[thread.id] ? t("untranslated", { why: texts.named("assistWhy", thread.untranslated) }) : "");
    if (stick) toEnd();
    newest.hidden = isNearEnd();
  }

  /** @param {State} state @param {Thread} thread */
  function renderHead(state, { entry, viewers }) {
    if (!entry) {
      setText(name, "");
      setText(owner, "");
      acts.replaceChildren();
      actsLook = "";
      return;
    }
    const mine = isMine(state, entry);
    setText(name, visitorName(texts, entry));
    const others = viewers.length ? ` · ${t("viewing", { names: viewers.map((one) => one.name).join(t("and")) })}` : "";
    setText(owner, `${ownerText(texts, entry, mine)} · ${entry.inbox}${others}`);
    const look = `${entry.conversation_id} ${mine} ${entry.owner} ${entry.resolved} ${entry.snoozed} ${state.supervisor} ${state.assist} ${state.translated[entry.conversation_id]}`;
    if (look === actsLook) return;
    actsLook = look;
    /** @type {(key: import("./texts.js").TextKey, act: () => void, kind?: string) => Node} */
    const act = (key, run, kind = "") => h("button", { type: "button", class: `button button--small ${kind}`, "data-act": key, onclick: run }, t(key));
    const aside = entry.snoozed ? act("wake", does.wake) : act("snooze", does.snooze);
    const supervises = state.supervisor && !mine && !entry.resolved;
    const overs = supervises ? [...(entry.owner === "agent" ? [act("whisper", does.whisper), act("barge", does.barge)] : []), act("reassign", does.reassign)] : [];
    const reading = act("translate", does.translate);
    /** @type {Element} */ (reading).setAttribute("aria-pressed", String(!!state.translated[entry.conversation_id]));
    acts.replaceChildren(...(state.assist ? [reading] : []), act("tags", does.tags), ...overs, ...(mine ? [aside, act("transfer", does.transfer), act("handBack", does.handBack), act("resolve", does.resolve, "button--primary")] : []));
  }

  /** @param {State} state @param {Thread} thread */
  function renderLines(state, thread) {
    const rows = rowsOf(state, thread);
    const wanted = rows.map(({ key, look, build }) => {
      const before = known.get(key);
      if (before?.look === look) return before.element;
      const element = build();
      known.set(key, { element, look });
      return element;
    });
    const same = lines.children.length === wanted.length && wanted.every((element, index) => lines.children[index] === element);
    if (!same) lines.replaceChildren(...wanted);
  }

  /**
   * Messages with the notes written after them, then what is on its way. A line that is seen again keeps its element.
   * @param {State} state @param {Thread} thread
   */
  function rowsOf(state, thread) {
    const masks = { texts, revealed: thread.revealed, onReveal: does.reveal };
    const opened = JSON.stringify(thread.revealed);
    /** @type {{ key: string, look: string, build: () => HTMLElement }[]} */
    const rows = [];
    const me = state.me?.id ?? 0;
    const noteNodes = (/** @type {string} */ text, /** @type {Map<number, string>} */ names) => mentionNodes(text, names, me, (part) => maskedNodes(part, masks));
    const translations = state.translated[thread.id] ? thread.translations : {};
    let lastDay = "";
    const dayRow = (/** @type {string} */ at) => {
      const day = texts.day(at);
      if (day !== lastDay) rows.push({ key: `d${day}`, look: day, build: () => h("p", { class: "day" }, day) });
      lastDay = day;
    };
    const first = thread.messages[0]?.seq ?? 1;
    const addNotes = (/** @type {number} */ after, /** @type {number} */ before) => {
      for (const note of thread.notes.filter((one) => one.after_seq >= after && one.after_seq < before)) {
        dayRow(note.at);
        rows.push({ key: `n${note.id}`, look: opened + JSON.stringify(note.mentions), build: () => bubble("note", note.author.name, note.at, noteNodes(note.text, namesOf(note.mentions))) });
      }
    };
    addNotes(0, first);
    thread.messages.forEach((message, index) => {
      dayRow(message.at);
      const answer = answerAfter(thread.messages, index);
      rows.push({ key: `m${message.seq}`, look: `${opened} ${translations[message.seq] ?? ""} ${attachedLook(message, answer)}`, build: () => messageRow(message, masks, answer, translations[message.seq]) });
      addNotes(message.seq, thread.messages[index + 1]?.seq ?? Infinity);
    });
    if (thread.partial) {
      const { text } = thread.partial;
      rows.push({ key: "partial", look: text, build: () => bubble("bot", t("botWriting"), null, [document.createTextNode(text || "…")]) });
    }
    const stored = new Set([...thread.messages, ...thread.notes].map((one) => one.client_id));
    for (const line of state.pending.filter((one) => one.conversation_id === thread.id && !stored.has(one.client_id)))
      rows.push({ key: `p${line.client_id}`, look: line.error, build: () => pendingRow(line, namesOf(state.agents)) });
    return rows;
  }

  /** @param {import("./wire.js").Message} message @param {import("./masked.js").Masks} masks @param {string} answer @param {string} [translated] */
  function messageRow(message, masks, answer, translated) {
    const body = richNodes(message.html);
    const holder = h("div", { class: "body" }, ...body);
    maskInside(holder, masks);
    if (message.role === "system") return h("p", { class: "event", "data-role": "system" }, ...holder.childNodes, " ", h("time", { title: texts.stamp(message.at) }, texts.time(message.at)));
    const who = message.role === "visitor" ? t("customer") : message.role === "bot" ? t("bot") : message.author?.name || t(message.role);
    const more = h("div", { class: "attached" }, ...attached(message, texts, answer));
    maskInside(more, masks);
    const row = bubble(message.role, message.ai ? `${who} · ${t("ai")}` : who, message.at, [...holder.childNodes, ...(translated ? [h("p", { class: "translated" }, ...maskedNodes(translated, masks))] : [])]);
    if (!message.text) row.querySelector(".body")?.remove();
    if (more.hasChildNodes()) row.append(more);
    return row;
  }

  /** @param {string} role @param {string} who @param {string | null} at @param {Node[]} body */
  function bubble(role, who, at, body) {
    const label = role === "note" ? `${t("note")} · ${who}` : who;
    return h("article", { class: `line line--${role}`, "data-role": role }, h("p", { class: "line-who" }, label, at && h("time", { title: texts.stamp(at) }, texts.time(at))), h("div", { class: "body" }, ...body));
  }

  /** @param {import("./store.js").Pending} line @param {Map<number, string>} names */
  function pendingRow(line, names) {
    const role = line.kind === "note" ? "note" : "agent";
    const element = bubble(role, line.error ? failedText(line.error) : t("sending"), null, [document.createTextNode(role === "note" ? namedText(line.text, names) : line.text)]);
    element.classList.add(line.error ? "line--failed" : "line--sending");
    if (line.error) element.append(h("p", { class: "line-acts" }, h("button", { type: "button", class: "link", onclick: () => does.retry(line) }, t("retry")), h("button", { type: "button", class: "link", onclick: () => does.discard(line.client_id) }, t("discard"))));
    return element;
  }

  /** @param {string} error a code, or @name of who has the conversation now */
  function failedText(error) {
    const why = error.startsWith("@") ? t("why_owned", { name: error.slice(1) }) : texts.named("why", error);
    return t("failed", { why });
  }

  return { render };
}
