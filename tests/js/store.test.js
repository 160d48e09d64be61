import assert from "node:assert/strict";
import { test } from "node:test";

import { afterSeq, createStore, initialState, reduce } from "../../chat/static/chat/widget/store.js";
import { timeline } from "../../chat/static/chat/widget/timeline.js";
import { createRandom, createServer, shuffled } from "./model.js";

const ready = (fields = {}) => ({
  type: "ready",
  conversation_id: "c1",
  seq: 0,
  state: "bot",
  owner: "bot",
  messages: [],
  ...fields,
});
const line = (seq, fields = {}) => ({ seq, id: `m${seq}`, role: "visitor", text: `line ${seq}`, at: "2026-01-31T08:15:00.000Z", ...fields });
const message = (seq, fields = {}) => ({ type: "message", ...line(seq, fields) });
const delta = (offset, text, turn_id = "t1") => ({ type: "delta", turn_id, n: offset, offset, text });

/** The state after these frames (or typed lines). */
function after(...steps) {
  return steps.reduce((state, step) => reduce(state, "typed" in step ? { type: "send", ...step.typed } : { type: "frame", frame: step }), initialState());
}

/** What a visitor can tell apart. */
function seen(state) {
  const { conversationId, shown, owner, agent, queue, turns, partials, pending, typing, messages, needsSync, agentRead } = state;
  return { conversationId, shown, owner, agent, queue, turns, partials, pending, typing, messages, needsSync, agentRead, lines: timeline(state) };
}

const texts = (state) => timeline(state).map((item) => (item.kind === "partial" ? `…${item.text}` : item[item.kind].text));

test("rows are kept in order of seq, once each", () => {
  const state = after(ready(), message(2), message(1), message(2));
  assert.deepEqual(state.messages.map((m) => m.seq), [1, 2]);
  assert.equal(afterSeq(state), 2);
});

test("a gap asks for a sync from the last line before it", () => {
  const state = after(ready(), message(1), message(3));
  assert.equal(state.needsSync, true);
  assert.equal(afterSeq(state), 1);
  assert.equal(after(ready(), message(1), message(3), message(2)).upTo, 3);
});

test("a heartbeat ahead of us asks for a sync", () => {
  assert.equal(after(ready(), message(1), { type: "heartbeat", seq: 1 }).needsSync, false);
  assert.equal(after(ready(), message(1), { type: "heartbeat", seq: 2 }).needsSync, true);
});

test("seqs that the server leaves out of ready do not ask for a sync for ever", () => {
  const state = after(ready({ seq: 5, messages: [line(1), line(4)] }));
  assert.equal(state.needsSync, true, "the answer ends before the end it names: there may be more");
  assert.equal(afterSeq(state), 4);
  const next = reduce(state, { type: "frame", frame: ready({ seq: 5 }) });
  assert.equal(next.needsSync, false);
  assert.equal(afterSeq(next), 5);
});

test("a typed line is shown at once and becomes the row without moving", () => {
  let state = after(ready(), { typed: { client_id: "a", text: "hi", at: 1 } });
  const [pending] = timeline(state);
  assert.equal(pending.kind, "pending");
  state = reduce(state, { type: "frame", frame: { type: "ack", client_id: "a", seq: 1, turn_id: "t1" } });
  state = reduce(state, { type: "frame", frame: message(1, { client_id: "a", text: "hi" }) });
  const [stored] = timeline(state);
  assert.equal(stored.kind, "message");
  assert.equal(stored.key, pending.key);
  assert.deepEqual(state.pending, []);
});

test("a row that comes before its ack, or in a ready, confirms the line as well", () => {
  const typed = { typed: { client_id: "a", text: "hi", at: 1 } };
  assert.deepEqual(after(ready(), typed, message(1, { client_id: "a" }), { type: "ack", client_id: "a", seq: 1 }).pending, []);
  assert.deepEqual(after(typed, ready({ seq: 1, messages: [line(1, { client_id: "a" })] })).pending, []);
});

test("a refused line stays, marked, and can be discarded", () => {
  let state = after(ready(), { typed: { client_id: "a", text: "hi", at: 1 } });
  state = reduce(state, { type: "refused", client_id: "a", error: "too long" });
  assert.deepEqual(state.pending[0], { client_id: "a", text: "hi", at: 1, status: "failed", error: "too long" });
  assert.deepEqual(reduce(state, { type: "discard", client_id: "a" }).pending, []);
});

test("deltas join into text, repeated ones are dropped, overlapping ones are cut", () => {
  assert.deepEqual(texts(after(ready(), delta(0, "ab"), delta(2, "cd"), delta(2, "cd"), delta(3, "de"))), ["…abcde"]);
});

test("offsets count characters, not the units of JavaScript", () => {
  const state = after(ready(), delta(0, "😀a"), delta(2, "b"), delta(1, "ab😀c"));
  assert.deepEqual(texts(state), ["…😀ab😀c"]);
  assert.equal(state.partials.t1.chars, 5);
});

test("a missing delta asks for a sync, and the partial of ready heals it", () => {
  let state = after(ready(), delta(0, "ab"), delta(4, "ef"));
  assert.equal(state.needsSync, true);
  assert.deepEqual(texts(state), ["…ab"]);
  state = reduce(state, { type: "frame", frame: ready({ partial: { turn_id: "t1", offset: 0, text: "abcdef" } }) });
  state = reduce(state, { type: "frame", frame: delta(6, "g") });
  assert.deepEqual(texts(state), ["…abcdefg"]);
  assert.equal(state.needsSync, false);
});

test("offset 0 starts the text over", () => {
  assert.deepEqual(texts(after(ready(), delta(0, "ab"), delta(2, "c"), delta(0, "xy"))), ["…xy"]);
});

test("the answer takes the place and the key of what was streamed", () => {
  const streaming = after(ready(), delta(0, "ab"));
  const done = reduce(streaming, { type: "frame", frame: message(1, { role: "bot", turn_id: "t1", text: "abc" }) });
  assert.deepEqual(texts(done), ["abc"]);
  assert.equal(timeline(done)[0].key, timeline(streaming)[0].key);
  for (const late of [delta(0, "ab"), delta(2, "c"), { type: "turn", turn_id: "t1", state: "running" }]) {
    const state = reduce(done, { type: "frame", frame: late });
    assert.deepEqual([texts(state), state.needsSync], [["abc"], false]);
  }
});

test("a turn that was superseded or failed leaves nothing behind, not even by a late delta", () => {
  for (const state of ["superseded", "failed"]) {
    assert.deepEqual(texts(after(ready(), delta(0, "ab"), { type: "turn", turn_id: "t1", state }, delta(2, "c"), delta(0, "a"))), []);
  }
});

test("what the bot was saying goes when a person takes over", () => {
  const taken = { type: "state", state: "agent", owner: "agent", agent: { name: "小禾" } };
  const state = after(ready(), delta(0, "ab"), taken, delta(2, "c"));
  assert.deepEqual(texts(state), []);
  assert.equal(state.agent.name, "小禾");
});

test("a waiting turn is shown as thinking; of two turns the one that speaks is shown", () => {
  const queued = (turn_id) => ({ type: "turn", turn_id, state: "queued" });
  assert.deepEqual(texts(after(ready(), queued("t1"))), ["…"]);
  assert.deepEqual(texts(after(ready(), delta(0, "ab", "t1"), queued("t2"))), ["…ab"]);
});

test("another conversation in ready replaces the one on screen and asks from its start", () => {
  const before = after(ready({ seq: 3, messages: [line(1), line(2), line(3)] }));
  const moved = reduce(before, { type: "frame", frame: ready({ conversation_id: "c2", seq: 4, messages: [line(4, { id: "n4" })] }) });
  assert.equal(moved.needsSync, true);
  assert.equal(afterSeq(moved), 0);
  const whole = ready({ conversation_id: "c2", seq: 4, messages: [1, 2, 3, 4].map((seq) => line(seq, { id: `n${seq}` })) });
  assert.deepEqual(seen(reduce(moved, { type: "frame", frame: whole })), seen(after(whole)));
});

test("a known seq with another row gives the conversation away as another", () => {
  const state = after(ready({ seq: 2, messages: [line(1), line(2)] }), message(1, { id: "other" }));
  assert.equal(state.needsSync, true);
  assert.equal(afterSeq(state), 0);
});

test("the offer to resume goes as soon as the visitor writes", () => {
  const offered = after(ready({ resume_prompt: "如需继续上次查询,请回复1" }));
  assert.equal(offered.resumePrompt, "如需继续上次查询,请回复1");
  assert.equal(reduce(offered, { type: "send", client_id: "a", text: "1", at: 1 }).resumePrompt, null);
});

test("what a listener dispatches is told after the change it heard of", () => {
  const store = createStore();
  const told = [];
  store.subscribe((state) => {
    if (state.link === "online") store.dispatch({ type: "link", link: "offline" });
  });
  store.subscribe((state, before) => told.push([before.link, state.link]));
  store.dispatch({ type: "link", link: "online" });
  assert.deepEqual(told, [["starting", "online"], ["online", "offline"]]);
});

test("any order, loss and repetition of frames, followed by sync, shows what a fresh load shows", () => {
  for (let seed = 1; seed <= 1500; seed += 1) {
    const random = createRandom(seed);
    // Rows that do not say whose they are can be told apart only within one conversation.
    const server = createServer(random, { manyConversations: seed % 2 === 0 });
    server.live(5 + Math.floor(random() * 40));
    const received = distorted(random, server.history);
    let state = after(...received);
    let rounds = 0;
    do {
      state = reduce(state, { type: "frame", frame: server.ready(afterSeq(state)) });
      rounds += 1;
    } while (state.needsSync && rounds < 4);
    const fresh = after(server.ready(0));
    const unsent = state.pending.filter((p) => !server.rows().some((row) => row.client_id === p.client_id));
    assert.deepEqual(seen({ ...state, pending: state.pending.filter((p) => !unsent.includes(p)) }), seen(fresh), `seed ${seed}`);
  }
});

/** Some frames lost, some doubled, the order more or less broken; nothing answers a line before it is typed. */
function distorted(random, history) {
  const [loss, doubling, disorder] = [random() * 0.6, random() * 0.4, random()];
  const kept = history.flatMap((entry) => {
    if (entry.typed) return [entry];
    if (random() < loss) return [];
    return random() < doubling ? [entry.frame, entry.frame] : [entry.frame];
  });
  if (random() >= disorder) return kept;
  return [...kept.filter((step) => step.typed), ...shuffled(random, kept.filter((step) => !step.typed))];
}
