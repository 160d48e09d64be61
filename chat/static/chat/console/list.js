// The list of conversations: three tabs, one row each, its timer told apart by colour as the wait gets long.

import { h, setText } from "../widget/dom.js";
import { maskedText } from "./masked.js";
import { isMine, isUnread, listed, shown, tagsOf } from "./store.js";

/** Seconds from which a wait is amber, and red. */
const WAITS = { amber: 60, red: 180 };
const REASONS_SHOWN = 3;
/** @type {import("./store.js").Tab[]} */
const TABS = ["mine", "queue", "all", "snoozed"];

/**
 * @typedef {import("./wire.js").Entry} Entry
 * @typedef {{ open: (id: string) => void, claim: (id: string) => void, tab: (tab: import("./store.js").Tab) => void, tag: (tag: string) => void, search: (query: string) => void, goOnline: () => void }} Does
 */

/**
 * @param {HTMLElement} root @param {import("./texts.js").Texts} texts @param {Does} does
 */
export function createList(root, texts, does) {
  const { t } = texts;
  const counts = TABS.map(() => h("span", { class: "count" }));
  const tabs = TABS.map((tab, index) => h("button", { type: "button", class: "tab", role: "tab", "data-tab": tab, "aria-controls": "entries", onclick: () => does.tab(tab) }, t(tab), counts[index]));
  const away = h("div", { class: "away", hidden: true }, h("span", { class: "grow" }, t("awayHint")), h("button", { type: "button", class: "button button--small", onclick: does.goOnline }, t("goOnline")));
  const tagSelect = h("select", { class: "select select--plain", "aria-label": t("tagFilter"), onchange: () => does.tag(tagSelect.value) });
  const filter = h("div", { class: "filter", hidden: true }, tagSelect);
  const search = h("input", { type: "search", class: "search", maxlength: "100", placeholder: t("searchHint"), "aria-label": t("search"), oninput: () => does.search(search.value.trim()), onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Escape" && clear() });
  const more = h("p", { class: "muted more", hidden: true }, t("searchMore"));
  const rows = h("ul", { class: "entries", id: "entries", "aria-label": t("list") });
  const empty = h("div", { class: "empty" });
  root.replaceChildren(h("div", { class: "tabs", role: "tablist" }, ...tabs), h("div", { class: "search-row" }, search), away, filter, rows, more, empty);
  /** @type {Map<string, { element: HTMLElement, look: string }>} */
  const known = new Map();

  /** @param {import("./store.js").State} state */
  function render(state) {
    TABS.forEach((tab, index) => {
      tabs[index].setAttribute("aria-selected", String(tab === state.tab));
      const count = listed(state, tab).length;
      setText(counts[index], count ? String(count) : "");
    });
    renderTags(state);
    more.hidden = !state.query || !state.found?.more;
    away.hidden = !state.loaded || state.me?.presence !== "away";
    const entries = shown(state);
    renderEmpty(state, entries.length === 0);
    const wanted = entries.map((entry) => rowOf(state, entry));
    for (const id of known.keys()) if (!entries.some((entry) => entry.conversation_id === id)) known.delete(id);
    if (wanted.some((element, index) => rows.children[index] !== element) || rows.children.length !== wanted.length) rows.replaceChildren(...wanted);
    tick();
  }

  function clear() {
    search.value = "";
    does.search("");
  }

  let tagsLook = "";
  /** @param {import("./store.js").State} state */
  function renderTags(state) {
    const tags = tagsOf(state);
    if (state.tag && !tags.includes(state.tag)) tags.unshift(state.tag);
    filter.hidden = tags.length === 0;
    const look = tags.join("\n");
    if (look !== tagsLook) tagSelect.replaceChildren(h("option", { value: "" }, t("tagAll")), ...tags.map((tag) => h("option", { value: tag }, tag)));
    tagsLook = look;
    if (tagSelect.value !== state.tag) tagSelect.value = state.tag;
  }

  /** A row is built anew only where it looks different. @param {import("./store.js").State} state @param {Entry} entry */
  function rowOf(state, entry) {
    const id = entry.conversation_id;
    const place = state.queue.find((one) => one.conversation_id === id);
    const isOpen = state.thread?.id === id;
    const mine = isMine(state, entry);
    const called = state.mentions.some((one) => one.conversation_id === id);
    const look = JSON.stringify([entry, place?.because, isOpen, mine, called, state.tab, state.query]);
    const before = known.get(id);
    if (before?.look === look) return before.element;
    const element = buildRow(entry, { isOpen, mine, called, place, tab: state.query ? "all" : state.tab });
    known.set(id, { element, look });
    return element;
  }

  /** @param {Entry} entry @param {{ isOpen: boolean, mine: boolean, called: boolean, place?: import("./wire.js").Place, tab: string }} shown */
  function buildRow(entry, { isOpen, mine, called, place, tab }) {
    const id = entry.conversation_id;
    const unread = mine && isUnread(entry);
    const since = entry.owner === "queue" ? entry.waiting_since : entry.owner === "agent" ? entry.unanswered_since : null;
    const timer = since ? h("time", { class: "timer", "data-since": since }) : h("time", { class: "timer timer--still", title: texts.stamp(entry.at) }, texts.time(entry.at));
    const who = visitorName(texts, entry);
    const open = h(
      "button",
      { type: "button", class: "entry-open", "aria-current": isOpen ? "true" : null, onclick: () => does.open(id) },
      h("span", { class: "entry-top" }, unread && h("span", { class: "unread", title: t("unread") }), h("span", { class: "entry-name" }, who), entry.visitor.tier === "vip" && h("span", { class: "chip chip--vip" }, t("vip")), called && h("span", { class: "chip chip--called", title: t("mentionOne") }, "@"), h("span", { class: "grow" }), timer),
      h("span", { class: "entry-text" }, ...said(entry)),
      h("span", { class: "entry-foot" }, ...chips(entry), ...(entry.team ? [h("span", { class: "chip chip--tag" }, entry.team)] : []), ...entry.tags.slice(0, REASONS_SHOWN).map((tag) => h("span", { class: "chip chip--tag" }, tag)), entry.snoozed && h("span", { class: "chip" }, entry.snoozed_until ? t("snoozedUntil", { at: texts.dateTime(entry.snoozed_until) }) : t("snoozedReply")), tab === "all" && h("span", { class: "muted owner" }, ownerText(texts, entry, mine))),
    );
    const claim = entry.owner === "queue" && h("button", { type: "button", class: "button button--primary button--small entry-claim", title: place ? scoreText(place) : null, onclick: () => does.claim(id) }, t("claim"));
    return h("li", { class: `entry${isOpen ? " entry--open" : ""}${unread ? " entry--unread" : ""}`, "data-id": id }, open, claim);
  }

  /** The line that was searched for, what was searched for marked; else the latest. @param {Entry & { hit?: { text: string } | null }} entry */
  function said(entry) {
    const { hit } = entry;
    if (!hit) return [speaker(entry), entry.latest ? maskedText(texts, entry.latest.text) : ""];
    return markedParts(maskedText(texts, hit.text), search.value).map(([text, marked]) => (marked ? h("mark", {}, text) : text));
  }

  /** @param {Entry} entry */
  function speaker(entry) {
    const role = entry.latest?.role;
    return role && role !== "visitor" ? t("saidBy", { who: t(role === "bot" ? "bot" : "agent") }) : "";
  }

  /** @param {Entry} entry */
  function chips(entry) {
    if (entry.owner === "bot") return [];
    const shown = entry.reasons.slice(0, REASONS_SHOWN).map((code) => h("span", { class: `chip chip--${code}` }, texts.named("reason", code)));
    const more = entry.reasons.length - REASONS_SHOWN;
    return more > 0 ? [...shown, h("span", { class: "chip", title: entry.reasons.map((code) => texts.named("reason", code)).join(" · ") }, `+${more}`)] : shown;
  }

  /** @param {import("./wire.js").Place} place */
  function scoreText(place) {
    const parts = place.because.filter((one) => one.points > 0).map((one) => `${texts.named("because", one.code)} ${one.points}`);
    return [t("score", { score: place.score }), ...parts].join(" · ");
  }

  /** @param {import("./store.js").State} state @param {boolean} isEmpty */
  function renderEmpty(state, isEmpty) {
    empty.hidden = !isEmpty;
    if (isEmpty && state.query) {
      empty.replaceChildren(...(state.found?.query === state.query ? [h("p", {}, t("searchNone")), h("p", { class: "muted" }, t("searchNoneHint"))] : [h("p", { class: "muted" }, t("loading"))]));
      return;
    }
    const [title, hint] = {
      mine: [t("emptyMine"), t("emptyMineHint")],
      queue: [t("emptyQueue"), t("emptyQueueHint")],
      all: [t("emptyAll"), t("emptyAllHint")],
      snoozed: [t("emptySnoozed"), t("emptySnoozedHint")],
    }[state.tab];
    if (isEmpty) empty.replaceChildren(...(state.loaded ? [h("p", {}, title), h("p", { class: "muted" }, hint)] : [h("p", { class: "muted" }, t("loading"))]));
  }

  /** Timers go on without the rest being looked at. */
  function tick() {
    for (const element of rows.querySelectorAll("[data-since]")) {
      const seconds = (Date.now() - Date.parse(element.getAttribute("data-since") ?? "")) / 1000;
      setText(element, texts.span(seconds));
      element.className = `timer${seconds >= WAITS.red ? " timer--red" : seconds >= WAITS.amber ? " timer--amber" : ""}`;
    }
  }

  setInterval(tick, 1000);
  return { render, focusSearch: () => search.focus(), clear };
}

/** A text in parts, those marked that have a word of the query. @param {string} text @param {string} query @returns {[string, boolean][]} */
export function markedParts(text, query) {
  const words = query.split(/\s+/).filter((word) => word && !word.startsWith("#")).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (words.length === 0) return [[text, false]];
  return text.split(new RegExp(`(${words.join("|")})`, "i")).map((part, index) => /** @type {[string, boolean]} */ ([part, index % 2 === 1])).filter(([part]) => part);
}

/** @param {import("./texts.js").Texts} texts @param {{ visitor: Entry["visitor"] }} entry */
export function visitorName(texts, entry) {
  const { name, number } = entry.visitor;
  return name && !name.startsWith("<") ? name : texts.t("visitor", { number });
}

/** @param {import("./texts.js").Texts} texts @param {Entry} entry @param {boolean} mine */
export function ownerText({ t }, entry, mine) {
  if (entry.resolved) return t("resolved");
  if (mine) return t("ownerMe");
  if (entry.owner === "agent") return t("ownerAgent", { name: entry.agent?.name ?? "" });
  return t(entry.owner === "queue" ? "ownerQueue" : "ownerBot");
}
