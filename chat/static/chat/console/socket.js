// Keeps one socket to the server alive. Knows no DOM and no state; app.js feeds the store with what comes.

import { backoffMs } from "../widget/backoff.js";
import { parseFrame } from "./wire.js";

const SUBPROTOCOL = "yingda.v1";
const PING_MS = 20_000;
// The server speaks every twenty seconds by itself.
const SILENCE_MS = 50_000;
// Signed out, or a page that may not: no further attempt helps.
const FINAL = new Set([4401, 4403]);

/**
 * @param {object} options
 * @param {string} options.url
 * @param {(frame: import("./wire.js").Frame) => void} options.onFrame
 * @param {(link: "online" | "reconnecting" | "stopped") => void} options.onLink
 */
export function createSocket({ url, onFrame, onLink }) {
  /** @type {WebSocket | null} */
  let socket = null;
  let retries = 0;
  let heardAt = 0;

  function open() {
    const opened = new WebSocket(url, SUBPROTOCOL);
    socket = opened;
    heardAt = Date.now();
    opened.onopen = () => onLink("online");
    opened.onmessage = (event) => {
      heardAt = Date.now();
      retries = 0;
      const frame = parseFrame(event.data);
      if (frame) onFrame(frame);
    };
    opened.onclose = (event) => {
      if (socket !== opened) return;
      lose(FINAL.has(event.code));
    };
  }

  /** @param {boolean} isFinal */
  function lose(isFinal) {
    socket = null;
    onLink(isFinal ? "stopped" : "reconnecting");
    if (!isFinal) setTimeout(open, backoffMs(retries++, Math.random()));
  }

  /** @param {Record<string, unknown>} frame @returns {boolean} whether there was a way */
  function send(frame) {
    if (socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(frame));
    return true;
  }

  setInterval(() => {
    if (!socket) return;
    if (Date.now() - heardAt < SILENCE_MS) send({ type: "ping" });
    else {
      const dead = socket;
      lose(false);
      dead.close();
    }
  }, PING_MS);
  open();
  return { send };
}
