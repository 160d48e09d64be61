// Keeps one socket to the server alive, and every typed line on its way until the server has it in a row.
// app.js starts it; it reads and feeds the store, and knows no DOM: clock, socket and chance are passed in.

import { backoffMs } from "./backoff.js";
import { SessionRefused, SessionUnavailable } from "./session.js";
import { afterSeq } from "./store.js";
import { parseFrame } from "./wire.js";

export const SUBPROTOCOL = "yingda.v1";

const CHECK_MS = 5_000;
const PING_MS = 20_000;
const SILENCE_MS = 45_000;
const ANSWER_MS = 10_000;
const WAKE_ANSWER_MS = 5_000;
const SYNC_DELAY_MS = 250;
const SYNC_PAUSE_MS = 2_000;
const RESTART_SPREAD_MS = 3_000;
const FLOOD_PAUSE_MS = 10_000;
const RETRY_PAUSE_MS = 3_000;
const MAX_RETRIES = 5;
const MAX_UNANSWERED = 3;

/** Refusals that may pass by themselves; the others need another text or another visitor. */
const PASSING = new Set(["rate_limited", "unavailable"]);
const FINAL_CLOSE = new Map([
  [4400, "invalid_frame"],
  [4403, "forbidden_origin"],
]);

/**
 * @typedef {object} Environment
 * @property {new (url: string, protocol: string) => WebSocket} WebSocket
 * @property {(task: () => void, ms: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {() => number} now milliseconds
 * @property {() => number} random
 * @property {() => string} newId
 *
 * @typedef {{ sentAt: number, tries: number, notBefore: number }} Attempt  `tries` since the last refusal or reconnect
 */

export class Connection {
  /**
   * @param {object} options
   * @param {string} options.url
   * @param {import("./session.js").Session} options.session
   * @param {import("./storage.js").Memory} options.memory
   * @param {import("./store.js").Store} options.store
   * @param {Environment} options.env
   */
  constructor({ url, session, memory, store, env }) {
    this.url = url;
    this.session = session;
    this.memory = memory;
    this.store = store;
    this.env = env;
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {Map<string, Attempt>} */
    this.attempts = new Map();
    /** @type {Record<string, unknown> | null} */
    this.context = null;
    this.stopped = true;
    this.opening = false;
    /** The token being fetched is already out of date. */
    this.stale = false;
    this.ready = false;
    this.token = "";
    this.retries = 0;
    this.lastTrafficAt = 0;
    this.lastSyncAt = -Infinity;
    this.deadlineAt = Infinity;
    /** @type {any} */
    this.checkTimer = null;
    /** @type {any} */
    this.retryTimer = null;
    /** @type {any} */
    this.syncTimer = null;
  }

  start() {
    if (!this.stopped) return;
    this.stopped = false;
    this.retries = 0;
    const known = new Set(this.store.get().pending.map((line) => line.client_id));
    const pending = this.memory.lines().filter((line) => !known.has(line.client_id));
    if (pending.length) this.store.dispatch({ type: "restore", pending });
    this.store.dispatch({ type: "link", link: "starting" });
    this.check();
    void this.open();
  }

  stop() {
    this.stopped = true;
    this.closeSocket();
    for (const timer of [this.checkTimer, this.retryTimer, this.syncTimer]) this.env.clearTimeout(timer);
    this.retryTimer = this.syncTimer = null;
  }

  /**
   * Shows the line at once, keeps it over a reload, and sends it as soon as there is a way.
   * @param {string} text @param {Partial<import("./store.js").Line>} [more] images, or the card that it answers
   */
  sendMessage(text, more = {}) {
    const line = { ...more, client_id: this.env.newId(), text, at: this.env.now() };
    this.memory.keepLine(line);
    this.store.dispatch({ type: "send", ...line });
    this.flush();
  }

  /** Tries a refused line again, under a new id: the old one may be spoken for. @param {string} clientId */
  resend(clientId) {
    const line = this.store.get().pending.find((p) => p.client_id === clientId);
    if (!line || line.status !== "failed") return;
    this.forgetLine(clientId);
    this.store.dispatch({ type: "discard", client_id: clientId });
    const { attachments, message_seq, value } = line;
    this.sendMessage(line.text, { attachments, message_seq, value });
  }

  /** What the shop's page says of itself, now and on every socket to come. @param {Record<string, unknown>} context */
  setContext(context) {
    this.context = { ...this.context, ...context };
    this.sendFrame({ type: "context.set", ...context });
  }

  requestHuman() {
    this.store.dispatch({ type: "humanRequested", on: true });
    this.sendFrame({ type: "human.request" });
  }

  cancelHuman() {
    this.store.dispatch({ type: "humanRequested", on: false });
    this.sendFrame({ type: "human.cancel" });
  }

  /** The next socket asks for a token again, as someone else. */
  reopen() {
    if (this.stopped) return;
    this.closeSocket();
    this.retries = 0;
    this.stale = true;
    void this.open();
  }

  /** The network came back, or the page came to the front: find out now whether the socket still lives. */
  wake() {
    if (this.stopped) return;
    if (this.store.get().link === "offline") this.store.dispatch({ type: "link", link: "reconnecting" });
    if (!this.socket) {
      if (!this.opening) this.retryIn(this.env.random() * 300);
    } else if (this.env.now() - this.lastTrafficAt > SILENCE_MS) {
      this.drop();
    } else if (this.ready) {
      this.sendFrame({ type: "ping" });
      this.deadlineAt = this.env.now() + WAKE_ANSWER_MS;
      this.env.setTimeout(() => this.checkDeadline(), WAKE_ANSWER_MS + 50);
    }
  }

  /** The browser says there is no network. It is sometimes wrong, so attempts go on quietly. */
  lost() {
    if (this.stopped) return;
    this.drop();
    this.store.dispatch({ type: "link", link: "offline" });
  }

  async open() {
    this.env.clearTimeout(this.retryTimer);
    this.retryTimer = null;
    if (this.opening || this.socket) return;
    this.opening = true;
    try {
      do {
        this.stale = false;
        this.token = await this.session.token();
      } while (this.stale);
      if (!this.stopped) this.connect();
    } catch (error) {
      this.onSessionError(error);
    } finally {
      this.opening = false;
    }
  }

  connect() {
    const socket = new this.env.WebSocket(this.url, SUBPROTOCOL);
    this.socket = socket;
    this.touch();
    this.deadlineAt = this.env.now() + ANSWER_MS;
    socket.onopen = () => {
      if (socket === this.socket) this.sendFrame({ type: "hello", token: this.token, after_seq: afterSeq(this.store.get()) });
    };
    socket.onmessage = (event) => {
      if (socket === this.socket) this.receive(event.data);
    };
    socket.onclose = (event) => {
      if (socket !== this.socket) return;
      this.socket = null;
      this.onClose(event.code);
    };
  }

  /** @param {unknown} error */
  onSessionError(error) {
    if (this.stopped) return;
    if (error instanceof SessionRefused) this.giveUp(error.code, error.message);
    else this.reconnect(error instanceof SessionUnavailable ? error.retryAfterMs : 0);
  }

  /** @param {number} code */
  onClose(code) {
    this.ready = false;
    if (this.stopped) return;
    const final = FINAL_CLOSE.get(code);
    if (final) return this.giveUp(final, "");
    if (code === 4401) this.session.reject(this.token);
    this.reconnect(code === 1012 ? this.env.random() * RESTART_SPREAD_MS : code === 4429 ? FLOOD_PAUSE_MS : 0);
  }

  /** @param {string} code @param {string} message */
  giveUp(code, message) {
    this.stop();
    this.store.dispatch({ type: "link", link: "stopped", stopped: { code, message } });
  }

  /** @param {number} [atLeastMs] */
  reconnect(atLeastMs = 0) {
    const { link } = this.store.get();
    if (link === "online") this.store.dispatch({ type: "link", link: "reconnecting" });
    else if (link === "starting" && this.retries > 0) this.store.dispatch({ type: "link", link: "reconnecting" });
    this.retryIn(backoffMs(this.retries, this.env.random(), atLeastMs));
    this.retries += 1;
  }

  /** @param {number} ms */
  retryIn(ms) {
    this.env.clearTimeout(this.retryTimer);
    this.retryTimer = this.env.setTimeout(() => void this.open(), ms);
  }

  /** Leaves a socket that no longer answers; its own close event may take minutes. */
  drop() {
    this.closeSocket();
    this.reconnect();
  }

  closeSocket() {
    const socket = this.socket;
    this.socket = null;
    this.ready = false;
    this.deadlineAt = Infinity;
    socket?.close();
  }

  touch() {
    this.lastTrafficAt = this.env.now();
    this.deadlineAt = Infinity;
  }

  /** @param {unknown} data */
  receive(data) {
    this.touch();
    const frame = parseFrame(data);
    if (!frame) return;
    if (frame.type === "error" && this.handled(frame)) return;
    this.store.dispatch({ type: "frame", frame });
    if (frame.type === "ready") this.onReady(frame);
    if (frame.type === "ack") this.forgetLine(frame.client_id);
    if (frame.type === "message" && frame.client_id) this.forgetLine(frame.client_id);
    if (this.store.get().needsSync) this.syncSoon();
  }

  /** @param {import("./wire.js").ReadyFrame} frame */
  onReady(frame) {
    if (frame.token) this.session.renew(frame.token);
    for (const message of frame.messages) if (message.client_id) this.forgetLine(message.client_id);
    if (this.ready) return;
    this.ready = true;
    this.retries = 0;
    this.attempts.clear();
    this.store.dispatch({ type: "link", link: "online" });
    if (this.context) this.sendFrame({ type: "context.set", ...this.context });
    if (this.store.get().humanRequested) this.sendFrame({ type: "human.request" });
    this.flush();
  }

  /** @param {import("./wire.js").ErrorFrame} frame @returns {boolean} false for what the visitor should read */
  handled(frame) {
    // Before `ready` an error only announces the close code that follows.
    if (!this.ready) return true;
    if (frame.client_id) {
      this.onRefused(frame, frame.client_id);
      return true;
    }
    if (!PASSING.has(frame.code)) return false;
    // Too fast or too busy to say which line was meant: all that are on their way go again, under their ids.
    const underway = this.store.get().pending.filter((line) => line.status === "sending");
    for (const line of underway) this.onRefused(frame, line.client_id);
    return underway.length > 0;
  }

  /** @param {import("./wire.js").ErrorFrame} frame @param {string} clientId */
  onRefused(frame, clientId) {
    const attempt = this.attempts.get(clientId);
    if (PASSING.has(frame.code) && attempt && attempt.tries < MAX_RETRIES) {
      const pauseMs = frame.retry_after_ms ?? RETRY_PAUSE_MS;
      attempt.notBefore = this.env.now() + pauseMs;
      this.store.dispatch({ type: "delay", client_id: clientId });
      this.env.setTimeout(() => this.flush(), pauseMs + 20);
      return;
    }
    this.memory.dropLine(clientId);
    this.attempts.delete(clientId);
    this.store.dispatch({ type: "refused", client_id: clientId, error: frame.message || frame.code });
  }

  /** Sends, in the order typed, what waits; a line that must wait holds back those behind it. */
  flush() {
    if (!this.ready) return;
    const now = this.env.now();
    for (const line of this.store.get().pending) {
      if (line.status === "acked" || line.status === "failed") continue;
      const attempt = this.attempts.get(line.client_id) ?? { sentAt: -Infinity, tries: 0, notBefore: 0 };
      if (attempt.notBefore > now) return;
      if (line.status === "sending" && now - attempt.sentAt < ANSWER_MS) continue;
      this.attempts.set(line.client_id, { sentAt: now, tries: attempt.tries + 1, notBefore: 0 });
      this.store.dispatch({ type: "sending", client_id: line.client_id });
      this.sendFrame(lineFrame(line));
    }
  }

  /** @param {string} clientId */
  forgetLine(clientId) {
    this.memory.dropLine(clientId);
    this.attempts.delete(clientId);
  }

  /** A gap often closes by itself within a frame or two, and a server in trouble must not be asked in a loop. */
  syncSoon() {
    if (this.syncTimer !== null) return;
    const waitMs = Math.max(SYNC_DELAY_MS, this.lastSyncAt + SYNC_PAUSE_MS - this.env.now());
    this.syncTimer = this.env.setTimeout(() => {
      this.syncTimer = null;
      const state = this.store.get();
      if (!state.needsSync || !this.ready) return;
      this.lastSyncAt = this.env.now();
      this.sendFrame({ type: "sync", after_seq: afterSeq(state) });
    }, waitMs);
  }

  check() {
    this.env.clearTimeout(this.checkTimer);
    this.checkTimer = this.env.setTimeout(() => this.check(), CHECK_MS);
    this.checkDeadline();
    if (!this.ready) return;
    if (this.env.now() - this.lastTrafficAt > PING_MS) this.sendFrame({ type: "ping" });
    if ([...this.attempts.values()].some((attempt) => this.isDeaf(attempt))) this.drop();
    else this.flush();
  }

  /** @param {Attempt} attempt */
  isDeaf({ tries, notBefore, sentAt }) {
    return tries >= MAX_UNANSWERED && notBefore === 0 && this.env.now() - sentAt >= ANSWER_MS;
  }

  checkDeadline() {
    if (!this.socket) return;
    const now = this.env.now();
    if (now > this.deadlineAt || now - this.lastTrafficAt > SILENCE_MS) this.drop();
  }

  /** @param {Record<string, unknown>} frame @returns {boolean} whether there was a way to send it */
  sendFrame(frame) {
    const socket = this.socket;
    if (!(this.ready || frame.type === "hello") || socket?.readyState !== 1) return false;
    socket.send(JSON.stringify(frame));
    return true;
  }
}

/** @param {import("./store.js").Line} line */
function lineFrame({ client_id, text, attachments, message_seq, value }) {
  if (message_seq) return { type: "choice", client_id, message_seq, value };
  return { type: "message.send", client_id, text, ...(attachments && { attachments: attachments.map(({ id }) => id) }) };
}
