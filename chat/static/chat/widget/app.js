// Starts the widget in its frame: reads the page's configuration, then joins store, connection, view and host page.
// The only module that touches location, storage and the global clock.

import { Connection } from "./connection.js";
import { createHost } from "./host.js";
import { createSession } from "./session.js";
import { createMemory, openStorage } from "./storage.js";
import { createStore } from "./store.js";
import { createTexts, pickLocale } from "./texts.js";
import { applyTheme } from "./theme.js";
import { createView } from "./view.js";
import { MAX_MESSAGE_CHARS, countChars } from "./wire.js";

/** Where focusing the field would bring up a keyboard that nobody asked for. */
const TOUCH = "(pointer: coarse)";

/** @type {import("./wire.js").Inbox & { inbox?: string }} `inbox` is the key */
const config = JSON.parse(document.getElementById("widget-config")?.textContent || "{}");
const root = /** @type {HTMLElement} */ (document.getElementById("widget"));
const inboxKey = config.inbox ?? "";
// The embedding page's wishes travel in the fragment: no server sees them, and the first paint is already right.
const wishes = new URLSearchParams(location.hash.slice(1));

const memory = createMemory(openStorage(() => window.localStorage), inboxKey);
const store = createStore();
const host = createHost(window, onHostCall);

/** @type {import("./wire.js").Inbox} */
let inbox = { ...memory.session()?.inbox, ...config };
let locale = pickLocale(wishes.get("locale"), inbox.locale, navigator.language);
let open = !host.embedded || wishes.get("open") === "1";
let readSeq = 0;
let unread = 0;

const session = createSession({
  url: "/api/v1/client/sessions",
  inboxKey,
  locale: () => locale,
  memory,
  fetch: (url, init) => fetch(url, init),
  locks: navigator.locks,
  now: () => Date.now(),
  onSession(record, isNewVisitor) {
    if (isNewVisitor) store.dispatch({ type: "reset" });
    const before = JSON.stringify(inbox);
    inbox = { ...inbox, ...record.inbox };
    if (JSON.stringify(inbox) !== before) rebuild();
  },
  onProblem(code, message) {
    store.dispatch({ type: "problem", code, message });
  },
});

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
  send: (text) => connection.sendMessage(text),
  retry: (clientId) => connection.resend(clientId),
  requestHuman() {
    connection.requestHuman();
    host.emit("handoffRequested");
  },
  cancelHuman: () => connection.cancelHuman(),
  dismissError: () => store.dispatch({ type: "dismiss" }),
  tryAgain: () => connection.start(),
  close: () => host.emit("close"),
};

let view = build();
store.subscribe((state) => view.render(state));
store.subscribe(tellHost);
themeFrom(wishes.get("theme"));

window.addEventListener("online", () => connection.wake());
window.addEventListener("offline", () => connection.lost());
window.addEventListener("pageshow", () => connection.wake());
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  connection.wake();
  countUnread();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing) deeds.close();
});

connection.start();
host.emit("loaded");

function build() {
  const texts = createTexts(locale);
  document.documentElement.lang = locale;
  document.title = texts.t("chat");
  themeFrom(null);
  return createView({ root, texts, inbox, embedded: host.embedded, deeds });
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

/** @param {string | null} wish the embedding page's, which goes before the inbox's */
function themeFrom(wish) {
  applyTheme(document.documentElement, { brand: wishes.get("brand") ?? inbox.brand, mode: wish ?? wishes.get("theme") ?? inbox.theme });
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
  if (state.shown !== before.shown || state.owner !== before.owner) host.emit("stateChanged", { state: state.shown, owner: state.owner });
  if (state.queue && state.queue !== before.queue) host.emit("queueUpdated", { ...state.queue });
  if (state.shown === "agent" && before.shown !== "agent") host.emit("agentJoined", { name: state.agent?.name ?? "" });
  if (state.error && state.error !== before.error) host.emit("error", { code: state.error.code, message: state.error.message });
  if (state.stopped && !before.stopped) host.emit("error", { ...state.stopped });
  if (state.messages !== before.messages) countUnread();
}

function countUnread() {
  const { messages, upTo } = store.get();
  if (open && !document.hidden) readSeq = upTo;
  const count = messages.filter((m) => m.seq > readSeq && (m.role === "bot" || m.role === "agent")).length;
  if (count !== unread) host.emit("unread", { count });
  unread = count;
}

/** What the embedding page may ask for; anything else is dropped. @param {string} method @param {any[]} args */
function onHostCall(method, [value]) {
  switch (method) {
    case "visible":
      open = value === true;
      if (open) countUnread();
      if (open && !matchMedia(TOUCH).matches) view.focus();
      break;
    case "sendMessage":
      if (typeof value === "string" && value.trim() && countChars(value.trim()) <= MAX_MESSAGE_CHARS) deeds.send(value.trim());
      break;
    case "requestHuman":
      deeds.requestHuman();
      break;
    case "setContext":
    case "setAttributes":
      if (value && typeof value === "object") remember(method, value);
      break;
    case "identify":
      if (typeof value !== "string" || !value) break;
      session.identify(value);
      connection.reopen();
      break;
    case "logout":
      logout();
      break;
    case "setLocale":
      locale = pickLocale(value, locale);
      rebuild();
      break;
    case "setTheme":
      wishes.set("theme", String(value));
      themeFrom(String(value));
      break;
  }
}

/** @param {string} method @param {Record<string, unknown>} value */
function remember(method, value) {
  const known = connection.context ?? {};
  connection.context = method === "setContext" ? { ...known, ...value } : { ...known, attributes: value };
}

/** The next person at this browser must find nothing of the one before. */
function logout() {
  for (const line of memory.lines()) memory.dropLine(line.client_id);
  for (const line of store.get().pending) store.dispatch({ type: "discard", client_id: line.client_id });
  session.forget();
  store.dispatch({ type: "reset" });
  connection.reopen();
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
