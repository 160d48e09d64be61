// The shapes of protocol section 4 as types, and the one place that turns bytes from the socket into frames.

/**
 * @typedef {{ id: number, name: string, presence: "online" | "busy" | "away" }} Agent
 * @typedef {Agent & { inboxes?: number[] | null }} Colleague  `inboxes` are those whose conversations they get; null: all
 * @typedef {Agent & { called: { zh: string, en: string } }} Me  `called` is what customers read, by their language
 * @typedef {{ number: string, name: string, tier: string, verified: boolean, locale: string }} Visitor
 * @typedef {{ label: string, score: number }} Mood
 *
 * @typedef {object} Entry one conversation in the list
 * @property {string} conversation_id
 * @property {string} inbox
 * @property {number} inbox_id
 * @property {Visitor} visitor
 * @property {"bot" | "queue" | "agent"} owner
 * @property {boolean} resolved
 * @property {Agent | null} agent
 * @property {string} [team] for which it waits
 * @property {number} epoch
 * @property {number} seq
 * @property {number} read_seq
 * @property {string} at
 * @property {string | null} waiting_since
 * @property {string | null} unanswered_since
 * @property {{ role: string, text: string } | null} latest
 * @property {string[]} reasons
 * @property {Mood | null} mood
 * @property {string[]} tags
 * @property {boolean} snoozed put aside by its agent
 * @property {string | null} snoozed_until null: until the visitor writes
 *
 * @typedef {{ id: number, folder: string, title: string, text: string, scope: "own" | "team" | "all" }} Canned
 *
 * @typedef {{ conversation_id: string, score: number, because: { code: string, points: number }[] }} Place
 *
 * @typedef {object} Message
 * @property {number} seq
 * @property {string} id
 * @property {string} conversation_id
 * @property {"visitor" | "bot" | "agent" | "system"} role
 * @property {string} text
 * @property {string} html sanitised by the server
 * @property {string} at
 * @property {boolean} ai
 * @property {{ name?: string } | null} [author]
 * @property {string} [turn_id]
 * @property {string} [client_id]
 * @property {import("../widget/wire.js").Card[]} [cards]
 * @property {import("../widget/wire.js").Citation[]} [citations]
 * @property {import("../widget/wire.js").Attachment[]} [attachments]
 *
 * @typedef {object} Note
 * @property {string} id
 * @property {string} conversation_id
 * @property {string} client_id
 * @property {{ id: number, name: string }} author
 * @property {string} text
 * @property {{ id: number, name: string }[]} mentions whom `<@id>` in the text calls
 * @property {number} after_seq
 * @property {string} at
 *
 * @typedef {{ conversation_id: string, note_id: string, visitor: Visitor, by: string, text: string, at: string }} Mention a note that calls this agent, unread
 *
 * @typedef {{ title: string, state: string, slots: Record<string, string> }} Topic
 * @typedef {{ conversation_id: string, at: string, topic: string, summary: string, tags: string[] }} Earlier
 *
 * @typedef {object} Context
 * @property {string} customer_id
 * @property {string} since
 * @property {Record<string, string>} profile
 * @property {Record<string, string | boolean>} attributes
 * @property {Record<string, string>} form
 * @property {{ product?: Record<string, string>, order?: Record<string, string>, page?: string }} page
 * @property {Topic[]} topics
 * @property {Mood[]} moods
 * @property {"worse" | "better" | "steady"} trend
 * @property {{ at: string, end: string, reasons: { code: string, points: number }[] }[]} escalations
 * @property {Earlier[]} earlier
 * @property {string} summary
 * @property {string[]} tags
 *
 * @typedef {{ seq: number, text: string }} Translated
 * @typedef {{ sentence: string, promise: string }} Doubt a sentence that promises what no tool has made
 *
 * @typedef {object} Brief
 * @property {"model" | "template"} source
 * @property {string} why why no model wrote it
 * @property {boolean} pending a model is at it
 * @property {number} epoch of the hand-over; 0: none yet
 * @property {{ value: "good" | "bad", word: string, by: string, at: string } | null} grade
 * @property {{ code: string, points: number }[]} reasons
 * @property {string} need
 * @property {string[]} topics
 * @property {string} said
 * @property {Record<string, string>} slots
 * @property {{ source: "tool" | "page", at: string | null, lines: { label: string, value: string }[] } | null} order
 * @property {{ kind: "sop" | "tool", title: string, state?: string }[]} steps
 * @property {string[]} tried in words
 * @property {(Mood & { trend: string }) | null} mood
 * @property {{ id: number, name: string } | null} team
 * @property {"low" | "normal" | "high" | "urgent"} priority
 * @property {string} draft a first reply; `{{agent}}` is still open in a template's
 * @property {Doubt[]} doubts
 *
 * @typedef {object} ThreadFrame
 * @property {"thread"} type
 * @property {string} conversation_id
 * @property {number} after_seq
 * @property {Entry} entry
 * @property {Message[]} messages
 * @property {Note[]} notes
 * @property {Context} context
 * @property {Brief} brief
 * @property {{ turn_id: string, offset: number, text: string }} [partial]
 *
 * @typedef {{ conversation_id: string, until: string }} Ring
 * @typedef {{ id: number, name: string }} Team
 *
 * @typedef {{ type: "ready", agent: Me, agents: Colleague[], conversations: Entry[], queue: Place[], teams?: Team[], rings?: Ring[], mentions?: Mention[], supervisor?: boolean, assist?: boolean, today?: import("./board.js").Day, at: string }} ReadyFrame
 * @typedef {{ type: "error", code: string, message: string, act?: string, winner?: string, full?: string, conversation_id?: string, client_id?: string }} ErrorFrame
 * @typedef {Entry & { hit: { seq: number, text: string } | null }} Found a conversation that was searched for, and the line that shows why
 * @typedef {ReadyFrame | ThreadFrame | ErrorFrame
 *   | ({ type: "conversation" } & Entry)
 *   | ({ type: "message" } & Message)
 *   | ({ type: "note" } & Note)
 *   | { type: "cards", conversation_id: string, message_seq: number, cards: import("../widget/wire.js").Card[] }
 *   | { type: "mentions", mentions: Mention[] }
 *   | { type: "queue", entries: Place[] }
 *   | { type: "found", query: string, entries: Found[], more: boolean }
 *   | { type: "ok", act: string, conversation_id: string, client_id?: string, suggestion_id?: string, lines?: Translated[], epoch?: number, seq?: number, replies?: Canned[], board?: import("./board.js").Board }
 *   | { type: "delta", turn_id: string, n: number, offset: number, text: string }
 *   | { type: "turn", turn_id: string, state: string }
 *   | { type: "typing", who: string, on: boolean, conversation_id?: string }
 *   | { type: "presence", agent: Agent, missed?: boolean }
 *   | { type: "alert", kind: string, conversation_id: string, agent: number, by: string }
 *   | { type: "intake", paused: boolean }
 *   | { type: "ring", conversation_id: string, agent: number, until: string | null }
 *   | ({ type: "brief", conversation_id: string } & Partial<Brief>)
 *   | { type: "suggestion", suggestion_id: string, conversation_id: string, client_id: string, kind: string, state: "running" | "done" | "failed" | "cancelled", text: string, doubts: Doubt[], why: string }
 *   | { type: "translation", conversation_id: string, language: string, lines: Translated[], why: string }
 *   | { type: "viewers", conversation_id: string, agents: { id: number, name: string }[] }
 *   | { type: "revealed", conversation_id: string, placeholder: string, value: string }
 *   | { type: "pong" }} Frame
 */

const KNOWN = new Set([
  "ready", "thread", "error", "conversation", "message", "note", "queue", "ok", "delta", "turn", "typing", "presence",
  "revealed", "pong", "found", "ring", "alert", "intake", "brief", "suggestion", "translation", "viewers", "cards", "mentions",
]);

/** One frame, or null for what this version does not know. @param {unknown} data @returns {Frame | null} */
export function parseFrame(data) {
  if (typeof data !== "string") return null;
  try {
    const frame = JSON.parse(data);
    return frame && KNOWN.has(frame.type) ? frame : null;
  } catch {
    return null;
  }
}
