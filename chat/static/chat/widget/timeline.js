// The lines of a conversation in the order they are read: stored rows, lines on their way, and the answer being said.
// Pure; the view asks for it after each change of the store.

/**
 * @typedef {import("./store.js").State} State
 * @typedef {import("./store.js").Pending} Pending
 * @typedef {import("./wire.js").Message} Message
 */

/**
 * @typedef {{ kind: "message", key: string, message: Message, past?: true }
 *   | { kind: "pending", key: string, pending: Pending }
 *   | { kind: "partial", key: string, turnId: string, text: string }} Item
 */

/**
 * The lines in the order they are read. A key stays the same while a line turns from typed to stored,
 * or from streamed to final, so that the view can keep its element.
 * @param {State} state
 * @returns {Item[]}
 */
export function timeline(state) {
  /** @type {{ seq: number, item: Item }[]} */
  const stored = state.messages.map((message) => ({
    seq: message.seq,
    item: { kind: "message", key: messageKey(message), message },
  }));
  /** @type {Item[]} */
  const tail = [];
  for (const pending of state.pending) {
    /** @type {Item} */
    const item = { kind: "pending", key: `c:${pending.client_id}`, pending };
    if (pending.seq) stored.push({ seq: pending.seq, item });
    else tail.push(item);
  }
  stored.sort((a, b) => a.seq - b.seq);
  /** @type {Item[]} */
  const past = state.earlier.map((message) => ({ kind: "message", key: `e:${message.id}`, message, past: true }));
  return [...past, ...stored.map((entry) => entry.item), ...tail, ...streams(state)];
}

/** At most one line: what is being said, else what is being thought about. @param {State} state @returns {Item[]} */
function streams({ turns, partials }) {
  const running = Object.keys(turns).find((turnId) => turns[turnId] === "running");
  const turnId = Object.keys(partials).at(-1) ?? running ?? Object.keys(turns)[0];
  return turnId ? [{ kind: "partial", key: `t:${turnId}`, turnId, text: partials[turnId]?.text ?? "" }] : [];
}

/** @param {Message} message */
function messageKey(message) {
  if (message.role === "bot" && message.turn_id) return `t:${message.turn_id}`;
  if (message.client_id) return `c:${message.client_id}`;
  return `s:${message.seq}`;
}
