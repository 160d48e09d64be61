import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

import { memoryStorage } from "../../chat/static/chat/widget/storage.js";
import { createClock } from "./fakes.js";

/** As the server puts it together, see chat/assets.py. */
const parts = ["embed_page.js", "embed.js"].map((name) => readFileSync(new URL(`../../chat/static/chat/${name}`, import.meta.url), "utf8"));
const source = `(function () {\n${parts.join("\n")}})();`;

/** As much of an element as the script asks for. */
class FakeElement extends EventTarget {
  constructor(tag) {
    super();
    Object.assign(this, { tag, attributes: {}, children: [], hidden: false, className: "" });
    this.style = { setProperty: () => {} };
    const classes = new Set();
    this.classList = {
      toggle: (name, on) => void (on ? classes.add(name) : classes.delete(name)),
      contains: (name) => classes.has(name),
    };
    if (tag === "iframe") this.contentWindow = { posted: [], postMessage: (data, origin) => this.contentWindow.posted.push({ data, origin }) };
  }
  setAttribute(name, value) {
    this.attributes[name] = value;
  }
  attachShadow() {
    return (this.shadow = new FakeElement("#shadow"));
  }
  appendChild(child) {
    this.children.push(child);
  }
  append(...children) {
    this.children.push(...children);
  }
  insertBefore(child, before) {
    this.children.splice(this.children.indexOf(before), 0, child);
  }
  replaceChildren(...children) {
    this.children = children;
  }
  remove() {
    this.wasRemoved = true;
  }
  getBoundingClientRect() {}
  focus() {
    this.focused = (this.focused ?? 0) + 1;
  }
  /** The first element below that passes. */
  find(passes) {
    for (const child of this.children) {
      const found = passes(child) ? child : child.find(passes);
      if (found) return found;
    }
    return null;
  }
}

/** A shop's page that includes the script `times` times, after `before` has run in it. */
function openPage({ before = "", times = 1, settings = { inbox: "ib_test", locale: "zh-CN" }, path = "/", storage = memoryStorage(), inbox } = {}) {
  const clock = createClock();
  const warned = [];
  const window = Object.assign(new EventTarget(), { matchMedia: () => ({ matches: false }), yingdaSettings: settings, yingdaInbox: inbox, localStorage: storage, sessionStorage: storage });
  const document = Object.assign(new EventTarget(), {
    currentScript: { src: "https://chat.example/embed.js" },
    body: new FakeElement("body"),
    documentElement: new FakeElement("html"),
    createElement: (tag) => new FakeElement(tag),
    createElementNS: (_space, tag) => new FakeElement(tag),
  });
  const context = vm.createContext({
    window, document, URL, URLSearchParams, CustomEvent, navigator: { language: "zh-CN" },
    console: { warn: (words) => warned.push(words) },
    location: { origin: "https://shop.example", href: `https://shop.example${path}`, pathname: path.split("?")[0], search: path.includes("?") ? `?${path.split("?")[1]}` : "" },
    setTimeout: clock.setTimeout, clearTimeout: clock.clearTimeout, setInterval: clock.setTimeout, clearInterval: clock.clearTimeout,
    CSSStyleSheet: class {
      replaceSync() {}
    },
  });
  vm.runInContext(before, context);
  for (let time = 0; time < times; time += 1) vm.runInContext(source, context);
  const root = () => document.body.children[0]?.shadow;
  return {
    window,
    document,
    warned,
    call: (...args) => window.yingda(...args),
    clock,
    storage,
    launcher: () => root().find((element) => element.className === "launcher"),
    hello: () => root().find((element) => element.className.startsWith("hello") && !element.wasRemoved),
    frame: () => root()?.find((element) => element.tag === "iframe") ?? null,
    /** What the frame has been told so far. */
    told: () => root().find((element) => element.tag === "iframe").contentWindow.posted.map(({ data }) => [data.method, ...data.args]),
    /** A message that claims to come from the frame. */
    hear(data, { origin = "https://chat.example", source: from } = {}) {
      const event = Object.assign(new Event("message"), { data, origin, source: from ?? this.frame()?.contentWindow });
      window.dispatchEvent(event);
    },
    loaded() {
      this.hear({ yingda: "event", name: "loaded", detail: {} });
    },
  };
}

const same = (actual, expected) => assert.deepEqual(JSON.parse(JSON.stringify(actual)), expected);

test("asks for nothing but the launcher before it is opened", () => {
  const page = openPage();
  assert.equal(page.frame(), null);
  assert.equal(page.launcher().attributes["aria-expanded"], "false");
  page.call("open");
  assert.equal(page.frame().src, "https://chat.example/widget/ib_test/#open=1&locale=zh-CN");
  assert.equal(page.frame().referrerPolicy, "origin");
  assert.equal(page.launcher().attributes["aria-expanded"], "true");
});

test("a page that the inbox refuses gets no launcher and is told what to do", () => {
  const page = openPage({ inbox: { key: "ib_test", refused: true } });
  page.call("open");
  assert.equal(page.document.body.children.length, 0);
  assert.equal(page.warned.length, 1);
  assert.match(page.warned[0], /add https:\/\/shop\.example to the allowed origins/);
  assert.equal(openPage({ inbox: { key: "ib_other", refused: true } }).document.body.children.length, 1);
});

test("included twice, it is there once", () => {
  assert.equal(openPage({ times: 2 }).document.body.children.length, 1);
});

test("calls made before it was loaded are kept, as a stub's queue or a plain array", () => {
  const stub = "window.yingda = function () { (window.yingda.q = window.yingda.q || []).push(arguments); }; window.yingda('setContext', {page: '/a'}); window.yingda('sendMessage', 'hi');";
  const array = "window.yingda = []; window.yingda.push(['setContext', {page: '/a'}]); window.yingda.push(['sendMessage', 'hi']);";
  for (const before of [stub, array]) {
    const page = openPage({ before });
    page.loaded();
    same(page.told(), [["visible", true], ["setContext", { page: "/a" }], ["sendMessage", "hi"]]);
  }
});

test("calls made before the frame listens are kept in their order", () => {
  const page = openPage({ settings: { inbox: "ib_test", identity: { jwt: "j.w.t" }, context: { page: "/" } } });
  page.call("setAttributes", { vip: true });
  page.call("open");
  page.call("requestHuman");
  same(page.told(), []);
  page.loaded();
  same(page.told(), [["visible", true], ["identify", "j.w.t"], ["setContext", { page: "/" }], ["setAttributes", { vip: true }], ["requestHuman"].concat([null])]);
  assert.ok(page.frame().contentWindow.posted.every(({ origin }) => origin === "https://chat.example"));
});

test("only the frame, from its own origin, is listened to", () => {
  const page = openPage();
  page.call("open");
  page.loaded();
  const unread = { yingda: "event", name: "unread", detail: { count: 3 } };
  page.hear(unread, { origin: "https://evil.example" });
  page.hear(unread, { source: {} });
  page.hear({ ...unread, yingda: "call" });
  for (const rubbish of [null, "unread", 5, { yingda: "event" }, { yingda: "event", name: { toString: () => "unread" } }]) page.hear(rubbish);
  assert.equal(page.call("getUnreadCount"), 0);
  page.hear(unread);
  assert.equal(page.call("getUnreadCount"), 3);
});

test("a frame cannot make up events", () => {
  const page = openPage();
  const heard = [];
  page.document.addEventListener("yingda:loaded", () => heard.push("loaded"));
  page.document.addEventListener("yingda:submit", () => heard.push("submit"));
  page.call("open");
  page.loaded();
  page.hear({ yingda: "event", name: "submit", detail: {} });
  assert.deepEqual(heard, []);
});

test("events reach listeners and the document, until they are taken off", () => {
  const page = openPage();
  const heard = [];
  const listener = (detail) => heard.push(["listener", detail.count]);
  page.call("on", "unread", listener);
  page.document.addEventListener("yingda:unread", (event) => heard.push(["document", event.detail.count]));
  page.call("open");
  page.hear({ yingda: "event", name: "unread", detail: { count: 1 } });
  page.call("off", "unread", listener);
  page.hear({ yingda: "event", name: "unread", detail: { count: 2 } });
  assert.deepEqual(heard, [["listener", 1], ["document", 1], ["document", 2]]);
});

test("opening moves the focus into the frame, closing gives it back to the launcher", () => {
  const page = openPage();
  const events = [];
  for (const name of ["opened", "closed"]) page.call("on", name, () => events.push(name));
  page.call("toggle");
  assert.equal(page.frame().focused, 1);
  page.loaded();
  page.hear({ yingda: "event", name: "close", detail: {} });
  assert.equal(page.launcher().focused, 1);
  assert.equal(page.launcher().attributes["aria-expanded"], "false");
  page.call("toggle");
  assert.deepEqual(events, ["opened", "closed", "opened"]);
  same(page.told(), [["visible", true], ["visible", false], ["visible", true]]);
});

test("the launcher tells of unread lines, in the page's language", () => {
  const page = openPage({ settings: { inbox: "ib_test", locale: "en" } });
  page.call("open");
  page.loaded();
  page.call("close");
  page.hear({ yingda: "event", name: "unread", detail: { count: 2 } });
  assert.equal(page.launcher().attributes["aria-label"], "Open chat (2 unread messages)");
  page.call("setLocale", "zh-CN");
  assert.equal(page.launcher().attributes["aria-label"], "打开在线客服 (2 条未读消息)");
});

test("a method that does not exist is an error event, not an exception", () => {
  const page = openPage();
  const heard = [];
  page.call("on", "error", (detail) => heard.push(detail.code));
  page.call("explode");
  page.call("constructor");
  assert.deepEqual(heard, ["unknown_method", "unknown_method"]);
});

test("shutdown leaves the page as it was, and boot starts again", () => {
  const page = openPage();
  page.call("open");
  const [host] = page.document.body.children;
  page.call("shutdown");
  assert.ok(host.wasRemoved);
  for (const method of ["open", "close", "sendMessage", "setTheme", "hideLauncher"]) page.call(method, "x");
  page.call("boot", { inbox: "ib_other", baseUrl: "https://other.example/path" });
  assert.equal(page.document.body.children.length, 2);
});

const GREETING = { page: "/cart*", dwell_seconds: 5, returning: null, text: { "zh-CN": "需要帮忙吗？", en: "Need a hand?" } };
const greeted = (options) => openPage({ path: "/cart?step=1", ...options, inbox: { key: "ib_test", greetings: [{ ...GREETING, ...options?.greeting }] } });

test("greets on the page it is meant for, after its time, in the page's language, once a visit", async () => {
  const page = greeted();
  await page.clock.pass(4_900);
  assert.equal(page.hello(), null);
  await page.clock.pass(200);
  assert.equal(page.hello().children[0].textContent, "需要帮忙吗？");
  assert.equal(page.frame(), null, "nothing is loaded for it");
  const next = greeted({ storage: page.storage });
  await next.clock.pass(10_000);
  assert.equal(next.hello(), null);
  const english = greeted({ settings: { inbox: "ib_test", locale: "en" } });
  await english.clock.pass(6_000);
  assert.equal(english.hello().children[0].textContent, "Need a hand?");
});

test("greets nobody elsewhere, nobody who has opened the chat, and newcomers only where it says so", async () => {
  for (const options of [{ path: "/" }, { path: "/cartoon".replace("cart", "my-cart") }, { greeting: { returning: true } }]) {
    const page = greeted(options);
    await page.clock.pass(10_000);
    assert.equal(page.hello(), null, JSON.stringify(options));
  }
  const opened = greeted();
  opened.call("open");
  await opened.clock.pass(10_000);
  assert.equal(opened.hello(), null);
});

test("a greeting that is taken up opens the chat with it", async () => {
  const page = greeted();
  await page.clock.pass(6_000);
  page.hello().children[0].dispatchEvent(new Event("click"));
  assert.equal(page.hello(), null);
  page.loaded();
  same(page.told().at(-1), ["greet", "需要帮忙吗？"]);
});

test("what staff set is the look, what the page says goes before it", () => {
  const inbox = { key: "ib_test", color: "#ff5000", position: "left" };
  const plain = openPage({ settings: {}, inbox });
  plain.call("open");
  assert.match(plain.frame().src, /widget\/ib_test\/#open=1&brand=%23ff5000/);
  const other = openPage({ settings: { inbox: "ib_other" }, inbox });
  other.call("open");
  assert.doesNotMatch(other.frame().src, /brand/);
});

test("who has talked before hears of answers on the next page; nobody else's page loads anything", async () => {
  const first = openPage();
  await first.clock.pass(60_000);
  assert.equal(first.frame(), null);
  first.call("open");
  first.loaded();
  first.hear({ yingda: "event", name: "messageSent", detail: { text: "hi" } });
  const next = openPage({ storage: first.storage });
  assert.equal(next.frame(), null);
  await next.clock.pass(3_000);
  assert.match(next.frame().src, /open=0/);
});

test("the title says that there is news while the visitor looks elsewhere", async () => {
  const page = openPage();
  page.document.title = "Lamp";
  page.call("open");
  page.call("close");
  page.loaded();
  page.document.hidden = true;
  page.hear({ yingda: "event", name: "unread", detail: { count: 12 } });
  await page.clock.pass(1_300);
  assert.equal(page.document.title, "(12) 新消息");
  assert.equal(page.launcher().find((element) => element.className === "dot").textContent, "9+");
  page.document.hidden = false;
  page.document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(page.document.title, "Lamp");
});
