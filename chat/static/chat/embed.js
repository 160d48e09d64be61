// The one script a shop puts on its pages: a launcher in the corner and, once opened, the chat in a frame of ours.
// Installs window.yingda(method, …) and touches nothing else of the page; its own parts live in a shadow root and
// are styled through the CSSOM, so a strict Content-Security-Policy of the page does not matter to them.
(function () {
  "use strict";

  var shown = yingdaPage;
  var win = /** @type {any} */ (window);
  var doc = document;
  var early = win.yingda;
  if (early && early.loaded) return;

  var MARK = "yingda";
  var EVENTS = "ready opened closed message messageSent unread stateChanged handoffRequested queueUpdated agentJoined ratingSubmitted error".split(" ");
  var script = /** @type {HTMLScriptElement | null} */ (doc.currentScript);
  var IDLE_MS = 2500;
  var FLASH_MS = 1200;
  /** @type {Record<string, Array<(detail: object) => void>>} */
  var listeners = {};
  /** @type {any} */
  var settings = {};
  /** @type {any} the parts on the page; null before boot and after shutdown */
  var ui = null;
  /** @type {Array<[string, any[]]>} calls for the frame, made before it could hear them */
  var waiting = [];
  var frameListens = false;
  var isOpen = false;
  var unread = 0;
  var scrollBefore = "";
  /** @type {any} timers of the greeting, the background load and the flashing title */
  var timers = {};
  /** @type {string | null} the page's own title while ours takes turns with it */
  var title = null;

  /** @param {string} name @param {object} [detail] */
  function emit(name, detail) {
    (listeners[name] || []).slice().forEach(function (listener) {
      try {
        listener(detail || {});
      } catch (error) {
        // The shop's mistake, for the shop's console; ours goes on.
        setTimeout(function () {
          throw error;
        });
      }
    });
    doc.dispatchEvent(new CustomEvent(MARK + ":" + name, { detail: detail || {}, bubbles: true }));
  }

  function locale() {
    return settings.locale || doc.documentElement.lang || navigator.language || "zh";
  }

  function texts() {
    return shown.textsOf(locale());
  }

  function build() {
    var host = doc.createElement("div");
    var root = host.attachShadow({ mode: "open" });
    shown.style(root, script ? script.nonce : undefined);
    var stage = doc.createElement("div");
    var launcher = doc.createElement("button");
    var dot = doc.createElement("span");
    stage.className = settings.position === "left" ? "left" : "right";
    launcher.type = "button";
    launcher.className = "launcher";
    launcher.hidden = settings.hideLauncher === true;
    launcher.addEventListener("click", toggle);
    dot.className = "dot";
    stage.appendChild(launcher);
    root.appendChild(stage);
    shown.colour(stage, settings.brand);
    doc.body.appendChild(host);
    ui = { host: host, stage: stage, launcher: launcher, dot: dot, panel: null, frame: null, hello: null };
    paint();
  }

  function paint() {
    if (!ui) return;
    var words = texts();
    var label = isOpen ? words.close : words.open;
    ui.stage.classList.toggle("open", isOpen);
    ui.launcher.replaceChildren(shown.svg(isOpen ? shown.ICON_CLOSE : shown.ICON_CHAT), ui.dot);
    ui.dot.hidden = isOpen || unread === 0;
    ui.dot.textContent = unread > 9 ? "9+" : String(unread);
    ui.launcher.setAttribute("aria-expanded", String(isOpen));
    ui.launcher.setAttribute("aria-haspopup", "dialog");
    ui.launcher.setAttribute("aria-label", unread > 0 && !isOpen ? label + " (" + unread + " " + words.unread + ")" : label);
    if (ui.panel) {
      ui.panel.setAttribute("aria-label", words.title);
      ui.panel.classList.toggle("dark", settings.theme === "dark");
      ui.panel.classList.toggle("light", settings.theme === "light");
      ui.frame.title = words.title;
    }
  }

  /** The frame is made when it is first wanted: a page whose visitors never ask pays for nothing. */
  function makeFrame() {
    if (ui.frame) return;
    var wishes = new URLSearchParams({ open: isOpen ? "1" : "0" });
    if (settings.locale) wishes.set("locale", settings.locale);
    if (settings.theme) wishes.set("theme", settings.theme);
    if (settings.brand) wishes.set("brand", settings.brand);
    ui.panel = doc.createElement("div");
    ui.panel.className = "panel";
    ui.panel.setAttribute("role", "dialog");
    ui.frame = doc.createElement("iframe");
    // The frame answers only the origin it was embedded by, and learns that one from its referrer where it must.
    ui.frame.referrerPolicy = "origin";
    ui.frame.allow = "clipboard-write; autoplay";
    ui.frame.src = settings.baseUrl + "/widget/" + encodeURIComponent(settings.inbox) + "/#" + wishes;
    ui.panel.appendChild(ui.frame);
    ui.stage.insertBefore(ui.panel, ui.launcher);
    ui.panel.getBoundingClientRect();
  }

  /** @param {string} method @param {any[]} args */
  function tell(method, args) {
    if (!frameListens) waiting.push([method, args]);
    else ui.frame.contentWindow.postMessage({ yingda: "call", method: method, args: args }, settings.baseUrl);
  }

  /** @param {MessageEvent} event */
  function onMessage(event) {
    if (!ui || !ui.frame || event.source !== ui.frame.contentWindow || event.origin !== settings.baseUrl) return;
    var data = event.data;
    if (!data || data[MARK] !== "event" || typeof data.name !== "string") return;
    if (data.name === "loaded") onLoaded();
    else if (data.name === "close") close();
    else if (data.name === "unread") setUnread(Number(data.detail && data.detail.count) || 0);
    else if (EVENTS.indexOf(data.name) >= 0) {
      if (data.name === "messageSent") remember("talking", "1", true);
      emit(data.name, data.detail);
    }
  }

  /** @param {string} name @param {string} [value] @param {boolean} [forLong] @returns {string | null} */
  function remember(name, value, forLong) {
    return shown.note(MARK + ":" + settings.inbox + ":" + name, value, forLong);
  }

  function onLoaded() {
    frameListens = true;
    remember("visits", "1", true);
    // Loading took away the focus that opening had given, unless the visitor has gone elsewhere meanwhile.
    if (isOpen && (doc.activeElement === ui.host || doc.activeElement === doc.body)) ui.frame.focus();
    tell("visible", [isOpen]);
    waiting.splice(0).forEach(function (call) {
      tell(call[0], call[1]);
    });
  }

  /** @param {number} count */
  function setUnread(count) {
    unread = count;
    paint();
    flash();
    emit("unread", { count: count });
  }

  /** While the visitor looks elsewhere, the tab says that there is news. */
  function flash() {
    clearInterval(timers.flash);
    if (title !== null) doc.title = title;
    title = null;
    if (unread === 0 || !doc.hidden) return;
    title = doc.title;
    timers.flash = setInterval(function () {
      if (title !== null) doc.title = doc.title === title ? "(" + unread + ") " + texts().news : title;
    }, FLASH_MS);
  }

  /** Whether a greeting is for this page and this visitor. @param {any} greeting */
  function isFor(greeting) {
    var returning = remember("visits", undefined, true) !== null;
    var wanted = greeting.returning === null || greeting.returning === undefined || greeting.returning === returning;
    return wanted && shown.fits(String(greeting.page || "*"), location.pathname + location.search);
  }

  /** The first greeting that fits, after its time on the page; once a visit, and never to somebody who has opened the chat. */
  function planGreeting() {
    var fitting = (settings.greetings || []).filter(isFor)[0];
    if (!fitting || isOpen || remember("greeted")) return;
    timers.greeting = setTimeout(function () {
      if (ui && !isOpen) greet(shown.wordsOf(fitting, locale()));
    }, (Number(fitting.dwell_seconds) || 0) * 1000);
  }

  /** @param {string} words */
  function greet(words) {
    if (!words) return;
    remember("greeted", "1");
    var say = doc.createElement("button");
    var hide = doc.createElement("button");
    ui.hello = doc.createElement("div");
    ui.hello.className = "hello " + (settings.theme || "");
    ui.hello.setAttribute("role", "status");
    say.type = hide.type = "button";
    say.textContent = words;
    say.addEventListener("click", function () {
      tell("greet", [words]);
      open();
    });
    hide.appendChild(shown.svg(shown.ICON_CLOSE));
    hide.setAttribute("aria-label", texts().hide);
    hide.addEventListener("click", endGreeting);
    ui.hello.append(say, hide);
    ui.stage.insertBefore(ui.hello, ui.launcher);
  }

  function endGreeting() {
    clearTimeout(timers.greeting);
    if (ui && ui.hello) ui.hello.remove();
  }

  /** Who has talked with us hears of an answer on whatever page it comes; nobody else's page loads anything. */
  function listenInBackground() {
    if (!remember("talking", undefined, true)) return;
    timers.idle = setTimeout(function () {
      if (ui) makeFrame();
    }, IDLE_MS);
  }

  function open() {
    if (!ui || isOpen) return;
    isOpen = true;
    endGreeting();
    makeFrame();
    paint();
    fitToScreen();
    if (frameListens) tell("visible", [true]);
    ui.frame.focus();
    emit("opened");
  }

  function close() {
    if (!ui || !isOpen) return;
    isOpen = false;
    paint();
    fitToScreen();
    if (frameListens) tell("visible", [false]);
    ui.launcher.focus();
    emit("closed");
  }

  function toggle() {
    (isOpen ? close : open)();
  }

  /** On a phone the panel is as large as what the on-screen keyboard leaves, and the page behind it rests. */
  function fitToScreen() {
    if (!ui || !ui.panel) return;
    var full = isOpen && win.matchMedia(shown.PHONE).matches;
    var view = win.visualViewport;
    var fits = full && view && view.scale === 1;
    ui.panel.style.top = fits ? view.offsetTop + "px" : "";
    ui.panel.style.height = fits ? view.height + "px" : "";
    var page = doc.documentElement;
    if (full && !ui.resting) scrollBefore = page.style.overflow;
    if (full) page.style.overflow = "hidden";
    else if (ui.resting) page.style.overflow = scrollBefore;
    ui.resting = full;
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.key === "Escape" && isOpen && ui && doc.activeElement === ui.host) close();
  }

  /** @param {"addEventListener" | "removeEventListener"} verb */
  function wire(verb) {
    win[verb]("message", /** @type {any} */ (onMessage));
    win[verb]("resize", fitToScreen);
    doc[verb]("keydown", /** @type {any} */ (onKey));
    doc[verb]("visibilitychange", flash);
    if (win.visualViewport) {
      win.visualViewport[verb]("resize", fitToScreen);
      win.visualViewport[verb]("scroll", fitToScreen);
    }
  }

  /** @param {any} [given] in place of window.yingdaSettings */
  function boot(given) {
    var wanted = given || win.yingdaSettings || {};
    // What staff set, where the script was asked for with ?inbox=; what the page says goes before it.
    var known = win.yingdaInbox || {};
    if (known.key && wanted.inbox && wanted.inbox !== known.key) known = {};
    if (ui || shown.isRefused(known) || !(wanted.inbox || known.key)) return;
    settings = Object.assign({ inbox: known.key, brand: known.color, position: known.position, theme: known.theme, greetings: known.greetings }, wanted);
    settings.baseUrl = new URL(settings.baseUrl || (script && script.src) || location.href, location.href).origin;
    wire("addEventListener");
    build();
    if (settings.identity && settings.identity.jwt) tell("identify", [settings.identity.jwt]);
    if (settings.context) tell("setContext", [settings.context]);
    planGreeting();
    listenInBackground();
  }

  function shutdown() {
    if (!ui) return;
    isOpen = false;
    unread = 0;
    flash();
    endGreeting();
    clearTimeout(timers.idle);
    fitToScreen();
    wire("removeEventListener");
    ui.host.remove();
    ui = null;
    frameListens = false;
    waiting = [];
  }

  /** @param {string} setting @param {string} method @returns {(value: any) => void} */
  function setter(setting, method) {
    return function (value) {
      settings[setting] = value;
      paint();
      // A frame that does not exist yet will read the setting when it is made.
      if (ui && ui.frame) tell(method, [value]);
    };
  }

  /** @param {string} method @returns {(value: any) => void} */
  function pass(method) {
    return function (value) {
      if (ui) tell(method, [value]);
    };
  }

  /** @param {string} method @returns {(value: any) => void} for what the visitor should see happen */
  function show(method) {
    return function (value) {
      if (!ui) return;
      tell(method, [value]);
      open();
    };
  }

  /** @param {boolean} hidden */
  function hideLauncher(hidden) {
    settings.hideLauncher = hidden;
    if (ui) ui.launcher.hidden = hidden;
  }

  /** @type {Record<string, (...args: any[]) => any>} */
  var methods = {
    boot: boot,
    shutdown: shutdown,
    open: open,
    close: close,
    toggle: toggle,
    showLauncher: hideLauncher.bind(null, false),
    hideLauncher: hideLauncher.bind(null, true),
    identify: pass("identify"),
    logout: pass("logout"),
    setContext: pass("setContext"),
    setAttributes: pass("setAttributes"),
    setLocale: setter("locale", "setLocale"),
    setTheme: setter("theme", "setTheme"),
    sendMessage: show("sendMessage"),
    requestHuman: show("requestHuman"),
    getUnreadCount: function (callback) {
      if (typeof callback === "function") callback(unread);
      return unread;
    },
    on: function (name, listener) {
      (listeners[name] = listeners[name] || []).push(listener);
    },
    off: function (name, listener) {
      listeners[name] = (listeners[name] || []).filter(function (known) {
        return known !== listener;
      });
    },
  };

  /** @param {string} method */
  function yingda(method) {
    if (!Object.prototype.hasOwnProperty.call(methods, method)) {
      emit("error", { code: "unknown_method", message: String(method) });
      return undefined;
    }
    return methods[method].apply(null, [].slice.call(arguments, 1));
  }
  yingda.loaded = true;
  win.yingda = yingda;

  function start() {
    boot();
    // Calls made before this script was here: a stub keeps them in `q`, and a plain array will do as well.
    var queue = Array.isArray(early) ? early : (early && early.q) || [];
    queue.forEach(function (/** @type {ArrayLike<any>} */ call) {
      yingda.apply(null, /** @type {any} */ ([].slice.call(call)));
    });
  }
  if (doc.body) start();
  else doc.addEventListener("DOMContentLoaded", start);
})();
