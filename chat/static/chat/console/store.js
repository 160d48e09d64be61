// What an agent sees, as a pure function of the frames received and the lines typed. No DOM, no network, no clock.

/**
 * @typedef {import("./wire.js").Frame} Frame
 * @typedef {import("./wire.js").Entry} Entry
 * @typedef {import("./wire.js").Message} Message
 *
 * @typedef {"mine" | "queue" | "all" | "snoozed"} Tab
 * @typedef {{ client_id: string, conversation_id: string, kind: "reply" | "note", text: string, epoch: number, error: string }} Pending  `error` is empty while it is on its way
 *
 * @typedef {"draft" | "rewrite" | "summary" | "translate"} Help
 * @typedef {{ client_id: string, id: string, conversation_id: string, kind: Help, state: "asked" | "running" | "done" | "failed", text: string, doubts: import("./wire.js").Doubt[], why: string }} Suggestion what a model writes for this agent; `id` is empty until the server has it
 *
 * @typedef {object} Thread the conversation that is open
 * @property {string} id
 * @property {boolean} loaded
 * @property {Entry | null} entry
 * @property {Message[]} messages by seq
 * @property {boolean} gap rows are missing: ask again
 * @property {import("./wire.js").Note[]} notes
 * @property {import("./wire.js").Context | null} context
 * @property {import("./wire.js").Brief | null} brief
 * @property {{ turn_id: string, text: string } | null} partial what the bot is writing
 * @property {boolean} typing the visitor is
 * @property {Record<string, string>} revealed values by placeholder
 * @property {{ id: number, name: string }[]} viewers the other agents who have it open
 * @property {Record<number, string>} translations by seq
 * @property {string} untranslated why there are none
 *
 * @typedef {object} State
 * @property {"connecting" | "online" | "reconnecting" | "stopped"} link
 * @property {boolean} loaded
 * @property {import("./wire.js").Me | null} me
 * @property {import("./wire.js").Colleague[]} agents
 * @property {Record<string, Entry>} entries open conversations by id
 * @property {import("./wire.js").Place[]} queue in the order of their turn
 * @property {Tab} tab
 * @property {Thread | null} thread
 * @property {Pending[]} pending
 * @property {import("./wire.js").Team[]} teams
 * @property {boolean} supervisor
 * @property {import("./board.js").Day | null} today the agent's own
 * @property {boolean} boardOpen
 * @property {import("./board.js").Board | null} board
 * @property {{ kind: string, conversation_id: string, by: string } | null} call somebody calls the agent to a conversation
 * @property {import("./wire.js").Ring[]} rings what this agent is asked to take, the oldest first
 * @property {import("./wire.js").Mention[]} mentions notes that call this agent, unread, the latest first
 * @property {string} tag only conversations with it are listed; "" for all
 * @property {string} query what is searched for; "" for nothing
 * @property {{ query: string, entries: import("./wire.js").Found[], more: boolean } | null} found
 * @property {import("./wire.js").Canned[]} canned replies kept ready
 * @property {Record<string, boolean>} translated conversations that are read in translation
 * @property {boolean} assist there is a model to ask
 * @property {Suggestion | null} suggestion
 * @property {import("./wire.js").ErrorFrame | null} error
 *
 * @typedef {{ type: "frame", frame: Frame }
 *   | { type: "link", link: State["link"] }
 *   | { type: "tab", tab: Tab }
 *   | { type: "tag", tag: string }
 *   | { type: "board", open: boolean }
 *   | { type: "search", query: string }
 *   | { type: "open", id: string | null }
 *   | { type: "send", line: Omit<Pending, "error"> }
 *   | { type: "discard", client_id: string }
 *   | { type: "suggest", client_id: string, conversation_id: string, kind: Help }
 *   | { type: "suggestion.fail", client_id: string, why: string }
 *   | { type: "suggestion.drop" }
 *   | { type: "translate", id: string, on: boolean }
 *   | { type: "quiet" }
 *   | { type: "dismiss" }} Action
 */

/** @returns {State} */
export function initialState() {
  return { link: "connecting", loaded: false, me: null, agents: [], entries: {}, queue: [], tab: "queue", thread: null, pending: [], supervisor: false, today: null, boardOpen: false, board: null, call: null, teams: [], rings: [], mentions: [], tag: "", query: "", found: null, canned: [], translated: {}, assist: false, suggestion: null, error: null };
}

/** @param {State} state @param {Action} action @returns {State} */
export function reduce(state, action) {
  switch (action.type) {
    case "frame":
      return onFrame(state, action.frame);
    case "link":
      return { ...state, link: action.link };
    case "tab":
      return { ...state, tab: action.tab };
    case "tag":
      return { ...state, tag: action.tag };
    case "board":
      return { ...state, boardOpen: action.open && state.supervisor };
    case "search":
      return { ...state, query: action.query, found: action.query ? state.found : null };
    case "open":
      return { ...state, error: null, thread: action.id === null ? null : emptyThread(action.id, state.entries[action.id] ?? null) };
    case "send":
      return { ...state, error: null, pending: [...state.pending.filter((p) => p.client_id !== action.line.client_id), { ...action.line, error: "" }] };
    case "discard":
      return { ...state, pending: without(state.pending, action.client_id) };
    case "suggest":
      return { ...state, suggestion: { client_id: action.client_id, id: "", conversation_id: action.conversation_id, kind: action.kind, state: "asked", text: "", doubts: [], why: "" } };
    case "suggestion.fail":
      return withSuggestion(state, action.client_id, (one) => (one.state === "asked" || one.state === "running" ? { ...one, state: "failed", text: "", why: action.why } : one));
    case "translate":
      return { ...state, translated: { ...state.translated, [action.id]: action.on } };
    case "suggestion.drop":
      return { ...state, suggestion: null };
    case "quiet":
      return state.thread?.typing ? { ...state, thread: { ...state.thread, typing: false } } : state;
    case "dismiss":
      return { ...state, error: null, call: null };
  }
}

/** @param {string} id @param {Entry | null} entry @returns {Thread} */
function emptyThread(id, entry) {
  return { id, loaded: false, entry, messages: [], gap: false, notes: [], context: null, brief: null, partial: null, typing: false, revealed: {}, viewers: [], translations: {}, untranslated: "" };
}

/** @param {State} state @param {Frame} frame @returns {State} */
function onFrame(state, frame) {
  switch (frame.type) {
    case "ready":
      return onReady(state, frame);
    case "queue":
      return { ...state, queue: frame.entries };
    case "found":
      return frame.query === state.query ? { ...state, found: frame } : state;
    case "conversation":
      return onEntry(state, frame);
    case "presence":
      return onPresence(state, frame);
    case "mentions":
      return { ...state, mentions: frame.mentions };
    case "alert":
      return frame.agent === state.me?.id ? { ...state, call: frame } : state;
    case "intake":
      return state.board ? { ...state, board: { ...state.board, paused: frame.paused } } : state;
    case "ring":
      return onRing(state, frame);
    case "ok":
      return onOk(state, frame);
    case "error":
      return onError(state, frame);
    case "suggestion":
      return onSuggestion(state, frame);
    case "pong":
      return state;
    default:
      return { ...state, thread: state.thread && onThread(state.thread, frame) };
  }
}

/** Changes the suggestion, if it is the one of that id. @param {State} state @param {string | undefined} clientId @param {(one: Suggestion) => Suggestion} change @returns {State} */
function withSuggestion(state, clientId, change) {
  const { suggestion } = state;
  return suggestion && suggestion.client_id === clientId ? { ...state, suggestion: change(suggestion) } : state;
}

/** What was asked for here; what another console of this agent asked for is its own. @param {State} state @param {Extract<Frame, { type: "suggestion" }>} frame @returns {State} */
function onSuggestion(state, { client_id, suggestion_id, state: at, text, doubts, why }) {
  const { suggestion } = state;
  if (suggestion?.client_id !== client_id || suggestion.state === "failed") return state;
  if (at === "cancelled") return { ...state, suggestion: null };
  return { ...state, suggestion: { ...suggestion, id: suggestion_id, state: at, text, doubts, why } };
}

/** @param {State} before @param {{ client_id?: string, replies?: import("./wire.js").Canned[], board?: import("./board.js").Board, suggestion_id?: string, lines?: import("./wire.js").Translated[], conversation_id?: string }} frame @returns {State} */
function onOk(before, { client_id, replies, board, suggestion_id, lines, conversation_id }) {
  if (lines) return before.thread && before.thread.id === conversation_id ? { ...before, thread: withTranslations(before.thread, lines, "") } : before;
  const state = suggestion_id ? withSuggestion(before, client_id, (one) => ({ ...one, id: suggestion_id })) : before;
  const next = { ...state, canned: replies ?? state.canned, board: board ?? state.board };
  return client_id ? { ...next, pending: without(next.pending, client_id) } : next;
}

/** The server's own account of what is there. @param {State} state @param {import("./wire.js").ReadyFrame} frame @returns {State} */
function onReady(state, frame) {
  const entries = Object.fromEntries(frame.conversations.map((entry) => [entry.conversation_id, entry]));
  const next = { ...state, loaded: true, me: frame.agent, agents: frame.agents, entries, queue: frame.queue, teams: frame.teams ?? [], rings: frame.rings ?? [], mentions: frame.mentions ?? [], supervisor: frame.supervisor ?? false, assist: frame.assist ?? false, today: frame.today ?? null };
  const entry = state.thread && entries[state.thread.id];
  return entry ? onEntry(next, entry) : next;
}

/** @param {State} before @param {Entry} entry @returns {State} */
function onEntry(before, entry) {
  const state = entry.owner === "queue" && !entry.resolved ? before : { ...before, rings: before.rings.filter((ring) => ring.conversation_id !== entry.conversation_id) };
  const { [entry.conversation_id]: _, ...others } = state.entries;
  const entries = entry.resolved ? others : { ...others, [entry.conversation_id]: entry };
  const { thread } = state;
  if (thread?.id !== entry.conversation_id) return { ...state, entries };
  const behind = thread.loaded && entry.seq > upTo(thread);
  return { ...state, entries, thread: { ...thread, entry, gap: thread.gap || behind } };
}

/** @param {State} state @param {{ conversation_id: string, agent: number, until: string | null }} ring @returns {State} */
function onRing(state, { conversation_id, agent, until }) {
  const others = state.rings.filter((ring) => ring.conversation_id !== conversation_id);
  return { ...state, rings: until && agent === state.me?.id ? [...others, { conversation_id, until }] : others };
}

/** @param {State} state @param {{ agent: import("./wire.js").Agent, missed?: boolean }} frame @returns {State} */
function onPresence(state, { agent, missed }) {
  const isMe = state.me?.id === agent.id;
  const known = state.agents.some((one) => one.id === agent.id);
  const agents = known ? state.agents.map((one) => (one.id === agent.id ? { ...one, ...agent } : one)) : [...state.agents, agent];
  return { ...state, agents, me: isMe && state.me ? { ...state.me, ...agent } : state.me, rings: isMe && agent.presence !== "online" ? [] : state.rings, error: isMe && missed ? { type: "error", code: "missed", message: "" } : state.error };
}

/** A refused line stays, with why; anything else is said at the top. @param {State} state @param {import("./wire.js").ErrorFrame} error @returns {State} */
function onError(state, error) {
  if (error.client_id && state.suggestion?.client_id === error.client_id) return withSuggestion(state, error.client_id, (one) => ({ ...one, state: "failed", why: error.code }));
  const isLine = state.pending.some((line) => line.client_id === error.client_id);
  const pending = state.pending.map((line) => (line.client_id === error.client_id ? { ...line, error: error.winner ? `@${error.winner}` : error.code } : line));
  return isLine ? { ...state, pending } : { ...state, error };
}

/** @param {Thread} thread @param {Frame} frame @returns {Thread} */
function onThread(thread, frame) {
  switch (frame.type) {
    case "thread":
      return frame.conversation_id === thread.id ? filled(thread, frame) : thread;
    case "message":
      return frame.conversation_id === thread.id ? withMessage(thread, frame) : thread;
    case "note":
      return frame.conversation_id === thread.id ? { ...thread, notes: byId(thread.notes, frame) } : thread;
    case "cards":
      return frame.conversation_id === thread.id ? { ...thread, messages: thread.messages.map((one) => (one.seq === frame.message_seq ? { ...one, cards: frame.cards } : one)) } : thread;
    case "delta":
      return withDelta(thread, frame);
    case "turn":
      return frame.state === "running" || thread.partial?.turn_id !== frame.turn_id ? thread : { ...thread, partial: null };
    case "typing":
      return frame.who === "visitor" && frame.conversation_id === thread.id ? { ...thread, typing: frame.on } : thread;
    case "viewers":
      return frame.conversation_id === thread.id ? { ...thread, viewers: frame.agents } : thread;
    case "translation":
      return frame.conversation_id === thread.id ? withTranslations(thread, frame.lines, frame.why) : thread;
    case "brief":
      return frame.conversation_id === thread.id && thread.brief ? { ...thread, brief: { ...thread.brief, ...briefOf(frame) } } : thread;
    case "revealed":
      return frame.conversation_id === thread.id ? { ...thread, revealed: { ...thread.revealed, [frame.placeholder]: frame.value } } : thread;
    default:
      return thread;
  }
}

/** @param {Thread} thread @param {import("./wire.js").Translated[]} lines @param {string} why @returns {Thread} */
function withTranslations(thread, lines, why) {
  const fresh = Object.fromEntries(lines.map(({ seq, text }) => [seq, text]));
  return { ...thread, translations: { ...thread.translations, ...fresh }, untranslated: why };
}

/** @param {Extract<Frame, { type: "brief" }>} frame @returns {Partial<import("./wire.js").Brief>} */
function briefOf({ type: _, conversation_id: __, ...brief }) {
  return brief;
}

/** @param {Thread} thread @param {import("./wire.js").ThreadFrame} frame @returns {Thread} */
function filled(thread, frame) {
  const { entry, notes, context, brief } = frame;
  const partial = frame.partial ? { turn_id: frame.partial.turn_id, text: frame.partial.text } : null;
  return { ...thread, entry, notes, context, brief, partial, loaded: true, messages: frame.messages.reduce(added, thread.messages), gap: false };
}

/** @param {Thread} thread @param {Message} message @returns {Thread} */
function withMessage(thread, message) {
  const gap = thread.gap || (thread.loaded && message.seq > upTo(thread) + 1);
  const partial = message.role === "bot" && message.turn_id === thread.partial?.turn_id ? null : thread.partial;
  return { ...thread, gap, partial, typing: message.role === "visitor" ? false : thread.typing, messages: added(thread.messages, message) };
}

/** @param {Thread} thread @param {{ turn_id: string, offset: number, text: string }} delta @returns {Thread} */
function withDelta(thread, { turn_id, offset, text }) {
  const before = thread.partial?.turn_id === turn_id ? thread.partial.text : "";
  const chars = Array.from(before);
  if (offset > chars.length) return thread;
  return { ...thread, partial: { turn_id, text: chars.slice(0, offset).join("") + text } };
}

/** @param {Message[]} messages @param {Message} message */
function added(messages, message) {
  if (messages.some((one) => one.seq === message.seq)) return messages;
  return [...messages, message].sort((a, b) => a.seq - b.seq);
}

/** @param {import("./wire.js").Note[]} notes @param {import("./wire.js").Note} note */
function byId(notes, note) {
  return notes.some((one) => one.id === note.id) ? notes : [...notes, note];
}

/** @param {Pending[]} pending @param {string} clientId */
function without(pending, clientId) {
  return pending.filter((line) => line.client_id !== clientId);
}

/** The seq up to which the thread's rows are here. @param {Thread} thread */
export function upTo(thread) {
  return thread.messages.at(-1)?.seq ?? 0;
}

/** The entries of a tab that have the chosen tag, in the order they are worked off. @param {State} state @param {Tab} [tab] @returns {Entry[]} */
export function shown(state, tab = state.tab) {
  if (state.query) return state.found?.entries ?? [];
  return listed(state, tab).filter((entry) => !state.tag || entry.tags.includes(state.tag));
}

/** Every tag of the entries there are, the most frequent first. @param {State} state */
export function tagsOf(state) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const entry of Object.values(state.entries)) for (const tag of entry.tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || a.localeCompare(b)).map(([tag]) => tag);
}

/** The entries of a tab in the order they are worked off. @param {State} state @param {Tab} [tab] @returns {Entry[]} */
export function listed(state, tab = state.tab) {
  if (tab === "queue") return state.queue.flatMap(({ conversation_id: id }) => (state.entries[id]?.owner === "queue" ? [state.entries[id]] : []));
  const all = Object.values(state.entries);
  if (tab === "all") return all.sort((a, b) => b.at.localeCompare(a.at));
  if (tab === "snoozed") return all.filter((entry) => isMine(state, entry) && entry.snoozed).sort((a, b) => (a.snoozed_until ?? "9999").localeCompare(b.snoozed_until ?? "9999"));
  // Whoever waits longest for a word of ours comes first, the answered ones after that.
  const since = (/** @type {Entry} */ entry) => (entry.unanswered_since ? Date.parse(entry.unanswered_since) : Infinity);
  return all.filter((entry) => isMine(state, entry) && !entry.snoozed).sort((a, b) => (since(a) === since(b) ? b.at.localeCompare(a.at) : since(a) - since(b)));
}

/** @param {State} state @param {Entry | null | undefined} entry */
export function isMine(state, entry) {
  return !!entry && !entry.resolved && entry.owner === "agent" && entry.agent?.id === state.me?.id;
}

/** Who may have the conversation that is open. @param {State} state */
export function servers({ agents, thread }) {
  const inbox = thread?.entry?.inbox_id;
  return agents.filter(({ inboxes }) => !inboxes || (inbox !== undefined && inboxes.includes(inbox)));
}

/** Whom it may be passed to, and whom a note in it can call. @param {State} state */
export function colleagues(state) {
  return servers(state).filter((agent) => agent.id !== state.me?.id);
}

/** What the customer of an entry reads of this agent. @param {State} state @param {Entry} entry */
export function calledFor({ me }, { visitor }) {
  return me?.called[languageOf({ visitor })] ?? "";
}

/** In which language a customer is written to. @param {Pick<Entry, "visitor">} entry @returns {"zh" | "en"} */
export function languageOf({ visitor }) {
  return visitor.locale.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** Something was said to us that we have not looked at. @param {Entry} entry */
export function isUnread(entry) {
  return entry.unanswered_since !== null && entry.seq > entry.read_seq;
}

/** How many conversations want something of this agent: own ones unread, and whoever waits. @param {State} state */
export function wanting(state) {
  return listed(state, "mine").filter(isUnread).length + listed(state, "queue").length;
}

export function createStore() {
  let state = initialState();
  /** @type {((state: State, before: State) => void)[]} */
  const listeners = [];
  return {
    get: () => state,
    /** @param {Action} action */
    dispatch(action) {
      const before = state;
      state = reduce(state, action);
      if (state !== before) for (const listen of listeners) listen(state, before);
    },
    /** @param {(state: State, before: State) => void} listen */
    subscribe: (listen) => void listeners.push(listen),
  };
}

/** @typedef {ReturnType<typeof createStore>} Store */
