import assert from "node:assert/strict";
import { test } from "node:test";

import { hostOrigin } from "../../chat/static/chat/widget/host.js";
import { splitLinks } from "../../chat/static/chat/widget/linkify.js";
import { loadTexts, pickLocale } from "../../chat/static/chat/widget/texts.js";
import { brandColours, contrast } from "../../chat/static/chat/widget/theme.js";
import { countChars, dropChars, parseFrame } from "../../chat/static/chat/widget/wire.js";

const links = (text) => splitLinks(text).filter((piece) => piece.href).map((piece) => piece.text);

test("addresses are found among Chinese words and sentence marks", () => {
  assert.deepEqual(links("请看https://a.example/b?c=1。谢谢"), ["https://a.example/b?c=1"]);
  assert.deepEqual(links("(https://a.example/b), see https://a.example/w_(x)."), ["https://a.example/b", "https://a.example/w_(x)"]);
});

test("whatever is not plainly https stays text", () => {
  const payloads = [
    "javascript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "http://a.example/",
    "https://shop.example@evil.example/",
    "https://user:pass@evil.example/",
    "https://",
    "https:///a",
    "<a href=\"javascript:alert(1)\">x</a>",
    "[x](javascript:alert(1))",
  ];
  for (const payload of payloads) {
    for (const piece of splitLinks(payload)) assert.ok(!piece.href || new URL(piece.href).username === "", payload);
    assert.equal(splitLinks(payload).map((piece) => piece.text).join(""), payload);
  }
  assert.deepEqual(links("https://shop.example@evil.example/"), []);
  assert.deepEqual(links("javascript:alert(1)//https"), []);
});

test("the pieces of a text are the text", () => {
  for (const text of ["", "a", "https://a.example", " https://a.example/x,https://b.example/y ", "https://a.example/…"]) {
    assert.equal(splitLinks(text).map((piece) => piece.text).join(""), text);
  }
});

test("characters are counted as the server counts them", () => {
  assert.equal(countChars("a😀字"), 3);
  assert.equal(dropChars("😀字a", 1), "字a");
});

test("frames with missing or wrong fields are not frames", () => {
  assert.equal(parseFrame('{"type":"heartbeat","seq":"1"}'), null);
  assert.equal(parseFrame('{"type":"delta","turn_id":"t","offset":-1,"text":""}'), null);
  assert.deepEqual(parseFrame('{"type":"pong","new":1}'), { type: "pong", new: 1 });
});

test("the first wish that can be fulfilled decides the language", () => {
  assert.equal(pickLocale("fr", "en-GB", "zh"), "en");
  assert.equal(pickLocale(null, "", "zh-Hans-CN"), "zh-CN");
  assert.equal(pickLocale("zhuang", undefined), "zh-CN");
});

test("days are named from the visitor's own calendar", async () => {
  const { day, t } = await loadTexts("zh-CN");
  const now = new Date(2026, 2, 1, 0, 5);
  assert.equal(day(new Date(2026, 2, 1, 0, 1), now), "今天");
  assert.equal(day(new Date(2026, 1, 28, 23, 59), now), "昨天");
  assert.equal(day(new Date(2026, 1, 3), now), "2月3日星期二");
  assert.match((await loadTexts("en")).day(new Date(2025, 1, 3), now), /2025/);
  assert.equal(t("queueAhead", { count: 2 }), "前面还有 2 位");
});

test("traditional Chinese goes to those who read it, and numbers have their grammar", async () => {
  for (const wish of ["zh-TW", "zh-Hant", "zh-HK", "zh-Hant-TW"]) assert.equal(pickLocale(wish), "zh-TW");
  for (const wish of ["zh", "zh-CN", "zh-Hans-SG"]) assert.equal(pickLocale(wish), "zh-CN");
  assert.equal((await loadTexts("zh-TW")).t("queueAhead", { count: 2 }), "前面還有 2 位");
  const { t } = await loadTexts("en");
  assert.equal(t("queueAhead", { count: 1 }), "1 person ahead of you");
  assert.equal(t("queueAhead", { count: 2 }), "2 people ahead of you");
});

test("every language says everything, with the same values in it", async () => {
  const names = ["zh", "tw", "en"];
  const [zh, ...others] = await Promise.all(names.map(async (name) => (await import(`../../chat/static/chat/widget/texts_${name}.js`)).default));
  const holes = (entry) => [...new Set((entry.other ?? entry).match(/\{\w+\}/g) ?? [])].sort();
  for (const other of others) {
    assert.deepEqual(Object.keys(other).sort(), Object.keys(zh).sort());
    for (const key of Object.keys(zh)) if (key !== "greeting") assert.deepEqual(holes(other[key]), holes(zh[key]), key);
  }
});

test("any brand colour stays readable as a surface and as text", () => {
  const rgb = (hex) => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  for (const brand of ["#14665a", "#ffe14d", "#ffffff", "#000000", "#ff5000", "#777777", "#1677ff"]) {
    const colours = brandColours(brand);
    assert.ok(contrast(rgb(colours["--brand"]), rgb(colours["--on-brand"])) >= 4.5, `${brand} on-brand`);
    assert.ok(contrast(rgb(colours["--accent-light"]), rgb("#e8f1ee")) >= 4.5, `${brand} light`);
    assert.ok(contrast(rgb(colours["--accent-dark"]), rgb("#1f2e2a")) >= 4.5, `${brand} dark`);
  }
});

test("the embedding page is known by what the browser says of it", () => {
  const parent = {};
  const frame = (fields) => ({ parent, location: {}, document: { referrer: "" }, ...fields });
  assert.equal(hostOrigin(frame({ location: { ancestorOrigins: ["https://shop.example", "https://outer.example"] } })), "https://shop.example");
  assert.equal(hostOrigin(frame({ document: { referrer: "https://shop.example/page?x" } })), "https://shop.example");
  assert.equal(hostOrigin(frame({})), null);
  const alone = { location: {}, document: { referrer: "https://elsewhere.example/" } };
  assert.equal(hostOrigin(Object.assign(alone, { parent: alone })), null);
});
