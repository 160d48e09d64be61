// Talks with the page that embeds the widget, and with no other: each message is checked for its window and its origin,
// and none is ever posted to "*". Opened as a page of its own, the widget has no host and stays silent.

const MARK = "yingda";

/** @param {Window} win @returns {string | null} the embedding page's origin */
export function hostOrigin(win) {
  if (win.parent === win) return null;
  const listed = win.location.ancestorOrigins?.[0];
  if (listed && listed !== "null") return listed;
  try {
    return new URL(win.document.referrer).origin;
  } catch {
    return null;
  }
}

/**
 * @param {Window} win
 * @param {(method: string, args: any[]) => void} onCall
 */
export function createHost(win, onCall) {
  const origin = hostOrigin(win);
  if (origin) {
    win.addEventListener("message", (event) => {
      if (event.source !== win.parent || event.origin !== origin) return;
      const call = event.data;
      if (call?.[MARK] !== "call" || typeof call.method !== "string" || !Array.isArray(call.args)) return;
      onCall(call.method, call.args);
    });
  }
  return {
    embedded: origin !== null,
    origin,
    /** @param {string} name @param {Record<string, unknown>} [detail] plain data */
    emit(name, detail = {}) {
      if (origin) win.parent.postMessage({ [MARK]: "event", name, detail }, origin);
    },
  };
}

/** @typedef {ReturnType<typeof createHost>} Host */
