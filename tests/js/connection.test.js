import assert from "node:assert/strict";
import { test } from "node:test";

import { backoffMs } from "../../chat/static/chat/widget/backoff.js";
import { Connection } from "../../chat/static/chat/widget/connection.js";
import { createSession } from "../../chat/static/chat/widget/session.js";
import { createMemory, memoryStorage } from "../../chat/static/chat/widget/storage.js";
import { createStore } from "../../chat/static/chat/widget/store.js";
import { createClock, createFetch, createSockets, record } from "./fakes.js";

const ready = (fields = {}) => ({ type: "ready", conversation_id: "c1", seq: 0, state: "bot", owner: "bot", messages: [], ...fields });
const row = (seq, clientId) => ({ seq, id: `m${seq}`, role: "visitor", text: "hi", at: "2026-01-31T08:15:00.000Z", client_id: clientId });

/** A widget without a face. `answers` are those of the session endpoint. */
function build({ answers = [record("tok-1")], storage = memoryStorage(), random = 0.5, clock = createClock() } = {}) {
  const { FakeSocket, sockets, last } = createSockets();
  const { fetch, asked } = createFetch(answers);
  const memory = createMemory(storage, "ib_test");
  const store = createStore();
  const session = createSession({
    url: "/sessions",
    inboxKey: "ib_test",
    locale: () => "zh-CN",
    memory,
    fetch,
    now: clock.now,
    onSession() {},
    onProblem() {},
  });
  let ids = 0;
  const env = { ...clock, WebSocket: FakeSocket, random: () => random, newId: () => `id-${(ids += 1)}` };
  const connection = new Connection({ url: "ws://test/ws/client/", session, memory, store, env });
  return { connection, store, memory, storage, clock, sockets, last, asked, pending: () => store.get().pending };
}

/** Started, welcomed and idle. */
async function online(options) {
  const widget = build(options);
  widget.connection.start();
  await widget.clock.settle();
  widget.last().accept();
  widget.last().push(ready());
  return widget;
}

/** Waits for the next socket, accepts and welcomes it. */
async function comeBack(widget, frame = ready()) {
  const count = widget.sockets.length;
  for (let passed = 0; passed < 31_000 && widget.sockets.length === count; passed += 100) await widget.clock.pass(100);
  assert.ok(widget.sockets.length > count, "a new socket was expected");
  widget.last().accept();
  widget.last().push(frame);
}

test("says hello with the token, over the right protocol, and nothing before ready", async () => {
  const widget = build();
  widget.connection.start();
  widget.connection.sendMessage("hi");
  await widget.clock.settle();
  const socket = widget.last();
  assert.equal(socket.protocol, "yingda.v1");
  assert.equal(socket.url.includes("tok"), false);
  socket.accept();
  assert.deepEqual(socket.sent, [{ type: "hello", token: "tok-1", after_seq: 0 }]);
  socket.push(ready());
  assert.deepEqual(socket.sent.slice(1), [{ type: "message.send", client_id: "id-1", text: "hi" }]);
  assert.equal(widget.store.get().link, "online");
});

test("a line is kept until it is acked, and not a moment longer", async () => {
  const widget = await online();
  widget.connection.sendMessage("hi");
  assert.deepEqual(widget.memory.lines().map((line) => line.client_id), ["id-1"]);
  widget.last().push({ type: "ack", client_id: "id-1", seq: 1 });
  assert.deepEqual(widget.memory.lines(), []);
  assert.equal(widget.pending()[0].status, "acked");
});

test("unacked lines go again after a reconnect, in order, under the same ids", async () => {
  const widget = await online();
  widget.connection.sendMessage("one");
  widget.connection.sendMessage("two");
  widget.last().push({ type: "ack", client_id: "id-1", seq: 1 });
  widget.last().push({ type: "message", ...row(1, "id-1") });
  widget.last().drop();
  assert.equal(widget.store.get().link, "reconnecting");
  widget.connection.sendMessage("three");
  await comeBack(widget, ready({ seq: 1 }));
  assert.deepEqual(widget.last().frames("message.send").map((f) => [f.client_id, f.text]), [["id-2", "two"], ["id-3", "three"]]);
  assert.equal(widget.last().frames("hello")[0].after_seq, 1);
});

test("a line whose ack was lost is known by its row and not sent again", async () => {
  const widget = await online();
  widget.connection.sendMessage("hi");
  widget.last().drop();
  await comeBack(widget, ready({ seq: 1, messages: [row(1, "id-1")] }));
  assert.deepEqual(widget.last().frames("message.send"), []);
  assert.deepEqual(widget.memory.lines(), []);
});

test("a reload sends what the page before could not", async () => {
  const first = await online();
  first.last().drop();
  first.connection.sendMessage("hi");
  const second = await online({ storage: first.storage, answers: [] });
  assert.deepEqual(second.last().frames("message.send").map((f) => f.client_id), ["id-1"]);
  assert.equal(second.last().frames("hello")[0].token, "tok-1", "the session is remembered, too");
});

test("no ack in ten seconds: the line goes again; still none: so does the socket", async () => {
  const widget = await online();
  const socket = widget.last();
  widget.connection.sendMessage("hi");
  const talk = setTalk(widget, socket);
  await talk(16_000);
  assert.equal(socket.frames("message.send").length, 2);
  await talk(45_000);
  assert.ok(socket.wasLeft);
});

/** Time goes by on a socket that is alive but deaf to messages. */
function setTalk(widget, socket) {
  return async (ms) => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      await widget.clock.pass(1_000);
      if (!socket.wasLeft) socket.push({ type: "heartbeat", seq: 0 });
    }
  };
}

test("asked to wait, it waits, says so, and then sends", async () => {
  for (const withId of [true, false]) {
    const widget = await online();
    widget.connection.sendMessage("hi");
    const id = withId ? { client_id: "id-1" } : {};
    widget.last().push({ type: "error", code: "rate_limited", message: "slow", retry_after_ms: 4_000, ...id });
    assert.equal(widget.pending()[0].status, "waiting");
    await widget.clock.pass(3_000);
    assert.equal(widget.last().frames("message.send").length, 1);
    await widget.clock.pass(2_000);
    assert.equal(widget.last().frames("message.send").length, 2);
  }
});

test("a refused line is marked with the server's words; trying again takes a new id", async () => {
  const widget = await online();
  widget.connection.sendMessage("hi");
  widget.last().push({ type: "error", code: "conflict", message: "重复", client_id: "id-1" });
  assert.deepEqual([widget.pending()[0].status, widget.pending()[0].error], ["failed", "重复"]);
  assert.deepEqual(widget.memory.lines(), []);
  widget.connection.resend("id-1");
  assert.deepEqual(widget.pending().map((p) => [p.client_id, p.status]), [["id-2", "sending"]]);
});

test("an error about nothing in particular is shown, and passes", async () => {
  const widget = await online();
  widget.last().push({ type: "error", code: "not_found", message: "没有找到" });
  assert.equal(widget.store.get().error.message, "没有找到");
  widget.connection.sendMessage("hi");
  assert.equal(widget.store.get().error, null);
});

test("behind the heartbeat: sync, once, after a moment in which the gap may close", async () => {
  const widget = await online();
  widget.last().push({ type: "heartbeat", seq: 2 });
  assert.deepEqual(widget.last().frames("sync"), []);
  await widget.clock.pass(300);
  assert.deepEqual(widget.last().frames("sync"), [{ type: "sync", after_seq: 0 }]);
  widget.last().push(ready({ seq: 2, messages: [row(1, "x"), row(2, "y")] }));
  await widget.clock.pass(5_000);
  assert.equal(widget.last().frames("sync").length, 1);

  widget.last().push({ type: "message", ...row(4, "z") });
  widget.last().push({ type: "message", ...row(3, "w") });
  await widget.clock.pass(5_000);
  assert.equal(widget.last().frames("sync").length, 1, "it closed by itself");
});

test("a server that never catches up is asked every two seconds at most", async () => {
  const widget = await online();
  for (let second = 0; second < 10; second += 1) {
    widget.last().push({ type: "heartbeat", seq: 9 });
    await widget.clock.pass(1_000);
  }
  assert.ok(widget.last().frames("sync").length <= 6);
});

test("silence is broken by a ping, and after 45 seconds the socket is left", async () => {
  const widget = await online();
  const socket = widget.last();
  await widget.clock.pass(26_000);
  assert.ok(socket.frames("ping").length >= 1);
  await widget.clock.pass(15_000);
  assert.ok(!socket.wasLeft);
  await widget.clock.pass(10_000);
  assert.ok(socket.wasLeft);
  assert.equal(widget.sockets.length, 2);
});

test("a page that wakes up finds out within seconds whether its socket still lives", async () => {
  const alive = await online();
  alive.connection.wake();
  alive.last().push({ type: "pong" });
  await alive.clock.pass(10_000);
  assert.equal(alive.sockets.length, 1);

  const dead = await online();
  dead.connection.wake();
  await dead.clock.pass(6_500);
  assert.ok(dead.sockets[0].wasLeft);
  assert.equal(dead.sockets.length, 2);
});

test("a socket that opens but never gets ready is given up", async () => {
  const widget = build();
  widget.connection.start();
  await widget.clock.settle();
  widget.last().accept();
  await widget.clock.pass(17_000);
  assert.ok(widget.sockets[0].wasLeft);
  assert.equal(widget.sockets.length, 2);
});

test("4401 brings a new token by resume; a second refusal in a row waits longer", async () => {
  const widget = await online({ answers: [record("tok-1"), record("tok-2"), record("tok-3")] });
  widget.last().drop(4401);
  await widget.clock.pass(1_000);
  assert.equal(widget.asked[1].body.resume, "tok-1");
  widget.last().accept();
  assert.equal(widget.last().sent[0].token, "tok-2");
  const before = widget.clock.now();
  widget.last().drop(4401);
  await widget.clock.pass(900);
  assert.equal(widget.sockets.length, 2);
  await widget.clock.pass(1_000);
  assert.equal(widget.sockets.length, 3, `after ${widget.clock.now() - before} ms`);
});

test("4400 and 4403 stop it for good, until the visitor asks again", async () => {
  for (const [code, reason] of [[4400, "invalid_frame"], [4403, "forbidden_origin"]]) {
    const widget = await online();
    widget.last().drop(code);
    await widget.clock.pass(120_000);
    assert.equal(widget.sockets.length, 1);
    assert.equal(widget.store.get().link, "stopped");
    assert.equal(widget.store.get().stopped.code, reason);
    widget.connection.start();
    await widget.clock.settle();
    assert.equal(widget.sockets.length, 2);
  }
});

test("a restarting server is given up to four seconds, spread by chance", async () => {
  const times = [];
  for (const random of [0, 0.5, 0.999]) {
    const widget = await online({ random });
    const from = widget.clock.now();
    widget.last().drop(1012);
    while (widget.sockets.length < 2) await widget.clock.pass(50);
    times.push(widget.clock.now() - from);
  }
  assert.ok(times[0] <= 150 && times[1] > 1_000 && times[2] > 3_000 && times[2] <= 4_100, String(times));
});

test("the wait between attempts grows to thirty seconds and starts small", () => {
  assert.equal(backoffMs(0, 0), 100);
  assert.equal(backoffMs(0, 0.999), 999);
  assert.equal(backoffMs(3, 0.5), 2_000);
  assert.equal(backoffMs(6, 0.5), 4_000);
  assert.equal(backoffMs(50, 1), 30_000);
  assert.equal(backoffMs(0, 0.5, 10_000), 10_500);
});

test("offline is said at once and left as soon as the network is back", async () => {
  const widget = await online();
  widget.connection.lost();
  assert.equal(widget.store.get().link, "offline");
  await widget.clock.pass(2_000);
  widget.last().drop();
  assert.equal(widget.store.get().link, "offline");
  widget.connection.wake();
  assert.equal(widget.store.get().link, "reconnecting");
  await widget.clock.pass(400);
  widget.last().accept();
  widget.last().push(ready());
  assert.equal(widget.store.get().link, "online");
});

test("a late close of a socket that was left changes nothing", async () => {
  const widget = await online();
  const old = widget.last();
  widget.connection.lost();
  await comeBack(widget);
  old.drop(4403);
  old.push({ type: "message", ...row(1, "ghost") });
  assert.equal(widget.store.get().link, "online");
  assert.deepEqual(widget.store.get().messages, []);
});

test("a wish for a person made offline is passed on when there is a way", async () => {
  const widget = await online();
  widget.connection.lost();
  widget.connection.requestHuman();
  await comeBack(widget);
  assert.equal(widget.last().frames("human.request").length, 1);
  widget.last().push({ type: "state", state: "queued", owner: "queue", queue: { position: 1 } });
  assert.equal(widget.store.get().humanRequested, false);
});

test("a token renewed over the socket is the one used next", async () => {
  const widget = await online();
  widget.last().push(ready({ token: "tok-9" }));
  widget.last().drop();
  await comeBack(widget);
  assert.equal(widget.last().sent[0].token, "tok-9");
});

test("what is not a frame is passed over", async () => {
  const widget = await online();
  for (const junk of ["", "no json", "null", "[]", '{"type":"new.kind"}', '{"type":"message"}', '{"type":"toString"}', '{"type":"ready","messages":[{}]}']) {
    widget.last().push(junk);
  }
  widget.last().onmessage({ data: new ArrayBuffer(4) });
  assert.deepEqual(widget.store.get().messages, []);
  assert.equal(widget.store.get().link, "online");
});

test("what the page says of itself is told now and on every later socket", async () => {
  const widget = await online();
  widget.connection.setContext({ product: { name: "lamp" } });
  widget.connection.setContext({ page: "/cart" });
  assert.deepEqual(widget.last().frames("context.set"), [{ type: "context.set", product: { name: "lamp" } }, { type: "context.set", page: "/cart" }]);
  widget.last().drop();
  await comeBack(widget);
  assert.deepEqual(widget.last().frames("context.set"), [{ type: "context.set", product: { name: "lamp" }, page: "/cart" }]);
});

test("an answer to a card goes as a choice, with its words on screen, and again after a refusal", async () => {
  const widget = await online();
  widget.last().push({ type: "message", seq: 1, id: "m1", role: "bot", text: "sure?", at: "2026-01-31T08:15:00.000Z" });
  widget.connection.sendMessage("Confirm", { message_seq: 1, value: "yes:abc" });
  assert.deepEqual(widget.last().frames("choice"), [{ type: "choice", client_id: "id-1", message_seq: 1, value: "yes:abc" }]);
  assert.equal(widget.pending()[0].text, "Confirm");
  assert.equal(widget.store.get().chosen[1], "yes:abc");
  widget.last().push({ type: "error", code: "not_found", message: "gone", client_id: "id-1" });
  assert.equal(widget.store.get().chosen[1], undefined);
  widget.connection.resend("id-1");
  assert.deepEqual(widget.last().frames("choice").at(-1), { type: "choice", client_id: "id-2", message_seq: 1, value: "yes:abc" });
});

test("images go by their ids and are kept with the line over a reload", async () => {
  const widget = await online();
  const attachments = [{ id: "a1", url: "/media/a1", width: 4, height: 3 }];
  widget.connection.sendMessage("", { attachments });
  assert.deepEqual(widget.last().frames("message.send"), [{ type: "message.send", client_id: "id-1", text: "", attachments: ["a1"] }]);
  const later = build({ storage: widget.storage });
  later.connection.start();
  assert.deepEqual(later.pending()[0].attachments, attachments);
});
