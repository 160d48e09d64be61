// Stand-ins for what a browser gives: a clock that moves when told, sockets whose other end is the test, and fetch.

export function createClock() {
  let now = 1_000_000;
  let serial = 0;
  /** @type {Map<number, { at: number, task: () => void }>} */
  const timers = new Map();
  const settle = async () => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  return {
    now: () => now,
    setTimeout(task, ms) {
      serial += 1;
      timers.set(serial, { at: now + ms, task });
      return serial;
    },
    clearTimeout: (timer) => void timers.delete(timer),
    settle,
    /** Lets `ms` go by, running what falls due in its order. */
    async pass(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const due = [...timers].filter(([, timer]) => timer.at <= end).sort((a, b) => a[1].at - b[1].at || a[0] - b[0])[0];
        if (!due) break;
        timers.delete(due[0]);
        now = Math.max(now, due[1].at);
        due[1].task();
        await settle();
      }
      now = end;
      await settle();
    },
  };
}

/** The class to hand to Connection, and the list of sockets it made. */
export function createSockets() {
  /** @type {any[]} */
  const sockets = [];
  class FakeSocket {
    readyState = 0;
    sent = [];
    constructor(url, protocol) {
      Object.assign(this, { url, protocol });
      sockets.push(this);
    }
    send(data) {
      if (this.readyState !== 1) throw new Error("not open");
      this.sent.push(JSON.parse(data));
    }
    close() {
      this.readyState = 3;
      this.wasLeft = true;
    }
    // What the server's side does:
    accept() {
      this.readyState = 1;
      this.onopen?.({});
    }
    push(frame) {
      this.onmessage?.({ data: typeof frame === "string" ? frame : JSON.stringify(frame) });
    }
    drop(code = 1006) {
      this.readyState = 3;
      this.onclose?.({ code });
    }
    frames(type) {
      return this.sent.filter((frame) => frame.type === type);
    }
  }
  return { FakeSocket, sockets, last: () => sockets.at(-1) };
}

/** Answers are taken from the front of the list; each is a body, or `{ status, body }`, or an Error to throw. */
export function createFetch(answers) {
  const asked = [];
  const fetch = async (url, init) => {
    asked.push({ url, body: JSON.parse(init.body), headers: init.headers });
    const answer = answers.shift();
    if (answer === undefined) throw new Error("no answer left");
    if (answer instanceof Error) throw answer;
    const { status = 201, body = answer, headers = {} } = "status" in answer ? answer : {};
    return { ok: status < 400, status, json: async () => body, headers: { get: (name) => headers[name] ?? null } };
  };
  return { fetch, asked };
}

export const record = (token, visitorId = "v1") => ({
  token,
  visitor_id: visitorId,
  expires_at: "2100-01-01T00:00:00Z",
  inbox: { name: "shop", quick_questions: [] },
});
