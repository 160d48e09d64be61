// Gets and keeps the visitor's token: one POST for a newcomer, `resume` for someone this browser knows.
// connection.js asks for a token before each socket; nobody else talks to the session endpoint.

/** A refusal that no further attempt will change. */
export class SessionRefused extends Error {
  /** @param {string} code a protocol error code @param {string} [message] in the visitor's language */
  constructor(code, message = "") {
    super(message);
    this.code = code;
  }
}

/** The server cannot be asked right now. */
export class SessionUnavailable extends Error {
  /** @param {number} retryAfterMs 0 when the server named no time */
  constructor(retryAfterMs = 0) {
    super("session unavailable");
    this.retryAfterMs = retryAfterMs;
  }
}

const FINAL = new Set([400, 403, 404, 422]);

/**
 * @typedef {object} SessionOptions
 * @property {string} url
 * @property {string} inboxKey
 * @property {() => string} locale
 * @property {{ version: string, origin: string }} [widget] what runs where, for the shop's staff
 * @property {import("./storage.js").Memory} memory
 * @property {typeof fetch} fetch
 * @property {{ request: (name: string, task: () => Promise<any>) => Promise<any> } | undefined} [locks]
 * @property {() => number} now milliseconds
 * @property {(record: import("./storage.js").SessionRecord, isNewVisitor: boolean) => void} onSession
 * @property {(code: string, message: string) => void} onProblem something was left out, the session stands
 */

/** @param {SessionOptions} options */
export function createSession(options) {
  const { memory, now } = options;
  /** @type {import("./storage.js").SessionRecord | null} */
  let record = memory.session();
  /** @type {string | null} */
  let rejected = null;
  /** @type {string | null} */
  let identity = null;

  /** Runs alone among the tabs of this browser, so that two first tabs become one visitor. @param {() => Promise<string>} task */
  const alone = (task) => (options.locks ? options.locks.request(`yingda:${options.inboxKey}`, task) : task());

  const usable = () => {
    const fresh = record && (!record.expires_at || Date.parse(record.expires_at) > now() + 60_000);
    return fresh && record && record.token !== rejected && !identity ? record.token : null;
  };

  /** @param {import("./storage.js").SessionRecord} next */
  const adopt = (next) => {
    const isNewVisitor = record !== null && record.visitor_id !== next.visitor_id;
    record = next;
    memory.saveSession(next);
    options.onSession(next, isNewVisitor);
  };

  const ask = async () => {
    const stored = memory.session();
    if (stored && stored.token !== record?.token && stored.token !== rejected) adopt(stored);
    const token = usable();
    if (token) return token;
    adopt(await requestSession(options, record?.token, identity));
    identity = null;
    return /** @type {import("./storage.js").SessionRecord} */ (record).token;
  };

  return {
    record: () => record,
    /**
     * A token to say hello with.
     * @returns {Promise<string>} rejects with SessionRefused or SessionUnavailable
     */
    token: async () => usable() ?? alone(ask),
    /** The server would not have this token: the next one comes by `resume`. @param {string} token */
    reject(token) {
      rejected = token;
    },
    /** The next token is to come with the inbox's texts as they are now. */
    renewSoon() {
      rejected = record?.token ?? rejected;
    },
    /** The server handed out the next token over the socket. @param {string} token */
    renew(token) {
      if (!record || record.token === token) return;
      record = { ...record, token, expires_at: null };
      memory.saveSession(record);
    },
    /** The shop vouches for the customer from the next session on. @param {string} jwt */
    identify(jwt) {
      identity = jwt;
    },
    forget() {
      record = null;
      identity = null;
      memory.forgetSession();
    },
  };
}

/** @typedef {ReturnType<typeof createSession>} Session */

/**
 * @param {SessionOptions} options
 * @param {string | undefined} resume
 * @param {string | null} identity
 * @returns {Promise<import("./storage.js").SessionRecord>}
 */
async function requestSession(options, resume, identity) {
  const { widget } = options;
  const body = { inbox: options.inboxKey, locale: options.locale(), ...(widget && { widget }), ...(resume && { resume }), ...(identity && { identity }) };
  const response = await post(options, body);
  if (response.ok) return readRecord(response, body.locale);
  const problem = await readProblem(response);
  if (identity && problem.code === "identity_invalid") {
    options.onProblem(problem.code, problem.message);
    return requestSession(options, resume, null);
  }
  // A token from another life of the server names nobody; start again as a newcomer.
  if (resume && problem.code !== "forbidden_origin" && (response.status === 401 || FINAL.has(response.status))) {
    return requestSession(options, undefined, identity);
  }
  if (FINAL.has(response.status)) throw new SessionRefused(problem.code, problem.message);
  throw new SessionUnavailable(problem.retryAfterMs);
}

/** @param {SessionOptions} options @param {object} body */
async function post(options, body) {
  try {
    return await options.fetch(options.url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      credentials: "omit",
      body: JSON.stringify(body),
    });
  } catch {
    throw new SessionUnavailable();
  }
}

/** @param {Response} response @param {string} locale asked for @returns {Promise<import("./storage.js").SessionRecord>} */
async function readRecord(response, locale) {
  const body = await response.json().catch(() => null);
  if (typeof body?.token !== "string") throw new SessionUnavailable();
  return {
    spoken: locale,
    token: body.token,
    visitor_id: String(body.visitor_id ?? ""),
    expires_at: body.expires_at ?? null,
    inbox: body.inbox ?? {},
  };
}

/** @param {Response} response */
async function readProblem(response) {
  const body = await response.json().catch(() => ({}));
  const seconds = Number(response.headers.get("Retry-After"));
  return {
    code: String(body?.code ?? (response.status === 403 ? "forbidden_origin" : response.status === 404 ? "not_found" : "unavailable")),
    message: String(body?.message ?? body?.detail ?? ""),
    retryAfterMs: body?.retry_after_ms ?? (seconds > 0 ? seconds * 1000 : 0),
  };
}
