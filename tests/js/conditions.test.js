/* Conditions of rules between JSON and the editor's nodes: nothing is lost or changes its meaning. */

import assert from "node:assert/strict";
import test from "node:test";

import {
  fittingValue, newTest, parsed, parsedList, readRules, toNode, toTree,
} from "../../prompts/static/prompts/conditions.js";

const NUMBERS = ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin"];
const WORDS = ["$eq", "$ne", "$in", "$nin"];
const FIELDS = [
  { name: "emotion_score", kind: "number", operators: NUMBERS, values: [], low: 0, high: 1 },
  { name: "tier", kind: "choice", operators: WORDS, values: ["standard", "vip"], low: null, high: null },
  { name: "intent", kind: "word", operators: WORDS, values: [], low: null, high: null },
  { name: "needs_tools", kind: "flag", operators: WORDS, values: [], low: null, high: null },
];
const field = (name) => FIELDS.find((one) => one.name === name);
const roundTrip = (tree) => toTree(toNode(tree, FIELDS));

// What the server makes of a tree, in short: the oracle for "the same meaning".
const OPERATORS = {
  $eq: (a, b) => a === b, $ne: (a, b) => a !== b, $gt: (a, b) => a > b, $gte: (a, b) => a >= b,
  $lt: (a, b) => a < b, $lte: (a, b) => a <= b, $in: (a, b) => b.includes(a), $nin: (a, b) => !b.includes(a),
};
function matches(tree, turn) {
  return Object.entries(tree).every(([key, value]) => {
    if (key === "$and") return value.every((part) => matches(part, turn));
    if (key === "$or") return value.some((part) => matches(part, turn));
    if (key === "$not") return !matches(value, turn);
    const asked = typeof value === "object" ? value : { $eq: value };
    return Object.entries(asked).every(([word, wanted]) => OPERATORS[word](turn[key], wanted));
  });
}

const TURNS = [0, 0.3, 0.8, 1].flatMap((emotion_score) => ["standard", "vip"].flatMap((tier) =>
  ["refund", "greeting"].flatMap((intent) =>
    [true, false].map((needs_tools) => ({ emotion_score, tier, intent, needs_tools })))));
const TREES = [
  {},
  { tier: "vip" },
  { emotion_score: { $gte: 0.2, $lt: 0.9 }, tier: { $ne: "vip" } },
  { $or: [{ tier: "vip" }, { intent: { $in: ["refund"] }, needs_tools: true }] },
  { $not: { tier: "vip", intent: "refund" } },
  { $not: { $or: [{ tier: "vip" }, { emotion_score: { $gt: 0.5 } }] } },
  { $and: [{ $or: [{ tier: "vip" }, { $not: { intent: "refund" } }] }, { needs_tools: false }] },
  { $not: { $not: { tier: "vip" } } },
  { $not: { $and: [{ tier: "vip" }, { $or: [{ intent: "refund" }, { needs_tools: true }] }] } },
];

for (const tree of TREES) {
  test(`a condition means the same after the editor: ${JSON.stringify(tree)}`, () => {
    const after = roundTrip(tree);
    assert.deepEqual(TURNS.map((turn) => matches(after, turn)), TURNS.map((turn) => matches(tree, turn)));
    assert.deepEqual(roundTrip(after), after);
  });
}

test("what the editor does not know is kept as it is", () => {
  assert.deepEqual(roundTrip({ colour: "red" }), { colour: "red" });
  assert.deepEqual(roundTrip({ tier: { $like: "v" } }), { tier: { $like: "v" } });
});

test("a group of several tests is written as one", () => {
  const node = { kind: "any", children: [newTest(field("tier")), newTest(field("emotion_score"))] };
  assert.deepEqual(toTree(node), { $or: [{ tier: { $eq: "standard" } }, { emotion_score: { $gte: 0 } }] });
});

test("a value is kept where it still fits another operator", () => {
  assert.deepEqual(fittingValue(field("tier"), "$in", "vip"), ["vip"]);
  assert.equal(fittingValue(field("tier"), "$eq", ["vip", "standard"]), "vip");
  assert.equal(fittingValue(field("tier"), "$ne", []), "standard");
  assert.equal(fittingValue(field("emotion_score"), "$lt", 0.4), 0.4);
});

test("typed text becomes a number only where it is one", () => {
  assert.equal(parsed(" 0.5 ", field("emotion_score")), 0.5);
  assert.equal(parsed("", field("emotion_score")), null);
  assert.equal(parsed("a", field("emotion_score")), null);
  assert.equal(parsed(" 12 ", field("intent")), "12");
  assert.deepEqual(parsedList("refund\uff0curge\u3001 return ,", field("intent")), ["refund", "urge", "return"]);
});

test("rules that are no list of objects are not shown", () => {
  assert.deepEqual(readRules(""), []);
  assert.equal(readRules("{"), null);
  assert.equal(readRules('{"a": 1}'), null);
  assert.equal(readRules('[{"name": "x", "when": []}]'), null);
  assert.equal(readRules('[{"name": "x", "when": {}, "effect": {}}]').length, 1);
});
