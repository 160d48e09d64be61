// The shapes of protocol section 3 as types, and the one place that turns bytes from the socket into frames.
// Used by store, connection and view. Holds no state and touches neither DOM nor network.

/**
 * @typedef {"visitor" | "bot" | "agent" | "system"} Role
 * @typedef {"bot" | "queued" | "agent" | "resolved" | "offline"} ShownState
 * @typedef {{ name: string, avatar?: string | null }} Agent
 * @typedef {{ label: string, value: string, style?: string | null }} CardButton
 *
 * @typedef {object} Card
 * @property {"order" | "logistics" | "product" | "confirm" | "replies"} kind
 * @property {string} [title]
 * @property {{ label: string, value: string }[]} [lines]
 * @property {string | null} [image]
 * @property {string | null} [url]
 * @property {CardButton[]} [buttons]
 * @property {string | null} [expires_at] ISO 8601
 * @property {string | null} [status] what became of it; set means it takes no answer any more
 *
 * @typedef {{ id: string | number, title: string }} Citation
 * @typedef {{ id: string, url: string, type?: string, width?: number, height?: number, name?: string }} Attachment
 * @typedef {{ position: number, eta_seconds?: number | null, staffed?: boolean }} Queue  `position` counts from 1; `staffed` false: nobody is on duty
 *
 * @typedef {object} Message
 * @property {number} seq gapless from 1 within a conversation
 * @property {string} [id]
 * @property {string} [html] sanitised by the server; rich.js lets through less than that
 * @property {Card[]} [cards]
 * @property {Citation[]} [citations]
 * @property {Attachment[]} [attachments]
 * @property {"up" | "down" | null} [feedback] the visitor's thumb
 * @property {string} [conversation_id] where the server says it, a row of another conversation is told at once
 * @property {Role} role
 * @property {string} text
 * @property {string} at ISO 8601, UTC
 * @property {string | { name?: string } | null} [author]
 * @property {boolean} [ai]
 * @property {string | null} [turn_id]
 * @property {string | null} [client_id]
 *
 * @typedef {object} ReadyFrame
 * @property {"ready"} type
 * @property {string} conversation_id
 * @property {number} seq
 * @property {ShownState} state
 * @property {string} owner
 * @property {Agent | null} [agent]
 * @property {Queue | null} [queue]
 * @property {Message[]} messages
 * @property {{ turn_id: string, offset: number, text: string } | null} [partial] text from its first character on
 * @property {string | null} [token]
 * @property {string | null} [resume_prompt]
 * @property {{ visitor?: number, agent?: number }} [read] seqs
 * @property {boolean} [form] the form before the conversation is still to be filled in
 *
 * @typedef {{ type: "ack", client_id: string, seq: number, turn_id?: string | null }} AckFrame
 * @typedef {{ type: "message" } & Message} MessageFrame
 * @typedef {{ type: "turn", turn_id: string, state: "queued" | "running" | "done" | "failed" | "superseded" }} TurnFrame
 * @typedef {{ type: "delta", turn_id: string, n: number, offset: number, text: string }} DeltaFrame
 * @typedef {{ type: "state", state: ShownState, owner: string, agent?: Agent | null, queue?: Queue | null }} StateFrame
 * @typedef {{ type: "typing", who: string, on: boolean }} TypingFrame
 * @typedef {{ type: "error", code: string, message: string, retry_after_ms?: number | null, client_id?: string | null, request_id?: string }} ErrorFrame
 * @typedef {{ type: "heartbeat", seq: number }} HeartbeatFrame
 * @typedef {{ type: "read", who: string, seq: number }} ReadFrame
 * @typedef {{ type: "pong" }} PongFrame
 * @typedef {ReadFrame | ReadyFrame | AckFrame | MessageFrame | TurnFrame | DeltaFrame | StateFrame | TypingFrame | ErrorFrame | HeartbeatFrame | PongFrame} Frame
 *
 * @typedef {{ name: string, label: string, kind?: string, required?: boolean, options?: string[] | null }} Field
 *
 * @typedef {object} Inbox what staff decided about the widget; every text in the visitor's language
 * @property {string} [name]
 * @property {string} [bot_name]
 * @property {string} [locale] the inbox's own
 * @property {string} [theme] "auto", "light" or "dark"
 * @property {string | null} [color] "#rrggbb"
 * @property {string | null} [logo] an address of this origin
 * @property {string} [reception] "bot_first", "human_first", "choose", "bot_only" or "human_only"
 * @property {boolean} [ai_label]
 * @property {string[]} [quick_questions]
 * @property {{ welcome?: string, placeholder?: string, offline?: string, rating?: string, consent?: string }} [texts]
 * @property {boolean} [open] whether people are at work
 * @property {string} [hours_text]
 * @property {string | null} [hours_zone] in which they are meant, as "Asia/Shanghai"
 * @property {Field[]} [prechat]
 * @property {string[]} [rating_tags]
 * @property {boolean} [sound]
 * @property {{ max_bytes: number, types: string[] } | null} [upload]
 */

export const MAX_MESSAGE_CHARS = 4000;
export const MAX_ATTACHMENTS = 4;

/** @param {unknown} value @returns {value is number} */
const isCount = (value) => Number.isInteger(value) && /** @type {number} */ (value) >= 0;
/** @param {unknown} value @returns {value is string} */
const isText = (value) => typeof value === "string";

/** @type {Record<string, (frame: any) => boolean>} */
const REQUIRED = {
  ready: (f) => isText(f.conversation_id) && isCount(f.seq) && Array.isArray(f.messages) && f.messages.every(isMessage),
  ack: (f) => isText(f.client_id) && isCount(f.seq),
  message: (f) => isMessage(f),
  turn: (f) => isText(f.turn_id) && isText(f.state),
  delta: (f) => isText(f.turn_id) && isCount(f.offset) && isText(f.text),
  state: (f) => isText(f.state) && isText(f.owner),
  typing: (f) => isText(f.who),
  error: (f) => isText(f.code),
  heartbeat: (f) => isCount(f.seq),
  read: (f) => isText(f.who) && isCount(f.seq),
  pong: () => true,
};

/** @param {any} value */
function isMessage(value) {
  return !!value && isCount(value.seq) && isText(value.role) && isText(value.text);
}

/**
 * One frame, or null for anything this version does not know: an older widget must live with a newer server.
 * @param {unknown} data
 * @returns {Frame | null}
 */
export function parseFrame(data) {
  if (!isText(data)) return null;
  let frame;
  try {
    frame = JSON.parse(data);
  } catch {
    return null;
  }
  if (!frame || !isText(frame.type) || !Object.hasOwn(REQUIRED, frame.type)) return null;
  return REQUIRED[frame.type](frame) ? frame : null;
}

/**
 * Length as the server counts it: code points, where JavaScript would count an emoji twice.
 * @param {string} text
 */
export function countChars(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/**
 * The text without its first `count` code points.
 * @param {string} text @param {number} count
 */
export function dropChars(text, count) {
  return Array.from(text).slice(count).join("");
}
