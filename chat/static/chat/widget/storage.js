// What this browser remembers for one inbox: the session, and the lines the server has not confirmed yet.
// Browsers that block storage in frames get the same interface backed by memory, for the life of the page.

/**
 * @typedef {object} SessionRecord
 * @property {string} token
 * @property {string} visitor_id
 * @property {string | null} expires_at ISO 8601; null when renewed over the socket
 * @property {import("./wire.js").Inbox} inbox
 * @property {string} [spoken] the language of the inbox's texts
 *
 * @typedef {import("./store.js").Line} Line
 * @typedef {Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">} KeyValue
 */

/** The browser's storage if it may be used, else memory. @param {() => KeyValue} open @returns {KeyValue} */
export function openStorage(open) {
  const probe = "yingda:probe";
  try {
    const storage = open();
    storage.setItem(probe, "1");
    storage.removeItem(probe);
    return storage;
  } catch {
    return memoryStorage();
  }
}

/** @returns {KeyValue} */
export function memoryStorage() {
  /** @type {Map<string, string>} */
  const map = new Map();
  return {
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => void map.set(key, value),
    removeItem: (key) => void map.delete(key),
    key: (index) => [...map.keys()][index] ?? null,
    get length() {
      return map.size;
    },
  };
}

/**
 * Whether this browser's owner has agreed that something is kept, and the way to say so.
 * Apart from the rest: before it is given nothing at all is written.
 * @param {() => KeyValue} open @param {string} inboxKey
 */
export function createConsent(open, inboxKey) {
  const key = `yingda:${inboxKey}:consent`;
  return {
    isGiven() {
      try {
        return open().getItem(key) !== null;
      } catch {
        return false;
      }
    },
    give() {
      try {
        open().setItem(key, "1");
      } catch {
        // Without storage the question comes again with the next page.
      }
    },
  };
}

/** @param {KeyValue} storage @param {string} inboxKey */
export function createMemory(storage, inboxKey) {
  const sessionKey = `yingda:${inboxKey}:session`;
  // One key per line, so that two tabs never overwrite each other's list.
  const linePrefix = `yingda:${inboxKey}:line:`;
  const muteKey = `yingda:${inboxKey}:mute`;

  return {
    /** @returns {SessionRecord | null} */
    session: () => readJson(storage, sessionKey),
    /** @param {SessionRecord} record */
    saveSession: (record) => write(storage, sessionKey, record),
    forgetSession: () => storage.removeItem(sessionKey),

    /** @returns {Line[]} oldest first */
    lines() {
      const keys = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "");
      const lines = keys.filter((key) => key.startsWith(linePrefix)).map((key) => readJson(storage, key));
      return lines.filter(isLine).sort((a, b) => a.at - b.at);
    },
    /** @param {Line} line */
    keepLine: (line) => write(storage, linePrefix + line.client_id, line),
    /** @param {string} clientId */
    dropLine: (clientId) => storage.removeItem(linePrefix + clientId),

    isMute: () => readJson(storage, muteKey) === true,
    /** @param {boolean} mute */
    setMute: (mute) => write(storage, muteKey, mute),
  };
}

/** @typedef {ReturnType<typeof createMemory>} Memory */

/** @param {any} line @returns {line is Line} */
function isLine(line) {
  return typeof line?.client_id === "string" && typeof line.text === "string" && typeof line.at === "number";
}

/** @param {KeyValue} storage @param {string} key @returns {any} */
function readJson(storage, key) {
  try {
    return JSON.parse(storage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}

/** @param {KeyValue} storage @param {string} key @param {unknown} value */
function write(storage, key, value) {
  try {
    storage.setItem(key, JSON.stringify(value));
  } catch {
    // A full storage costs the memory over a reload, not the conversation.
  }
}
