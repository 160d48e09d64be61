/* Which replies kept ready an agent finds, and what is filled into them. */

import assert from "node:assert/strict";
import test from "node:test";

import { fill, findCanned, openVariable, slashQuery } from "../../chat/static/chat/console/canned_search.js";

const reply = (title, more = {}) => ({ id: 1, folder: "", title, text: "", scope: "all", ...more });
const REPLIES = [reply("退货地址", { folder: "售后/退货", text: "请寄到仓库" }), reply("问候", { text: "您好，很高兴为您服务" }), reply("Refund time", { folder: "after-sales", text: "It takes 3 days" })];
const titles = (query) => findCanned(REPLIES, query).map((one) => one.title);

test("an empty query lists all by folder", () => assert.deepEqual(titles(""), ["问候", "Refund time", "退货地址"]));

test("title, folder and text are searched, the title counts most", () => {
  assert.deepEqual(titles("退货"), ["退货地址"]);
  assert.deepEqual(titles("仓库"), ["退货地址"]);
  assert.deepEqual(titles("REFUND days"), ["Refund time"]);
  assert.deepEqual(findCanned([reply("a", { text: "您好" }), reply("您好")], "您好").map((one) => one.title), ["您好", "a"]);
});

test("letters in order are enough, others are not", () => {
  assert.deepEqual(titles("rfnd"), ["Refund time"]);
  assert.deepEqual(titles("退址"), ["退货地址"]);
  assert.deepEqual(titles("xyz"), []);
});

test("variables with a value are filled in, the others stay and are found", () => {
  const text = fill("{{customer}}您好，订单{{ order }}，我是{{agent}}", { customer: "张三", order: "", agent: "小王" });
  assert.equal(text, "张三您好，订单{{ order }}，我是小王");
  assert.deepEqual(openVariable(text), [text.indexOf("{{"), text.indexOf("}}") + 2]);
  assert.equal(openVariable("没有"), null);
  assert.deepEqual(openVariable("单号【待填：运单号】"), [2, 10]);
  assert.deepEqual(openVariable("on [fill in: date]"), [3, 18]);
});

test("only a slash at the beginning asks for replies", () => {
  assert.equal(slashQuery("/"), "");
  assert.equal(slashQuery("/退货"), "退货");
  assert.equal(slashQuery("看 /"), null);
  assert.equal(slashQuery("/两\n行"), null);
});
