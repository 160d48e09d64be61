// Starts the widget in its frame: reads the page's configuration, then joins store, connection, view and host page.
// The only module that touches location, storage and the global clock.

import { ApiError, createApi } from "./api.js";
import { Connection } from "./connection.js";
import { createHost } from "./host.js";
import { createHostCalls } from "./calls.js";
import { h, linkNodes } from "./dom.js";
import { createChime } from "./notify.js";
import { createSession } from "./session.js";
import { createConsent, createMemory, memoryStorage, openStorage } from "./storage.js";
import { button } from "./sheet.js";
import { createStore } from "./store.js";
import { loadTexts, pickLocale } from "./texts.js";
import { applyTheme } from "./theme.js";
import { createView } from "./view.js";

/** @type {import("./wire.js").Inbox & { inbox?: string, preview?: boolean }} `inbox` is the key */
const config = JSON.parse(document.getElementById("widget-config")?.textContent || "{}");
const root = /** @type {HTMLElement} */ (document.getElementById("widget"));
const inboxKey = config.inbox ?? "";
// The embedding page's wishes travel in the fragment: no server sees them, and the first paint is already right.
const wishes = new URLSearchParams(location.hash.slice(1));
const version = document.querySelector('meta[name="widget-version"]')?.getAttribute("content") ?? "";

/** @type {import("./wire.js").Inbox & { spoken?: string }} */
let inbox = config;
let locale = pickLocale(wishes.get("locale"), inbox.locale, navigator.language);
let texts = await loadTexts(locale);
const host = createHost(window, (method, args) => calls(method, args));
themeFrom(null);
fitToKeyboard();

const consent = createConsent(() => window.localStorage, inboxKey);
if (inbox.texts?.consent && !consent.isGiven()) await askConsent(inbox.texts.consent);

const memory = createMemory(config.preview ? memoryStorage() : openStorage(() => window.localStorage), inboxKey);
const isReturning = memory.session() !== null;
const store = createStore();
const chime = createChime();
if (pickLocale(config.locale) !== locale) inbox = { ...inbox, ...spokenPart(memory.session()) };
let open = !host.embedded || wishes.get("open") === "1";
let readSeq = 0;
let unread = 0;
let left = { text: "", id: "" };
/** @type {string | null} where the last page of earlier lines ended */
let cursor = null;

const session = createSession({
  url: "/api/v1/client/sessions",
  inboxKey,
  locale: () => locale,
  widget: { version, origin: host.origin ?? location.origin },
  memory,
  fetch: (url, init) => fetch(url, init),
  locks: navigator.locks,
  now: () => Date.now(),
  onSession(record, isNewVisitor) {
    if (isNewVisitor) store.dispatch({ type: "reset" });
    const known = JSON.stringify(inbox);
    inbox = { ...inbox, ...record.inbox, spoken: record.spoken };
    if (JSON.stringify(inbox) !== known) rebuild();
  },
  onProblem(code, message) {
    store.dispatch({ type: "problem", code, message });
  },
});
const api = createApi({ session, fetch: (url, init) => fetch(url, init) });

const connection = new Connection({
  url: socketUrl("/ws/client/"),
  session,
  memory,
  store,
  env: {
    WebSocket,
    setTimeout: (task, ms) => window.setTimeout(task, ms),
    clearTimeout: (timer) => window.clearTimeout(timer),
    now: () => Date.now(),
    random: Math.random,
    newId,
  },
});

/** @type {import("./view.js").Deeds} */
const deeds = {
  send: (text, attachments) => connection.sendMessage(text, attachments?.length ? { attachments } : {}),
  choose: (seq, { label, value }) => connection.sendMessage(label, { message_seq: seq, value }),
  retry: (clientId) => connection.resend(clientId),
  feedback(seq, value, reason) {
    store.dispatch({ type: "feedback", seq, value });
    connection.sendFrame({ type: "feedback", message_seq: seq, value, ...(reason && { reason }) });
  },
  rate(rating) {
    if (!connection.sendFrame({ type: "rate", ...rating })) return false;
    store.dispatch({ type: "rated" });
    host.emit("ratingSubmitted", { ...rating });
    return true;
  },
  sendForm(answers) {
    if (!connection.sendFrame({ type: "form.send", answers })) return false;
    store.dispatch({ type: "formSent" });
    return true;
  },
  async leave(text, contact) {
    try {
      // Sent again, because no word came back, it is the same message.
      if (left.text !== text) left = { text, id: newId() };
      await api.leave({ client_id: left.id, text, ...(Object.keys(contact).length > 0 && { contact }) });
      left.text = "";
      return "";
    } catch (error) {
      return (error instanceof ApiError && error.message) || texts.t("errorGeneric");
    }
  },
  requestHuman() {
    connection.requestHuman();
    host.emit("handoffRequested");
  },
  cancelHuman: () => connection.cancelHuman(),
  dismissError: () => store.dispatch({ type: "dismiss" }),
  tryAgain: () => connection.start(),
  earlier: () => void loadEarlier(),
  end: () => void connection.sendFrame({ type: "conversation.end" }),
  restart: () => void connection.sendFrame({ type: "conversation.start" }),
  transcript: () => void saveTranscript(),
  typing: (on) => void connection.sendFrame({ type: "typing", on }),
  upload: (image, name) => api.upload(image, name),
  address: (id) => api.address(id),
  setLocale: (wish) => void setLocale(wish),
  isMute: () => memory.isMute(),
  setMute: (mute) => memory.setMute(mute),
  close: () => host.emit("close"),
};

/** @type {import("./view.js").Extras} */
let extras = { greeting: "", offer: null };
let view = build();
const calls = createHostCalls({ deeds, connection, session, api, memory, store, view: () => view, extend, setLocale, setTheme, setVisible });
store.subscribe((state) => view.render(state));
store.subscribe(tellHost);

if (config.preview) {
  const { play } = await import("./preview.js");
  play(store, texts, inbox);
} else {
  window.addEventListener("online", () => connection.wake());
  window.addEventListener("offline", () => connection.lost());
  window.addEventListener("pageshow", () => connection.wake());
  connection.start();
}
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  if (!config.preview) connection.wake();
  countUnread();
});
listenForEscape();
host.emit("loaded");

function build() {
  document.documentElement.lang = locale;
  document.title = texts.t("chat");
  themeFrom(null);
  const built = createView({ root, texts, inbox, embedded: host.embedded, deeds });
  built.extend(extras);
  return built;
}

/** @param {Partial<import("./view.js").Extras>} more */
function extend(more) {
  extras = { ...extras, ...more };
  view.extend(extras);
}

/**
 * The page knows the inbox in its own language, the last session in the visitor's; everything else the page knows better.
 * @param {import("./storage.js").SessionRecord | null} record
 */
function spokenPart(record) {
  if (!record) return {};
  const { texts: words, quick_questions, prechat, rating_tags, hours_text, hours_zone } = record.inbox;
  return { texts: words, quick_questions, prechat, rating_tags, hours_text, hours_zone, spoken: record.spoken };
}

/** Texts, name or questions changed: the face is built anew, what was being typed stays. */
function rebuild() {
  const draft = view.draft();
  const hadFocus = document.activeElement?.tagName === "TEXTAREA";
  view.destroy();
  view = build();
  view.setDraft(draft);
  view.render(store.get());
  if (hadFocus) view.focus();
}

/** @param {unknown} wish */
async function setLocale(wish) {
  const next = pickLocale(wish, locale);
  if (next === locale) return;
  texts = await loadTexts(next);
  locale = next;
  rebuild();
  // The server writes in the visitor's language too: the next token comes with the inbox's texts in it.
  session.renewSoon();
  connection.reopen();
}

/** @param {string | null} wish the embedding page's, which goes before the inbox's */
function themeFrom(wish) {
  applyTheme(document.documentElement, { brand: wishes.get("brand") ?? inbox.color, mode: wish ?? wishes.get("theme") ?? inbox.theme });
}

/** @param {string} theme */
function setTheme(theme) {
  wishes.set("theme", theme);
  themeFrom(theme);
}

/** @param {boolean} visible */
function setVisible(visible) {
  open = visible;
  if (open) countUnread();
}

/** Nothing is kept and nobody is called before the visitor agrees; a page without an answer waits. @param {string} words */
function askConsent(words) {
  const { t } = texts;
  listenForEscape();
  host.emit("loaded");
  return new Promise((resolve) => {
    const agree = () => {
      consent.give();
      resolve(true);
    };
    root.replaceChildren(
      h("main", { class: "consent" }, h("h1", { class: "title" }, t("consentTitle")), h("p", {}, ...linkNodes(words)), h("div", { class: "card-buttons" }, button(t("consentYes"), agree, "primary"), host.embedded && button(t("consentNo"), () => host.emit("close")))),
    );
  });
}

/** @param {import("./store.js").State} state @param {import("./store.js").State} before */
function tellHost(state, before) {
  if (before.loaded && state.messages !== before.messages) {
    const known = new Set(before.messages.map((message) => message.seq));
    for (const { seq, role, text, at } of state.messages) {
      if (!known.has(seq)) host.emit(role === "visitor" ? "messageSent" : "message", { seq, role, text, at });
    }
  }
  if (state.loaded && !before.loaded) {
    readSeq = state.upTo;
    host.emit("ready", { state: state.shown });
  }
  const moved = before.conversationId !== null && state.conversationId !== before.conversationId;
  if (state.loaded && state.history === "unknown" && (isReturning || moved)) store.dispatch({ type: "history", messages: [], more: true });
  if (moved) cursor = null;
  if (state.shown !== before.shown || state.owner !== before.owner) host.emit("stateChanged", { state: state.shown, owner: state.owner });
  if (state.queue && state.queue !== before.queue) host.emit("queueUpdated", { ...state.queue });
  if (state.shown === "agent" && before.shown !== "agent") host.emit("agentJoined", { name: state.agent?.name ?? "" });
  if (state.error && state.error !== before.error) host.emit("error", { code: state.error.code, message: state.error.message });
  if (state.stopped && !before.stopped) host.emit("error", { ...state.stopped });
  if (state.messages !== before.messages) countUnread();
}

function countUnread() {
  const { messages, upTo } = store.get();
  if (open && !document.hidden) {
    const newest = messages.at(-1);
    if (upTo > readSeq && newest && newest.role !== "visitor") connection.sendFrame({ type: "read", seq: upTo });
    readSeq = upTo;
  }
  const count = messages.filter((m) => m.seq > readSeq && (m.role === "bot" || m.role === "agent")).length;
  if (count !== unread) host.emit("unread", { count });
  if (count > unread && inbox.sound !== false && !memory.isMute()) chime();
  unread = count;
}

async function loadEarlier() {
  if (store.get().history === "loading") return;
  store.dispatch({ type: "loadingHistory" });
  try {
    const page = await api.history(cursor);
    cursor = page.before;
    store.dispatch({ type: "history", messages: page.messages, more: cursor !== null });
  } catch {
    store.dispatch({ type: "history", messages: [], more: false });
  }
}

async function saveTranscript() {
  try {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await api.transcript());
    link.download = `chat-${new Date().toISOString().slice(0, 10)}.txt`;
    link.click();
    URL.revokeObjectURL(link.href);
  } catch {
    store.dispatch({ type: "problem", code: "unavailable", message: texts.t("transcriptFailed") });
  }
}

function listenForEscape() {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing && !document.querySelector("dialog[open]")) host.emit("close");
  });
}

/** As a page of its own the widget leaves the room that an on-screen keyboard takes; in a frame embed.js does. */
function fitToKeyboard() {
  const seen = window.visualViewport;
  if (host.embedded || !seen) return;
  const fit = () => (root.style.height = seen.scale === 1 ? `${seen.height}px` : "");
  seen.addEventListener("resize", fit);
}

/** @param {string} path */
function socketUrl(path) {
  const url = new URL(path, location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/** A UUID also where the page is served without TLS, as on a laptop in the shop's own network. */
function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
