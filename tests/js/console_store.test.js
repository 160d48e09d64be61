/* What a console shows, frame by frame. */

import assert from "node:assert/strict";
import test from "node:test";

import { answerAfter, attachedLook } from "../../chat/static/chat/console/attached.js";
import { calledFor, colleagues, initialState, isMine, listed, reduce, servers, shown, tagsOf, upTo, wanting } from "../../chat/static/chat/console/store.js";

const ME = { id: 1, name: "小王", presence: "online" };
const entry = (id, more = {}) => ({
  conversation_id: id, inbox: "shop", visitor: { number: "A1", name: "", tier: "standard", verified: false, locale: "zh-CN" },
  owner: "queue", resolved: false, agent: null, epoch: 1, seq: 2, read_seq: 0, at: "2026-01-01T00:00:00.000Z",
  waiting_since: "2026-01-01T00:00:00.000Z", unanswered_since: null, latest: null, reasons: [], mood: null, tags: [], snoozed: false, snoozed_until: null, ...more,
});
const mine = (id, more = {}) => entry(id, { owner: "agent", agent: ME, ...more });
const place = (id) => ({ conversation_id: id, score: 0, because: [] });
const line = (seq, more = {}) => ({ type: "message", conversation_id: "a", seq, id: `m${seq}`, role: "visitor", text: "x", html: "<p>x</p>", at: "2026-01-01T00:00:00.000Z", ai: false, ...more });
const frames = (state, ...all) => all.reduce((before, frame) => reduce(before, { type: "frame", frame }), state);
const ready = (conversations, queue = []) => frames(initialState(), { type: "ready", agent: ME, agents: [ME], conversations, queue, at: "" });
const opened = () => frames(reduce(ready([mine("a")]), { type: "open", id: "a" }), {
  type: "thread", conversation_id: "a", after_seq: 0, entry: mine("a"), messages: [line(1), line(2)], notes: [], context: {}, brief: {},
});
const ids = (entries) => entries.map((one) => one.conversation_id);

test("the queue is shown in the server's order, without those who are no longer in it", () => {
  const state = ready([entry("a"), entry("b"), mine("c")], [place("b"), place("c"), place("a"), place("gone")]);
  assert.deepEqual(ids(listed(state, "queue")), ["b", "a"]);
});

test("own conversations begin with the customer who has waited longest for a word", () => {
  const state = ready([
    mine("a"), mine("b", { unanswered_since: "2026-01-01T00:02:00.000Z" }), mine("c", { unanswered_since: "2026-01-01T00:01:00.000Z" }),
    entry("d", { owner: "agent", agent: { id: 2, name: "小李", presence: "online" } }),
  ]);
  assert.deepEqual(ids(listed(state, "mine")), ["c", "b", "a"]);
});

test("what wants the agent is the queue and own conversations with something unread", () => {
  const unread = { unanswered_since: "2026-01-01T00:02:00.000Z", seq: 5, read_seq: 4 };
  assert.equal(wanting(ready([entry("a"), mine("b", unread), mine("c", { ...unread, read_seq: 5 })], [place("a")])), 2);
});

test("a resolved conversation leaves the list and stays open where it is read", () => {
  const state = frames(opened(), { type: "conversation", ...mine("a", { resolved: true }) });
  assert.deepEqual(ids(listed(state, "all")), []);
  assert.equal(state.thread.entry.resolved, true);
  assert.equal(isMine(state, state.thread.entry), false);
});

test("a line that leaves a gap, and a row that is ahead, ask for what is missing", () => {
  assert.equal(frames(opened(), line(3)).thread.gap, false);
  assert.equal(frames(opened(), line(5)).thread.gap, true);
  assert.equal(frames(opened(), { type: "conversation", ...mine("a", { seq: 4 }) }).thread.gap, true);
});

test("a line twice is one line, lines of others are none", () => {
  const state = frames(opened(), line(3), line(3), line(4, { conversation_id: "b" }));
  assert.equal(state.thread.messages.length, 3);
  assert.equal(upTo(state.thread), 3);
});

test("what the bot writes grows, ends with its line, and survives a piece that came twice", () => {
  const delta = (offset, text) => ({ type: "delta", turn_id: "t", n: 0, offset, text });
  let state = frames(opened(), delta(0, "您好😀"), delta(3, "在"), delta(3, "在"));
  assert.equal(state.thread.partial.text, "您好😀在");
  state = frames(state, line(3, { role: "bot", turn_id: "t" }));
  assert.equal(state.thread.partial, null);
});

test("a refused line stays with its reason; anything else refused is said at the top", () => {
  const sent = reduce(opened(), { type: "send", line: { client_id: "x", conversation_id: "a", kind: "reply", text: "hi", epoch: 1 } });
  const refused = frames(sent, { type: "error", code: "conflict", message: "", client_id: "x", winner: "小李" });
  assert.equal(refused.pending[0].error, "@小李");
  assert.equal(refused.error, null);
  assert.equal(frames(sent, { type: "error", code: "not_found", message: "" }).error.code, "not_found");
  assert.deepEqual(frames(sent, { type: "ok", act: "reply", conversation_id: "a", client_id: "x" }).pending, []);
});

test("a card that was answered is shown as it is now, another conversation's is left alone", () => {
  const asked = { kind: "confirm", title: "改地址？", buttons: [{ label: "确认", value: "confirm:1" }] };
  const answered = { ...asked, buttons: [], status: "confirmed" };
  const state = frames(opened(), line(3, { role: "bot", cards: [asked] }));
  const now = frames(state, { type: "cards", conversation_id: "a", message_seq: 3, cards: [answered] });
  assert.deepEqual(now.thread.messages[2].cards, [answered]);
  assert.notEqual(attachedLook(now.thread.messages[2], ""), attachedLook(state.thread.messages[2], ""));
  const elsewhere = frames(state, { type: "cards", conversation_id: "b", message_seq: 3, cards: [answered] });
  assert.deepEqual(elsewhere.thread.messages[2].cards, [asked]);
});

test("a choice is what the customer says next, not what comes after somebody else's line", () => {
  const lines = [line(1, { role: "bot" }), line(2, { text: "退货流程" }), line(3, { role: "bot" }), line(4, { role: "agent" }), line(5, { text: "好" })];
  assert.deepEqual(lines.map((_, index) => answerAfter(lines, index)), ["退货流程", "", "", "好", ""]);
});

test("a customer reads the agent's public name in their own language, also after the agent's presence changed", () => {
  const me = { ...ME, called: { zh: "小禾", en: "Customer service" } };
  const state = frames(initialState(), { type: "ready", agent: me, agents: [me], conversations: [], queue: [], at: "" }, { type: "presence", agent: { ...ME, presence: "busy" } });
  const of = (locale) => calledFor(state, entry("a", { visitor: { number: "A1", name: "", tier: "standard", verified: false, locale } }));
  assert.deepEqual(["zh-TW", "en", "fr"].map(of), ["小禾", "Customer service", "Customer service"]);
});

test("a conversation is passed only to whoever serves its inbox", () => {
  const other = (id, inboxes) => ({ id, name: `a${id}`, presence: "online", inboxes });
  const agents = [ME, other(2, null), other(3, [7]), other(4, [8])];
  const state = frames(initialState(), { type: "ready", agent: ME, agents, conversations: [mine("a", { inbox_id: 7 })], queue: [], at: "" });
  const open = reduce(state, { type: "open", id: "a" });
  assert.deepEqual(colleagues(open).map(({ id }) => id), [2, 3]);
  assert.deepEqual(servers(frames(open, { type: "presence", agent: { id: 4, name: "a4", presence: "away" } })).map(({ id }) => id), [1, 2, 3]);
});

test("a revealed value is forgotten with the conversation", () => {
  const state = frames(opened(), { type: "revealed", conversation_id: "a", placeholder: "<PHONE_1>", value: "138" });
  assert.equal(state.thread.revealed["<PHONE_1>"], "138");
  assert.deepEqual(reduce(state, { type: "open", id: "b" }).thread.revealed, {});
});

test("what is put aside stands apart, the soonest to come back first", () => {
  const state = ready([mine("a"), mine("b", { snoozed: true }), mine("c", { snoozed: true, snoozed_until: "2026-01-02T00:00:00.000Z" })]);
  assert.deepEqual(ids(listed(state, "mine")), ["a"]);
  assert.deepEqual(ids(listed(state, "snoozed")), ["c", "b"]);
});

test("a chosen tag leaves those that have it; the most frequent is offered first", () => {
  const state = ready([mine("a", { tags: ["物流"] }), mine("b", { tags: ["退款", "物流"] }), mine("c")]);
  assert.deepEqual(tagsOf(state), ["物流", "退款"]);
  assert.deepEqual(ids(shown(reduce(state, { type: "tag", tag: "退款" }), "all")), ["b"]);
});

test("the replies that come with an ok are kept", () => {
  const replies = [{ id: 1, folder: "", title: "你好", text: "您好", scope: "own" }];
  assert.deepEqual(frames(ready([]), { type: "ok", act: "canned.list", conversation_id: "", replies }).canned, replies);
});

const asked = (more = {}) => reduce({ ...opened(), ...more }, { type: "suggest", client_id: "c1", conversation_id: "a", kind: "draft" });
const suggestion = (more = {}) => ({ type: "suggestion", suggestion_id: "s1", conversation_id: "a", client_id: "c1", kind: "draft", state: "running", text: "您", doubts: [], why: "", ...more });

test("what is written for this console grows, and ends once", () => {
  const state = frames(asked(), { type: "ok", act: "suggest", conversation_id: "a", client_id: "c1", suggestion_id: "s1" }, suggestion(), suggestion({ text: "您好" }));
  assert.deepEqual([state.suggestion.id, state.suggestion.state, state.suggestion.text], ["s1", "running", "您好"]);
  assert.equal(frames(state, suggestion({ state: "done", text: "您好。" })).suggestion.text, "您好。");
  assert.equal(frames(state, suggestion({ state: "cancelled", text: "" })).suggestion, null);
});

test("what another console asked for, and what comes too late, is not shown", () => {
  assert.equal(frames(opened(), suggestion()).suggestion, null);
  assert.equal(frames(asked(), suggestion({ client_id: "c2" })).suggestion.state, "asked");
  const late = reduce(asked(), { type: "suggestion.fail", client_id: "c1", why: "late" });
  assert.deepEqual([late.suggestion.state, late.suggestion.why], ["failed", "late"]);
  assert.equal(frames(late, suggestion()).suggestion.state, "failed");
  const done = frames(asked(), suggestion({ state: "done", text: "好" }));
  assert.equal(reduce(done, { type: "suggestion.fail", client_id: "c1", why: "late" }).suggestion.state, "done");
});

test("a refusal is said of what was asked for, not at the top", () => {
  const state = frames(asked(), { type: "error", code: "rate_limited", message: "", client_id: "c1" });
  assert.deepEqual([state.suggestion.state, state.suggestion.why, state.error], ["failed", "rate_limited", null]);
});

test("a model's brief takes the template's place in the conversation it is of", () => {
  const before = opened();
  before.thread.brief = { source: "template", need: "物流", slots: { a: "1" } };
  const told = { type: "brief", conversation_id: "a", source: "model", need: "想知道何时到" };
  assert.deepEqual(frames(before, told).thread.brief, { source: "model", need: "想知道何时到", slots: { a: "1" } });
  assert.equal(frames(before, { ...told, conversation_id: "b" }).thread.brief.need, "物流");
});

test("translations gather by line, from what is there and from what comes", () => {
  const read = reduce(opened(), { type: "translate", id: "a", on: true });
  const state = frames(read, { type: "ok", act: "translate", conversation_id: "a", lines: [{ seq: 1, text: "一" }] }, { type: "translation", conversation_id: "a", language: "zh", lines: [{ seq: 2, text: "二" }], why: "" });
  assert.deepEqual([state.translated.a, state.thread.translations], [true, { 1: "一", 2: "二" }]);
  assert.deepEqual(frames(state, { type: "translation", conversation_id: "b", language: "zh", lines: [{ seq: 1, text: "x" }], why: "" }).thread.translations, { 1: "一", 2: "二" });
  assert.equal(frames(state, { type: "translation", conversation_id: "a", language: "zh", lines: [], why: "busy" }).thread.untranslated, "busy");
});
