// What the embedding page may ask of the widget; anything else is dropped. app.js hands over what it takes to do it.

import { MAX_MESSAGE_CHARS, countChars } from "./wire.js";

/** Where focusing the field would bring up a keyboard that nobody asked for. */
const TOUCH = "(pointer: coarse)";
const OFFERED = /** @type {const} */ (["product", "order"]);
const OFFER_CHARS = 200;

/**
 * @param {object} parts
 * @param {import("./view.js").Deeds} parts.deeds
 * @param {import("./connection.js").Connection} parts.connection
 * @param {import("./session.js").Session} parts.session
 * @param {import("./api.js").Api} parts.api
 * @param {import("./storage.js").Memory} parts.memory
 * @param {import("./store.js").Store} parts.store
 * @param {() => ReturnType<typeof import("./view.js").createView>} parts.view
 * @param {(extras: Partial<import("./view.js").Extras>) => void} parts.extend
 * @param {(locale: unknown) => void} parts.setLocale
 * @param {(theme: string) => void} parts.setTheme
 * @param {(visible: boolean) => void} parts.setVisible
 * @returns {(method: string, args: any[]) => void}
 */
export function createHostCalls({ deeds, connection, session, api, memory, store, view, extend, setLocale, setTheme, setVisible }) {
  /** The next person at this browser must find nothing of the one before. */
  const logout = async () => {
    for (const line of memory.lines()) memory.dropLine(line.client_id);
    for (const line of store.get().pending) store.dispatch({ type: "discard", client_id: line.client_id });
    if (session.record()) await api.logout().catch(() => {});
    session.forget();
    connection.context = null;
    extend({ offer: null, greeting: "" });
    store.dispatch({ type: "reset" });
    connection.reopen();
  };

  /** @type {Record<string, (value: any) => void>} */
  const calls = {
    visible(value) {
      setVisible(value === true);
      if (value === true && !matchMedia(TOUCH).matches && !document.querySelector("dialog[open]")) view().focus();
    },
    sendMessage(value) {
      if (typeof value === "string" && value.trim() && countChars(value.trim()) <= MAX_MESSAGE_CHARS) deeds.send(value.trim());
    },
    requestHuman: () => deeds.requestHuman(),
    greet: (value) => typeof value === "string" && extend({ greeting: value.slice(0, 500) }),
    setContext(value) {
      if (!value || typeof value !== "object") return;
      connection.setContext(value);
      const kind = OFFERED.find((name) => name in value);
      if (kind) extend({ offer: offerOf(kind, value[kind]) });
    },
    setAttributes: (value) => value && typeof value === "object" && connection.setContext({ attributes: value }),
    identify(value) {
      if (typeof value !== "string" || !value) return;
      session.identify(value);
      connection.reopen();
    },
    logout: () => void logout(),
    setLocale,
    setTheme: (value) => setTheme(String(value)),
  };
  return (method, [value]) => {
    if (Object.hasOwn(calls, method)) calls[method](value);
  };
}

/** What a product or an order looks like before it is sent; null for anything without a name. @param {"product" | "order"} kind @param {any} given */
function offerOf(kind, given) {
  const short = (/** @type {unknown} */ value) => (typeof value === "string" || typeof value === "number" ? String(value).slice(0, OFFER_CHARS) : "");
  const title = short(given?.title) || short(given?.name) || short(given?.number);
  return title ? { kind, title, note: [given.price, given.status, given.total].map(short).filter(Boolean).join(" · ") } : null;
}
