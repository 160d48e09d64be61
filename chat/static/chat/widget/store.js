// What the visitor sees, as a pure function of the frames received and the lines typed.
// app.js holds the one store; connection.js and view.js read it and dispatch. No DOM, no network, no clock in here.

import { countChars, dropChars } from "./wire.js";

/**
 * @typedef {import("./wire.js").Frame} Frame
 * @typedef {import("./wire.js").Message} Message
 *
 * @typedef {object} Pending one line of the visitor's that has no row yet
 * @property {string} client_id
 * @property {string} text
 * @property {import("./wire.js").Attachment[]} [attachments]
 * @property {number} [message_seq] the line whose card or quick reply it answers
 * @property {string} [value] what it answers; `text` is what the visitor reads
 * @property {number} at milliseconds, this browser's clock
 * @property {"waiting" | "sending" | "acked" | "failed"} status
 * @property {number} [seq] once acked
 * @property {string} [error] what the server said when it refused
 *
 * @typedef {"starting" | "online" | "reconnecting" | "offline" | "stopped"} Link
 *
 * @typedef {object} State
 * @property {Link} link
 * @property {{ code: string, message: string } | null} stopped why there will be no further attempt
 * @property {boolean} loaded a first `ready` has come
 * @property {string | null} conversationId
 * @property {import("./wire.js").ShownState} shown
 * @property {string} owner
 * @property {import("./wire.js").Agent | null} agent
 * @property {import("./wire.js").Queue | null} queue
 * @property {Message[]} messages by seq
 * @property {number} upTo every message up to this seq is here
 * @property {number} serverSeq highest seq the server has spoken of
 * @property {boolean} textGap part of the streamed text is missing
 * @property {boolean} fromStart the next sync must ask for the whole conversation
 * @property {boolean} needsSync one of the above, or rows are missing
 * @property {Pending[]} pending
 * @property {Record<string, "queued" | "running">} turns in flight
 * @property {Record<string, { text: string, chars: number }>} partials streamed text by turn
 * @property {Record<string, true>} ended turns whose late deltas must not come back to life
 * @property {string | null} typing name of the agent who is typing
 * @property {string | null} resumePrompt
 * @property {number} agentRead the seq up to which an agent has read
 * @property {boolean} form the form before the conversation is still to be filled in
 * @property {Record<number, string>} chosen answers given to cards, by seq
 * @property {Message[]} earlier lines from before this conversation, oldest first
 * @property {"unknown" | "loading" | "more" | "none"} history whether there are earlier ones yet
 * @property {boolean} rated
 * @property {boolean} humanRequested asked for a person, not answered yet
 * @property {{ code: string, message: string, nonce: number } | null} error
 *
 * @typedef {Pick<Pending, "client_id" | "text" | "at" | "attachments" | "message_seq" | "value">} Line
 *
 * @typedef {{ type: "frame", frame: Frame }
 *   | { type: "restore", pending: Line[] }
 *   | { type: "send" } & Line
 *   | { type: "sending" | "delay" | "discard", client_id: string }
 *   | { type: "refused", client_id: string, error: string }
 *   | { type: "link", link: Link, stopped?: { code: string, message: string } }
 *   | { type: "humanRequested", on: boolean }
 *   | { type: "feedback", seq: number, value: "up" | "down" }
 *   | { type: "history", messages: Message[], more: boolean }
 *   | { type: "loadingHistory" | "rated" | "formSent" }
 *   | { type: "problem", code: string, message: string }
 *   | { type: "dismiss" }
 *   | { type: "reset" }} Action
 */

/** @returns {State} */
export function initialState() {
  return {
    link: "starting",
    stopped: null,
    loaded: false,
    pending: [],
    humanRequested: false,
    error: null,
    ...emptyConversation(),
  };
}

/** @returns {Omit<State, "link" | "stopped" | "loaded" | "pending" | "humanRequested" | "error">} */
function emptyConversation() {
  return {
    conversationId: null,
    shown: "bot",
    owner: "bot",
    agent: null,
    queue: null,
    messages: [],
    upTo: 0,
    serverSeq: 0,
    textGap: false,
    fromStart: false,
    needsSync: false,
    turns: {},
    partials: {},
    ended: {},
    typing: null,
    resumePrompt: null,
    agentRead: 0,
    form: false,
    chosen: {},
    earlier: [],
    history: "unknown",
    rated: false,
  };
}

/** @param {State} state @param {Action} action @returns {State} */
export function reduce(state, action) {
  switch (action.type) {
    case "frame":
      return onFrame(state, action.frame);
    case "restore":
      return { ...state, pending: [...action.pending.map(waiting), ...state.pending] };
    case "send":
      return onSend(state, action);
    case "sending":
      return setPending(state, action.client_id, { status: "sending", error: undefined });
    case "delay":
      return setPending(state, action.client_id, { status: "waiting", error: undefined });
    case "refused":
      return onRefused(state, action);
    case "discard":
      return { ...state, pending: state.pending.filter((p) => p.client_id !== action.client_id) };
    case "link":
      return { ...state, link: action.link, stopped: action.stopped ?? null };
    case "humanRequested":
      return { ...state, humanRequested: action.on };
    case "feedback":
      return { ...state, messages: state.messages.map((m) => (m.seq === action.seq ? { ...m, feedback: action.value } : m)) };
    case "loadingHistory":
      return { ...state, history: "loading" };
    case "history":
      return { ...state, earlier: [...action.messages, ...state.earlier], history: action.more ? "more" : "none" };
    case "rated":
      return { ...state, rated: true };
    case "formSent":
      return { ...state, form: false };
    case "problem":
      return withError(state, action);
    case "dismiss":
      return { ...state, error: null };
    case "reset":
      return { ...state, ...emptyConversation(), loaded: false, humanRequested: false, error: null };
  }
}

/** @param {State} state @param {Line} line @returns {State} */
function onSend(state, line) {
  const chosen = line.message_seq ? { ...state.chosen, [line.message_seq]: line.value ?? "" } : state.chosen;
  return { ...state, chosen, pending: [...state.pending, waiting(line)], resumePrompt: null, error: null };
}

/** A refused answer to a card may be given again. @param {State} state @param {{ client_id: string, error: string }} refusal @returns {State} */
function onRefused(state, { client_id, error }) {
  const seq = state.pending.find((line) => line.client_id === client_id)?.message_seq;
  const next = setPending(state, client_id, { status: "failed", error });
  return seq ? { ...next, chosen: without(next.chosen, String(seq)) } : next;
}

/** @param {State} state @param {Frame} frame @returns {State} */
function onFrame(state, frame) {
  switch (frame.type) {
    case "ready":
      return onReady(state, frame);
    case "ack":
      return onAck(state, frame);
    case "message":
      return onMessage(state, frame);
    case "turn":
      return onTurn(state, frame);
    case "delta":
      return onDelta(state, frame);
    case "state":
      return behind(withOwner({ ...state, humanRequested: false }, frame));
    case "typing":
      return { ...state, typing: frame.on ? frame.who : null };
    case "read":
      return frame.who === "agent" ? { ...state, agentRead: Math.max(state.agentRead, frame.seq) } : state;
    case "heartbeat":
      return behind({ ...state, serverSeq: Math.max(state.serverSeq, frame.seq) });
    case "error":
      return withError({ ...state, humanRequested: false }, frame);
    case "pong":
      return state;
  }
}

/**
 * The server's own account of the conversation: it wins over everything known so far.
 * @param {State} before @param {import("./wire.js").ReadyFrame} frame @returns {State}
 */
function onReady(before, frame) {
  const moved = before.conversationId !== null && before.conversationId !== frame.conversation_id;
  const start = moved ? { ...before, ...emptyConversation() } : before;
  /** @type {State} */
  let state = { ...start, loaded: true, conversationId: frame.conversation_id, textGap: false, fromStart: false };
  state = frame.messages.reduce(addMessage, state);
  const last = frame.messages.at(-1)?.seq ?? frame.seq;
  // After a move the question was asked about another conversation, so only an unbroken run from 1 counts.
  const vouched = moved ? state.upTo : Math.max(state.upTo, Math.min(last, frame.seq));
  const newest = state.messages.at(-1)?.seq ?? 0;
  state = { ...state, upTo: runFrom(state.messages, vouched), serverSeq: Math.max(newest, frame.seq) };
  state = { ...withOwner(state, frame), turns: {}, partials: {}, typing: null };
  if (frame.partial && frame.owner === "bot" && !isAnswered(state, frame.partial.turn_id)) {
    state = withPartial(state, frame.partial.turn_id, frame.partial.text);
  }
  if (frame.state !== "bot") state = { ...state, humanRequested: false };
  const agentRead = frame.read?.agent ?? state.agentRead;
  return behind({ ...state, agentRead, form: frame.form ?? false, resumePrompt: frame.resume_prompt ?? null });
}

/** @param {State} state @param {import("./wire.js").AckFrame} frame @returns {State} */
function onAck(state, frame) {
  const serverSeq = Math.max(state.serverSeq, frame.seq);
  let next = setPending({ ...state, serverSeq }, frame.client_id, { status: "acked", seq: frame.seq });
  if (state.messages.some((m) => m.client_id === frame.client_id)) {
    next = { ...next, pending: next.pending.filter((p) => p.client_id !== frame.client_id) };
  }
  if (frame.turn_id) next = onTurn(next, { type: "turn", turn_id: frame.turn_id, state: "queued" });
  return behind(next);
}

/** @param {State} state @param {import("./wire.js").MessageFrame} frame @returns {State} */
function onMessage(state, frame) {
  const known = state.messages.find((m) => m.seq === frame.seq);
  const foreign = frame.conversation_id !== undefined && frame.conversation_id !== state.conversationId;
  if (foreign || (known && known.id !== frame.id)) {
    // A row of another conversation: ours was resolved and the next one opened.
    return behind({ ...state, fromStart: true });
  }
  const { type: _, ...message } = frame;
  const next = addMessage(state, message);
  const typing = message.role === "agent" ? null : next.typing;
  const serverSeq = Math.max(next.serverSeq, message.seq);
  return behind({ ...next, typing, serverSeq, upTo: runFrom(next.messages, next.upTo) });
}

/** @param {State} state @param {import("./wire.js").TurnFrame} frame @returns {State} */
function onTurn(state, frame) {
  if (frame.state === "failed" || frame.state === "superseded") return behind(endTurn(state, frame.turn_id));
  if (state.ended[frame.turn_id] || state.owner !== "bot") return state;
  // After "done" the streamed text stays up until its row comes; heartbeat and sync see to it that it does.
  if (frame.state === "done") return { ...state, turns: without(state.turns, frame.turn_id) };
  if (frame.state === "queued" && state.turns[frame.turn_id]) return state;
  return { ...state, turns: { ...state.turns, [frame.turn_id]: frame.state } };
}

/** @param {State} state @param {import("./wire.js").DeltaFrame} frame @returns {State} */
function onDelta(state, frame) {
  if (state.ended[frame.turn_id]) return state;
  if (frame.offset === 0) return withPartial(state, frame.turn_id, frame.text);
  const have = state.partials[frame.turn_id] ?? { text: "", chars: 0 };
  if (frame.offset > have.chars) return behind({ ...state, textGap: true });
  const fresh = dropChars(frame.text, have.chars - frame.offset);
  return fresh ? withPartial(state, frame.turn_id, have.text + fresh) : state;
}

/** @param {State} state @param {string} turnId @param {string} text @returns {State} */
function withPartial(state, turnId, text) {
  return {
    ...state,
    turns: { ...state.turns, [turnId]: "running" },
    partials: { ...state.partials, [turnId]: { text, chars: countChars(text) } },
    ended: without(state.ended, turnId),
  };
}

/** @param {State} state @param {string} turnId @returns {State} */
function endTurn(state, turnId) {
  return {
    ...state,
    turns: without(state.turns, turnId),
    partials: without(state.partials, turnId),
    textGap: false,
    ended: { ...state.ended, [turnId]: true },
  };
}

/**
 * Puts one row in its place; the row ends the turn it answers and replaces the pending line it came from.
 * @param {State} state @param {Message} message @returns {State}
 */
function addMessage(state, message) {
  let at = state.messages.length;
  while (at > 0 && state.messages[at - 1].seq >= message.seq) at -= 1;
  const known = state.messages[at];
  const replaces = known?.seq === message.seq ? 1 : 0;
  // Of a line that was sent anew when its card was settled, the earlier one may come later.
  const newest = replaces && known.id === message.id && !isSettled(message) && isSettled(known) ? known : message;
  const messages = [...state.messages.slice(0, at), newest, ...state.messages.slice(at + replaces)];
  let next = { ...state, messages };
  if (message.client_id) {
    next.pending = state.pending.filter((p) => p.client_id !== message.client_id);
  }
  if (message.turn_id && message.role !== "visitor") next = endTurn(next, message.turn_id);
  return next;
}

/** @param {State} state @param {Pick<import("./wire.js").StateFrame, "state" | "owner" | "agent" | "queue">} frame @returns {State} */
function withOwner(state, frame) {
  let next = { ...state, shown: frame.state, owner: frame.owner, agent: frame.agent ?? null, queue: frame.queue ?? null };
  if (frame.owner !== "bot") {
    // Nothing the bot began before a person took over can still become a message.
    for (const turnId of [...Object.keys(next.turns), ...Object.keys(next.partials)]) next = endTurn(next, turnId);
  }
  return next;
}

/** @param {State} state @param {{ code: string, message: string }} problem @returns {State} */
function withError(state, { code, message }) {
  return { ...state, error: { code, message, nonce: (state.error?.nonce ?? 0) + 1 } };
}

/** @param {State} state @param {string} turnId */
function isAnswered(state, turnId) {
  return state.messages.some((m) => m.turn_id === turnId && m.role !== "visitor");
}

/** @param {State} state @returns {State} */
function behind(state) {
  return { ...state, needsSync: state.fromStart || state.textGap || state.serverSeq > state.upTo };
}

/** @param {Message[]} messages @param {number} from @returns {number} the last seq reached without a gap */
function runFrom(messages, from) {
  let upTo = from;
  for (const { seq } of messages) if (seq === upTo + 1) upTo = seq;
  return upTo;
}

/** @param {Line} line @returns {Pending} */
function waiting({ client_id, text, at, attachments, message_seq, value }) {
  return { client_id, text, at, status: "waiting", ...(attachments?.length && { attachments }), ...(message_seq && { message_seq, value }) };
}

/** @param {State} state @param {string} clientId @param {Partial<Pending>} change @returns {State} */
function setPending(state, clientId, change) {
  return { ...state, pending: state.pending.map((p) => (p.client_id === clientId ? { ...p, ...change } : p)) };
}

/** @template T @param {Record<string, T>} record @param {string} key @returns {Record<string, T>} */
function without(record, key) {
  if (!(key in record)) return record;
  const { [key]: _, ...rest } = record;
  return rest;
}

/** @param {Message} message */
function isSettled(message) {
  return message.cards?.some((card) => card.status) ?? false;
}

/** The seq to send with `hello` and `sync`: from the first card on that may have been settled meanwhile. @param {State} state */
export function afterSeq(state) {
  const open = state.messages.find((message) => message.cards?.some((card) => card.kind === "confirm" && !card.status));
  return state.fromStart ? 0 : Math.min(state.upTo, (open?.seq ?? Infinity) - 1);
}

/**
 * The one mutable cell: `dispatch` runs the reducer and tells the listeners, in order of subscription.
 * What a listener dispatches waits until all have heard of the change before it.
 * @param {State} [state]
 */
export function createStore(state = initialState()) {
  /** @type {Set<(state: State, before: State) => void>} */
  const listeners = new Set();
  /** @type {{ state: State, before: State }[]} */
  const news = [];
  return {
    get: () => state,
    /** @param {Action} action */
    dispatch(action) {
      const before = state;
      state = reduce(state, action);
      if (state === before || news.push({ state, before }) > 1) return;
      for (; news.length; news.shift()) for (const listener of listeners) listener(news[0].state, news[0].before);
    },
    /** @param {(state: State, before: State) => void} listener */
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** @typedef {ReturnType<typeof createStore>} Store */
