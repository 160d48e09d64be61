import assert from "node:assert/strict";
import { test } from "node:test";

import { SessionRefused, SessionUnavailable, createSession } from "../../chat/static/chat/widget/session.js";
import { createMemory, memoryStorage, openStorage } from "../../chat/static/chat/widget/storage.js";
import { createFetch, record } from "./fakes.js";

const NOW = Date.parse("2026-01-31T08:00:00Z");

function build({ answers = [], storage = memoryStorage(), locks, now = () => NOW } = {}) {
  const { fetch, asked } = createFetch(answers);
  const sessions = [];
  const problems = [];
  const session = createSession({
    url: "/sessions",
    inboxKey: "ib_test",
    locale: () => "en",
    memory: createMemory(storage, "ib_test"),
    fetch,
    locks,
    now,
    onSession: (next, isNewVisitor) => sessions.push([next.visitor_id, isNewVisitor]),
    onProblem: (code) => problems.push(code),
  });
  return { session, asked, storage, sessions, problems };
}

/** One at a time, as the browser's lock manager does it among tabs. */
function createLocks() {
  let last = Promise.resolve();
  return {
    request(_name, task) {
      last = last.then(task, task);
      return last;
    },
  };
}

test("a newcomer gets a session, and keeps it over a reload", async () => {
  const first = build({ answers: [record("tok-1")] });
  assert.equal(await first.session.token(), "tok-1");
  assert.deepEqual(first.asked[0].body, { inbox: "ib_test", locale: "en" });
  const second = build({ storage: first.storage });
  assert.equal(await second.session.token(), "tok-1");
  assert.equal(second.asked.length, 0);
});

test("an expired token is not tried, it resumes", async () => {
  const storage = memoryStorage();
  createMemory(storage, "ib_test").saveSession({ ...record("old"), expires_at: "2026-01-31T07:00:00Z" });
  const { session, asked } = build({ storage, answers: [record("new")] });
  assert.equal(await session.token(), "new");
  assert.equal(asked[0].body.resume, "old");
});

test("an earlier token that names nobody any more makes a newcomer", async () => {
  for (const status of [400, 401, 404]) {
    const storage = memoryStorage();
    createMemory(storage, "ib_test").saveSession({ ...record("old"), expires_at: "2026-01-31T07:00:00Z" });
    const { session, asked, sessions } = build({ storage, answers: [{ status, body: { code: "unauthorized" } }, record("new", "v2")] });
    assert.equal(await session.token(), "new");
    assert.equal("resume" in asked[1].body, false);
    assert.deepEqual(sessions, [["v2", true]]);
  }
});

test("two first tabs become one visitor", async () => {
  const storage = memoryStorage();
  const locks = createLocks();
  const one = build({ storage, locks, answers: [record("tok-1", "v1")] });
  const two = build({ storage, locks, answers: [record("tok-2", "v2")] });
  assert.deepEqual(await Promise.all([one.session.token(), two.session.token()]), ["tok-1", "tok-1"]);
});

test("a token that another tab renewed is taken over instead of resuming again", async () => {
  const storage = memoryStorage();
  const one = build({ storage, answers: [record("tok-1"), record("tok-2")] });
  const two = build({ storage });
  await one.session.token();
  two.session.reject("tok-1");
  one.session.reject("tok-1");
  assert.equal(await one.session.token(), "tok-2");
  assert.equal(await two.session.token(), "tok-2");
  assert.equal(two.asked.length, 0);
});

test("refusals that stay are told apart from trouble that passes", async () => {
  const forbidden = build({ answers: [{ status: 403, body: { code: "forbidden_origin", detail: "no" } }] });
  await assert.rejects(forbidden.session.token(), (error) => error instanceof SessionRefused && error.code === "forbidden_origin" && error.message === "no");
  const busy = build({ answers: [{ status: 429, body: {}, headers: { "Retry-After": "7" } }] });
  await assert.rejects(busy.session.token(), (error) => error instanceof SessionUnavailable && error.retryAfterMs === 7_000);
  for (const answer of [new TypeError("network"), { status: 500, body: {} }, { status: 200, body: "not a session" }]) {
    await assert.rejects(build({ answers: [answer] }).session.token(), SessionUnavailable);
  }
});

test("a bad identity is left out, and said", async () => {
  const { session, asked, problems } = build({ answers: [{ status: 401, body: { code: "identity_invalid" } }, record("tok-1")] });
  session.identify("forged");
  assert.equal(await session.token(), "tok-1");
  assert.equal(asked[0].body.identity, "forged");
  assert.equal("identity" in asked[1].body, false);
  assert.deepEqual(problems, ["identity_invalid"]);
});

test("where storage is blocked, memory takes its place", () => {
  const blocked = openStorage(() => {
    throw new DOMException("blocked", "SecurityError");
  });
  blocked.setItem("a", "1");
  assert.equal(blocked.getItem("a"), "1");
});

test("lines are kept one by one, oldest first, and rubbish is passed over", () => {
  const storage = memoryStorage();
  const memory = createMemory(storage, "ib_test");
  memory.keepLine({ client_id: "b", text: "two", at: 2 });
  memory.keepLine({ client_id: "a", text: "one", at: 1 });
  storage.setItem("yingda:ib_test:line:x", "{broken");
  storage.setItem("yingda:ib_test:line:y", '{"client_id":5}');
  createMemory(storage, "ib_other").keepLine({ client_id: "c", text: "elsewhere", at: 0 });
  assert.deepEqual(memory.lines().map((line) => line.text), ["one", "two"]);
  memory.dropLine("a");
  assert.deepEqual(memory.lines().map((line) => line.text), ["two"]);
});
