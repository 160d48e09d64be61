/* Colleagues called in a note: what is completed, what is sent, what is read. */

import assert from "node:assert/strict";
import test from "node:test";

import { findAgents, labelOf, mentionParts, mentionQuery, namedText, namesOf, withIds } from "../../chat/static/chat/console/mention.js";

const agent = (id, name) => ({ id, name, presence: "online" });
const TEAM = [agent(1, "小王"), agent(2, "小王子"), agent(3, "Ada"), agent(4, "小王")];
const at = (text) => mentionQuery(text, text.length);

test("a name is typed after an @ that begins a word, also within Chinese", () => {
  assert.deepEqual(at("@"), { query: "", from: 0 });
  assert.deepEqual(at("请@小"), { query: "小", from: 1 });
  assert.deepEqual(at("见 @Ad"), { query: "Ad", from: 2 });
  for (const text of ["", "a@b", "lin.@x", "@小王 ", "@@x"]) assert.equal(at(text), null, text);
  assert.deepEqual(mentionQuery("@小王 和 @A 一起", 8), { query: "A", from: 6 });
});

test("beginnings come first, and two of one name are told apart", () => {
  assert.deepEqual(findAgents(TEAM, "a").map(({ name }) => name), ["Ada"]);
  assert.deepEqual(findAgents(TEAM, "子").map(({ id }) => id), [2]);
  assert.deepEqual(TEAM.map((one) => labelOf(one, TEAM)), ["小王(1)", "小王子", "Ada", "小王(4)"]);
});

test("what is sent holds ids for the names that were picked, the longer name first", () => {
  const picked = new Map([["小王", 1], ["小王子", 2]]);
  assert.equal(withIds("@小王子 @小王 @Ada", picked), "<@2> <@1> @Ada");
  assert.equal(withIds("请@Ada看看 @Adam mail@Ada.com @Ada", new Map([["Ada", 3]])), "请<@3>看看 @Adam mail@Ada.com <@3>");
});

test("what is read holds the names of today", () => {
  const text = "<@2> 看一下<@9>";
  assert.deepEqual(mentionParts(text), [{ text: "", id: 2 }, { text: " 看一下", id: null }, { text: "", id: 9 }]);
  assert.equal(namedText(text, namesOf(TEAM)), "@小王子 看一下@?");
});
