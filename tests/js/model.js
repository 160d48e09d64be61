// A conversation as the server keeps it, small enough to read: rows, owner, the turn in flight, and the frames it sends.
// The tests play random lives of it against the widget's store.

/** Numbers from 0 up to 1 that are the same for the same seed (mulberry32). @param {number} seed */
export function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** @param {() => number} random @param {any[]} list */
export const pick = (random, list) => list[Math.floor(random() * list.length)];

/** Fisher and Yates. @param {() => number} random @param {any[]} list */
export function shuffled(random, list) {
  const copy = [...list];
  for (let at = copy.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1));
    [copy[at], copy[other]] = [copy[other], copy[at]];
  }
  return copy;
}

const AGENT = { name: "小禾", avatar: null };
const PIECES = ["您好,", "别着急", "😀", "马上查", "。\n", "ok "];

/**
 * @param {() => number} random
 * @param {{ manyConversations: boolean }} options whether others may follow the first; rows then name theirs
 */
export function createServer(random, { manyConversations }) {
  let conversations = 0;
  let serial = 0;
  /** @type {any} */
  let conversation;
  /** @type {any[]} everything sent since the start, as `{ frame }`, and lines typed, as `{ typed }` */
  const history = [];
  const send = (/** @type {any} */ frame) => history.push({ frame: structuredClone(frame) });

  const open = () => {
    conversations += 1;
    conversation = { id: `c${conversations}`, rows: [], owner: "bot", state: "bot", turn: null, agentRead: 0 };
  };

  const append = (/** @type {any} */ fields) => {
    const seq = conversation.rows.length + 1;
    const row = { ...(manyConversations && { conversation_id: conversation.id }), seq, id: `m${(serial += 1)}`, at: "2026-01-31T08:15:00.000Z", ai: fields.role === "bot", ...fields };
    conversation.rows.push(row);
    send({ type: "message", ...row });
    return row;
  };

  const stateFields = () => ({
    state: conversation.state,
    owner: conversation.owner,
    ...(conversation.owner === "agent" && { agent: AGENT }),
    ...(conversation.owner === "queue" && { queue: { position: 2, eta_seconds: null } }),
  });

  const move = (/** @type {string} */ owner, /** @type {string} */ state) => {
    conversation.owner = owner;
    conversation.state = state;
    if (owner !== "bot" && conversation.turn) {
      send({ type: "turn", turn_id: conversation.turn.id, state: "superseded" });
      conversation.turn = null;
    }
    append({ role: "system", text: `→ ${owner}` });
    send({ type: "state", ...stateFields() });
  };

  const ready = (/** @type {number} */ afterSeq) => ({
    type: "ready",
    conversation_id: conversation.id,
    seq: conversation.rows.length,
    ...stateFields(),
    messages: structuredClone(conversation.rows.filter((/** @type {any} */ row) => row.seq > afterSeq)),
    read: { visitor: 0, agent: conversation.agentRead },
    ...(conversation.turn && { partial: { turn_id: conversation.turn.id, offset: 0, text: conversation.turn.text } }),
  });

  const deeds = {
    visitorWrites() {
      const clientId = `client-${(serial += 1)}`;
      const text = `line ${serial}`;
      history.push({ typed: { client_id: clientId, text, at: serial } });
      if (conversation.owner === "bot" && !conversation.turn) conversation.turn = { id: `t${serial}`, text: "", n: 0, state: "queued" };
      const turnId = conversation.turn?.id;
      const row = append({ role: "visitor", text, client_id: clientId });
      send({ type: "ack", client_id: clientId, seq: row.seq, ...(turnId && { turn_id: turnId }) });
      if (turnId) send({ type: "turn", turn_id: turnId, state: "queued" });
    },
    botSays() {
      const { turn } = conversation;
      if (!turn) return;
      if (turn.n === 0) send({ type: "turn", turn_id: turn.id, state: "running" });
      const text = pick(random, PIECES);
      send({ type: "delta", turn_id: turn.id, n: turn.n, offset: Array.from(turn.text).length, text });
      turn.text += text;
      turn.n += 1;
    },
    botStartsAnew() {
      if (conversation.turn) Object.assign(conversation.turn, { text: "", n: 0 });
    },
    botFinishes() {
      const { turn } = conversation;
      if (!turn) return;
      conversation.turn = null;
      append({ role: "bot", text: turn.text || "…", turn_id: turn.id });
      send({ type: "turn", turn_id: turn.id, state: "done" });
    },
    botFails() {
      const { turn } = conversation;
      if (!turn) return;
      conversation.turn = null;
      append({ role: "system", text: "抱歉" });
      send({ type: "turn", turn_id: turn.id, state: "failed" });
    },
    visitorQueues: () => conversation.owner === "bot" && move("queue", "queued"),
    agentClaims: () => conversation.owner !== "agent" && move("agent", "agent"),
    agentWrites: () => conversation.owner === "agent" && append({ role: "agent", text: "稍等", author: AGENT }),
    agentTypes: () => conversation.owner === "agent" && send({ type: "typing", who: "agent", on: random() < 0.5 }),
    agentReads() {
      conversation.agentRead = conversation.rows.length;
      send({ type: "read", who: "agent", seq: conversation.agentRead });
    },
    botAsks() {
      if (conversation.owner === "bot") append({ role: "bot", text: "sure?", cards: [{ kind: "confirm", title: "?" }] });
    },
    cardIsAnswered() {
      const row = conversation.rows.findLast((/** @type {any} */ one) => one.cards && !one.cards[0].status);
      if (!row) return;
      row.cards = [{ kind: "confirm", title: "?", status: pick(random, ["done", "cancelled"]) }];
      send({ type: "message", ...row });
    },
    agentHandsBack: () => conversation.owner === "agent" && move("bot", "bot"),
    beat: () => send({ type: "heartbeat", seq: conversation.rows.length }),
    nextConversation() {
      if (!manyConversations || random() < 0.7) return;
      open();
      send(ready(0));
    },
  };

  open();
  send(ready(0));
  return {
    history,
    ready,
    rows: () => conversation.rows,
    /** @param {number} steps */
    live(steps) {
      const busy = [...Object.values(deeds), deeds.visitorWrites, deeds.botSays, deeds.botSays, deeds.botSays];
      for (let step = 0; step < steps; step += 1) pick(random, busy)();
    },
  };
}
