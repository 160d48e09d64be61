// The calls beside the socket: images, earlier lines, messages left for later, the transcript. Used by app.js.
// Each carries the visitor's token in a header, and none of them retries by itself but for a token that ran out.

/** What the visitor is told instead of a result. */
export class ApiError extends Error {
  /** @param {string} code a protocol error code, or "network" @param {string} [message] in the visitor's language */
  constructor(code, message = "") {
    super(message);
    this.code = code;
  }
}

/**
 * @param {object} options
 * @param {import("./session.js").Session} options.session
 * @param {typeof fetch} options.fetch
 */
export function createApi({ session, fetch }) {
  /** @param {string} path @param {RequestInit} init @param {boolean} [isLast] @returns {Promise<Response>} rejects with ApiError */
  const call = async (path, init, isLast = false) => {
    let token = "";
    let response;
    try {
      token = await session.token();
      response = await fetch(`/api/v1/client/${path}`, {
        credentials: "omit",
        ...init,
        headers: { ...init.headers, Authorization: `Bearer ${token}` },
      });
    } catch {
      throw new ApiError("network");
    }
    if (response.ok) return response;
    if (response.status === 401 && !isLast) {
      session.reject(token);
      return call(path, init, true);
    }
    const problem = await response.json().catch(() => ({}));
    throw new ApiError(String(problem?.code ?? "unavailable"), String(problem?.message ?? problem?.detail ?? ""));
  };

  /** @param {object} body @returns {RequestInit} */
  const json = (body) => ({ method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });

  return {
    /** @param {Blob} image @param {string} name @returns {Promise<import("./wire.js").Attachment>} */
    async upload(image, name) {
      const body = new FormData();
      body.append("file", image, name);
      return (await call("attachments", { method: "POST", body })).json();
    },
    /** An address that works again. @param {string} id @returns {Promise<string>} */
    async address(id) {
      return (await (await call(`attachments/${encodeURIComponent(id)}`, {})).json()).url;
    },
    /** @param {string | null} before where the page before this one ended @returns {Promise<{ messages: import("./wire.js").Message[], before: string | null }>} */
    async history(before) {
      const query = before === null ? "" : `?before=${encodeURIComponent(before)}`;
      const page = await (await call(`history${query}`, {})).json();
      return { messages: page.messages ?? [], before: page.before === null || page.before === undefined ? null : String(page.before) };
    },
    /** @returns {Promise<Blob>} */
    transcript: async () => (await call("transcript", {})).blob(),
    /** @param {{ client_id: string, text: string, contact?: Record<string, string> }} message */
    leave: async (message) => void (await call("leave", json(message))),
    logout: async () => void (await call("logout", json({}))),
  };
}

/** @typedef {ReturnType<typeof createApi>} Api */
