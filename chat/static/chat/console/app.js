// Starts the console: one store, one socket, four parts of a page. Everything an agent does passes through here.

import { createChime } from "../widget/notify.js";
import { createAside } from "./aside.js";
import { createBoard } from "./board.js";
import { createComposer } from "./composer.js";
import { askCanned, askHandBack, askResolve, askReveal, askSnooze, askTags, askTransfer, askWhisper, showHelp, showMentions } from "./dialogs.js";
import { createList } from "./list.js";
import { namesOf } from "./mention.js";
import { createRinging } from "./ringing.js";
import { createSocket } from "./socket.js";
import { colleagues, createStore, isMine, isUnread, listed, servers, shown, upTo, wanting } from "./store.js";
import { createTexts } from "./texts.js";
import { createThread } from "./thread.js";
import { createTop } from "./top.js";

const QUIET_MS = 6_000;
const SEARCH_MS = 200;
const BOARD_MS = 5_000;
const TRANSLATE_MS = 300;
const LATE_MS = 40_000;
const SOUND_KEY = "yingda.console.mute";

/** @param {string} id */
const part = (id) => /** @type {HTMLElement} */ (document.getElementById(id));
const page = part("console");
const texts = createTexts(document.documentElement.lang, page.dataset.zone);
const store = createStore();
const chime = createChime();
const language = document.documentElement.lang.startsWith("en") ? "en" : "zh";
let soundOn = localStorage.getItem(SOUND_KEY) !== "1";
/** @type {any} */
let quietTimer = null;
/** @type {any} */
let searchTimer = null;
/** @type {((one: import("./store.js").Suggestion | null) => void) | null} who else waits for the suggestion: the dialog that resolves */
let onWritten = null;
/** @type {any} */
let translateTimer = null;

const socketAddress = new URL(`/ws/agent/?lang=${document.documentElement.lang}`, location.href);
socketAddress.protocol = location.protocol === "https:" ? "wss:" : "ws:";
const socket = createSocket({
  url: socketAddress.href,
  onFrame: (frame) => {
    // What is read in another language is another console's.
    if (frame.type === "translation" && frame.language !== language) return;
    store.dispatch({ type: "frame", frame });
    onFrame(frame);
  },
  onLink: (link) => {
    store.dispatch({ type: "link", link });
    if (link === "online") catchUp();
  },
});

const renderTop = createTop(part("top"), part("alert"), texts, {
  language: part("language"),
  does: { presence: setPresence, sound: toggleSound, help: () => showHelp(texts), board: () => openBoard(!store.get().boardOpen), mentions: () => showMentions(texts, store.get().mentions, namesOf(store.get().agents), open), called: open, dismiss: () => store.dispatch({ type: "dismiss" }) },
});
const list = createList(part("list"), texts, { open, claim, tab: (tab) => store.dispatch({ type: "tab", tab }), tag: (tag) => store.dispatch({ type: "tag", tag }), search, goOnline: () => setPresence("online") });
const thread = createThread(part("thread"), texts, {
  claim,
  transfer: () => {
    const id = openId();
    askTransfer(texts, colleagues(store.get()), store.get().teams, (to, note) => act({ type: "transfer", conversation_id: id, ...to, note }));
  },
  handBack: () => {
    const id = openId();
    askHandBack(texts, (note) => act({ type: "hand_back", conversation_id: id, note }));
  },
  resolve,
  snooze,
  wake: () => act({ type: "wake", conversation_id: openId() }),
  tags,
  translate,
  barge: () => act({ type: "barge", conversation_id: openId() }),
  reassign: () => {
    const id = openId();
    askTransfer(texts, servers(store.get()), [], ({ to }) => act({ type: "reassign", conversation_id: id, to }), "reassign");
  },
  whisper: () => {
    const id = openId();
    askWhisper(texts, (text) => act({ type: "whisper", conversation_id: id, client_id: newId(), text }));
  },
  back: () => show("list"),
  details: () => show(page.dataset.pane === "context" ? "thread" : "context"),
  reveal,
  retry: (line) => sendLine(line),
  discard: (clientId) => store.dispatch({ type: "discard", client_id: clientId }),
});
const composer = createComposer(part("composer"), texts, {
  claim,
  send: (kind, text) => {
    const { thread: shown } = store.get();
    if (shown?.entry) sendLine({ client_id: newId(), conversation_id: shown.id, kind, text, epoch: shown.entry.epoch });
  },
  suggest,
  stop: stopSuggestion,
  drop: () => store.dispatch({ type: "suggestion.drop" }),
  typing: (on) => void socket.send({ type: "typing", conversation_id: openId(), on }),
  canned: () => void socket.send({ type: "canned.list" }),
  editCanned: (reply) => {
    const blank = { folder: "", title: "", text: "" };
    askCanned(texts, reply ?? blank, (said) => act(said ? { type: "canned.save", ...said } : { type: "canned.remove", id: reply?.id }));
  },
});
const aside = createAside(part("context"), texts, {
  open,
  reveal,
  back: () => show("thread"),
  take: (text) => {
    show("thread");
    composer.take(text);
  },
  grade: (grade, word) => act({ type: "brief.grade", conversation_id: openId(), grade, word, epoch: store.get().thread?.brief?.epoch || null }),
});

const ringing = createRinging(part("ringing"), texts, { accept: claim, decline: (id) => act({ type: "ring.decline", conversation_id: id }), chime: () => soundOn && chime() });

const board = createBoard(part("board"), texts, {
  close: () => openBoard(false),
  pause: (paused) => act({ type: "intake.pause", paused }),
  who: (agent) => {
    const held = Object.values(store.get().entries).find((entry) => entry.agent?.id === agent && !entry.resolved);
    openBoard(false);
    store.dispatch({ type: "tab", tab: "all" });
    if (held) open(held.conversation_id);
  },
});

store.subscribe(render);
setInterval(readBoard, BOARD_MS);
document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", markRead);
document.addEventListener("visibilitychange", readMentions);
render(store.get(), store.get());

/** @param {import("./store.js").State} state @param {import("./store.js").State} before */
function render(state, before) {
  renderTop(state, soundOn);
  list.render(state);
  ringing.render(state);
  board.render(state);
  if (state.call && state.call !== before.call && state.call.kind !== "mention" && soundOn) chime();
  if (state.suggestion !== before.suggestion) onWritten?.(state.suggestion);
  thread.render(state);
  composer.render(state);
  aside.render(state);
  const count = wanting(state);
  document.title = `${count ? `(${count}) ` : ""}${texts.t("title")} · 应答`;
  if (state.loaded && before.loaded && calls(state) > calls(before) && soundOn) chime();
  if (state.thread?.gap && !before.thread?.gap) catchUp();
  if (state.mentions !== before.mentions || state.thread?.loaded !== before.thread?.loaded) readMentions();
  if (state.thread?.messages !== before.thread?.messages) {
    markRead();
    askTranslations();
  }
}

/** What should be heard: who joined the queue, and own conversations with something new. @param {import("./store.js").State} state */
function calls(state) {
  const looking = !document.hidden && document.hasFocus();
  const heard = listed(state, "mine").filter((entry) => isUnread(entry) && !(looking && entry.conversation_id === state.thread?.id));
  return heard.length + listed(state, "queue").length;
}

/** @param {import("./wire.js").Frame} frame */
function onFrame(frame) {
  if (frame.type === "ok" && frame.suggestion_id && unwanted.delete(frame.client_id ?? "")) socket.send({ type: "suggest.cancel", suggestion_id: frame.suggestion_id });
  if (frame.type === "ok" && (frame.act === "claim" || frame.act === "barge")) {
    store.dispatch({ type: "tab", tab: "mine" });
    open(frame.conversation_id);
  }
  if (frame.type === "ok" && (frame.act === "resolve" || frame.act === "hand_back" || frame.act === "transfer")) reopen();
  if (frame.type === "turn" && frame.state === "done") reopen();
  if (frame.type === "typing" && frame.on) {
    clearTimeout(quietTimer);
    quietTimer = setTimeout(() => store.dispatch({ type: "quiet" }), QUIET_MS);
  }
}

/** @param {string} id */
function open(id) {
  if (store.get().thread?.id !== id) store.dispatch({ type: "open", id });
  socket.send({ type: "open", conversation_id: id, after_seq: 0 });
  show("thread");
}

/** @param {boolean} on */
function openBoard(on) {
  store.dispatch({ type: "board", open: on });
  readBoard();
}

/** The board is a look at rows: while it is open it is taken anew every few seconds. */
function readBoard() {
  if (store.get().boardOpen && !document.hidden) socket.send({ type: "board.get" });
}

/** Asks once the typing pauses. @param {string} query */
function search(query) {
  store.dispatch({ type: "search", query });
  clearTimeout(searchTimer);
  if (query) searchTimer = setTimeout(() => socket.send({ type: "search", query }), SEARCH_MS);
}

/** The lines that are missing, with context and brief as they stand now. */
function reopen() {
  const shown = store.get().thread;
  if (shown) socket.send({ type: "open", conversation_id: shown.id, after_seq: upTo(shown) });
}

/** After a lost connection: what was missed, and every line again that the server has not confirmed. */
function catchUp() {
  reopen();
  for (const line of store.get().pending) if (!line.error) transmit(line);
}

/** @param {string} id */
function claim(id) {
  act({ type: "claim", conversation_id: id });
}

function resolve() {
  const { thread: shown } = store.get();
  if (!shown || !isMine(store.get(), shown.entry)) return;
  const { suggestion, assist } = store.get();
  const ready = suggestion?.kind === "summary" && suggestion.state === "done" && suggestion.conversation_id === shown.id;
  const known = { tags: shown.entry?.tags ?? [], summary: ready ? suggestion.text : "", write: assist ? writeSummary : null };
  askResolve(texts, known, ({ summary, tags }) => act({ type: "resolve", conversation_id: shown.id, summary, tags }));
}

/** Reads the conversation in the agent's language, or as it was said. */
function translate() {
  const id = openId();
  store.dispatch({ type: "translate", id, on: !store.get().translated[id] });
  askTranslations();
}

/** Lines that come together are asked for together. */
function askTranslations() {
  clearTimeout(translateTimer);
  const id = openId();
  if (id && store.get().translated[id]) translateTimer = setTimeout(() => openId() === id && socket.send({ type: "translate", conversation_id: id, language }), TRANSLATE_MS);
}

/** Has a summary written for a dialog, and tells it how that goes; what stops it. @param {(state: string, text: string) => void} told */
function writeSummary(told) {
  onWritten = (one) => {
    const name = texts.t("assist_summary");
    if (one?.state === "failed") told(texts.t("assistFailed", { name, why: texts.named("assistWhy", one.why) }), "");
    else if (one?.state === "done") told("", one.text);
    else told(one ? texts.t("assistRunning", { name }) : "", "");
    if (!one || one.state === "failed" || one.state === "done") onWritten = null;
  };
  suggest({ kind: "summary" });
  return () => {
    if (onWritten) stopSuggestion();
    onWritten = null;
  };
}

/** Asks for something to be written; who asks again drops what was asked before. @param {import("./composer.js").Asked} asked */
function suggest(asked) {
  const id = openId();
  const client_id = newId();
  store.dispatch({ type: "suggest", client_id, conversation_id: id, kind: asked.kind });
  const fail = (/** @type {string} */ why) => store.dispatch({ type: "suggestion.fail", client_id, why });
  if (!socket.send({ type: "suggest", conversation_id: id, client_id, language, ...asked })) fail("offline");
  setTimeout(() => fail("late"), LATE_MS);
}

// Stopped before the server had said under which name it writes them.
/** @type {Set<string>} */
const unwanted = new Set();

function stopSuggestion() {
  const one = store.get().suggestion;
  if (one?.id) socket.send({ type: "suggest.cancel", suggestion_id: one.id });
  else if (one) unwanted.add(one.client_id);
  store.dispatch({ type: "suggestion.drop" });
}

function snooze() {
  const { thread: shown } = store.get();
  if (!shown || !isMine(store.get(), shown.entry)) return;
  askSnooze(texts, (until) => act({ type: "snooze", conversation_id: shown.id, until }));
}

function tags() {
  const entry = store.get().thread?.entry;
  if (entry) askTags(texts, entry.tags, (words) => act({ type: "tags.set", conversation_id: entry.conversation_id, tags: words }));
}

/** @param {string} placeholder */
function reveal(placeholder) {
  const id = openId();
  askReveal(texts, placeholder, (reason) => act({ type: "reveal", conversation_id: id, placeholder, reason }));
}

/** @param {Omit<import("./store.js").Pending, "error">} line a failed one again gets a new id: the old may be spoken for */
function sendLine(line) {
  const entry = store.get().thread?.entry;
  store.dispatch({ type: "discard", client_id: line.client_id });
  const fresh = { client_id: newId(), conversation_id: line.conversation_id, kind: line.kind, text: line.text, epoch: entry?.epoch ?? line.epoch };
  store.dispatch({ type: "send", line: fresh });
  transmit(fresh);
}

/** Without a connection it waits for the next. @param {Omit<import("./store.js").Pending, "error">} line */
function transmit({ kind, conversation_id, client_id, text, epoch }) {
  socket.send(kind === "note" ? { type: "note", conversation_id, client_id, text } : { type: "reply", conversation_id, client_id, text, epoch });
}

/** @param {string} status */
function setPresence(status) {
  act({ type: "presence.set", status });
}

/** @param {Record<string, unknown>} frame */
function act(frame) {
  store.dispatch({ type: "dismiss" });
  if (!socket.send(frame)) store.dispatch({ type: "frame", frame: { type: "error", code: "offline", message: "" } });
}

function markRead() {
  const state = store.get();
  const entry = state.thread?.entry;
  if (!state.thread || !entry || document.hidden || !isMine(state, entry)) return;
  const seq = upTo(state.thread);
  if (seq > entry.read_seq) socket.send({ type: "read", conversation_id: entry.conversation_id, seq });
}

/** What calls this agent in the conversation that is open has been read. */
function readMentions() {
  const { thread: shown, mentions } = store.get();
  if (document.hidden || !shown?.loaded || !mentions.some((one) => one.conversation_id === shown.id)) return;
  socket.send({ type: "mentions.read", conversation_id: shown.id });
}

function toggleSound() {
  soundOn = !soundOn;
  localStorage.setItem(SOUND_KEY, soundOn ? "0" : "1");
  renderTop(store.get(), soundOn);
  if (soundOn) chime();
}

/** On a narrow screen one pane is shown at a time. @param {"list" | "thread" | "context"} pane */
function show(pane) {
  page.dataset.pane = pane;
}

function openId() {
  return store.get().thread?.id ?? "";
}

/** @param {number} step */
function move(step) {
  const state = store.get();
  const entries = shown(state);
  const at = entries.findIndex((entry) => entry.conversation_id === state.thread?.id);
  const next = entries[at < 0 ? 0 : Math.min(entries.length - 1, Math.max(0, at + step))];
  if (next) open(next.conversation_id);
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (document.querySelector("dialog[open]")) return;
  const writing = event.target instanceof HTMLTextAreaElement || event.target instanceof HTMLInputElement;
  if (event.altKey && !event.ctrlKey && !event.metaKey) {
    /** @type {Record<string, () => void>} by place on the keyboard, as Alt makes other signs of letters on a Mac */
    const acts = { KeyJ: () => move(1), KeyK: () => move(-1), KeyE: resolve, KeyM: snooze, KeyT: tags, KeyP: () => composer.choose("note"), KeyL: () => composer.choose("reply"), KeyG: composer.draft, KeyR: composer.restyle, KeyU: composer.summary };
    const run = acts[event.code];
    if (!run) return;
    event.preventDefault();
    run();
  } else if (event.key === "/" && !writing) {
    event.preventDefault();
    show("list");
    list.focusSearch();
  } else if (event.key === "?" && !writing) {
    showHelp(texts);
  } else if (event.key === "Escape" && store.get().boardOpen) {
    openBoard(false);
  } else if (event.key === "Escape" && page.dataset.pane !== "list") {
    show(page.dataset.pane === "context" ? "thread" : "list");
  }
}

/** A UUID also where the page is served without TLS: a blob's address ends in one. */
function newId() {
  const address = URL.createObjectURL(new Blob());
  URL.revokeObjectURL(address);
  return address.slice(-36);
}
