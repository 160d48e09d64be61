// What the script on a shop's pages shows, says and keeps there. Served within embed.js, in one scope with it.
var yingdaPage = (function () {
  "use strict";

  var doc = document;
  var PHONE = "(max-width: 639.98px), (max-height: 479.98px)";
  var TEXTS = {
    zh: { open: "打开在线客服", close: "关闭在线客服", title: "在线客服", unread: "条未读消息", hide: "不再显示", news: "新消息" },
    tw: { open: "開啟線上客服", close: "關閉線上客服", title: "線上客服", unread: "則未讀訊息", hide: "不再顯示", news: "新訊息" },
    en: { open: "Open chat", close: "Close chat", title: "Support", unread: "unread messages", hide: "Dismiss", news: "New message" },
  };
  var ICON_CHAT = ["M12 4.5c4.7 0 8.2 2.9 8.2 6.9s-3.5 6.9-8.2 6.9c-.8 0-1.6-.1-2.3-.3L5.5 20.2l.7-3.5c-1.5-1.3-2.4-3.1-2.4-5.3 0-4 3.5-6.9 8.2-6.9z", "M9 10.4v1.7", "M15 10.4v1.7"];
  var ICON_CLOSE = ["M6.5 6.5l11 11", "M17.5 6.5l-11 11"];
  var CSS =
    ":host{all:initial}" +
    "*{box-sizing:border-box}" +
    ".launcher,.panel{position:fixed;z-index:2147483000}" +
    ".launcher{bottom:calc(20px + env(safe-area-inset-bottom));width:56px;height:56px;padding:0;border:0;border-radius:50%;cursor:pointer;" +
    "background:var(--brand,#14665a);color:var(--on-brand,#fff);box-shadow:0 6px 20px rgba(0,0,0,.18),0 1px 4px rgba(0,0,0,.12);transition:transform .15s}" +
    ".launcher:focus-visible{outline:3px solid var(--brand,#14665a);outline-offset:3px;box-shadow:0 0 0 3px #fff}" +
    ".launcher:active{transform:scale(.95)}" +
    "svg{width:28px;height:28px;display:block;margin:auto;fill:none;stroke:currentColor;stroke-width:1.7;stroke-linecap:round;stroke-linejoin:round}" +
    ".dot{position:absolute;top:-3px;inset-inline-end:-3px;min-width:22px;height:22px;padding:0 5px;border-radius:11px;background:#c62f21;border:2px solid #fff;color:#fff;font:600 11px/18px system-ui,sans-serif}" +
    ".hello{position:fixed;z-index:2147483000;bottom:calc(92px + env(safe-area-inset-bottom));display:flex;align-items:flex-start;gap:4px;max-width:min(300px,calc(100vw - 40px));padding:4px;border-radius:16px;background:#fff;color:#1c211f;box-shadow:0 8px 32px rgba(0,0,0,.16),0 0 0 1px rgba(128,136,132,.18)}" +
    ".hello button{padding:10px 12px;border:0;border-radius:12px;background:none;color:inherit;font:400 15px/1.5 system-ui,-apple-system,'PingFang SC','Microsoft YaHei',sans-serif;text-align:start;cursor:pointer}" +
    ".hello button+button{flex:none;padding:8px}.hello button+button svg{width:18px;height:18px}" +
    ".hello button:focus-visible{outline:2px solid var(--brand,#14665a)}" +
    ".right .hello{right:20px}.left .hello{left:20px}" +
    "@media (prefers-color-scheme:dark){.hello:not(.light){background:#1d201f;color:#e8ecea}}.hello.dark{background:#1d201f;color:#e8ecea}" +
    ".panel{bottom:calc(92px + env(safe-area-inset-bottom));width:400px;height:min(680px,calc(100vh - 112px));overflow:hidden;border-radius:16px;background:#fff;" +
    "box-shadow:0 12px 48px rgba(0,0,0,.18),0 2px 8px rgba(0,0,0,.08),0 0 0 1px rgba(128,136,132,.18);opacity:0;visibility:hidden;transform:translateY(8px);transition:opacity .16s,transform .16s,visibility 0s .16s}" +
    "@media (prefers-color-scheme:dark){.panel:not(.light){background:#1d201f}}" +
    ".panel.dark{background:#1d201f}" +
    ".open .panel{opacity:1;visibility:visible;transform:none;transition:opacity .16s,transform .16s}" +
    ".right .launcher,.right .panel{right:20px}.left .launcher,.left .panel{left:20px}" +
    "iframe{display:block;width:100%;height:100%;border:0}" +
    "[hidden]{display:none!important}" +
    "@media " + PHONE + "{.panel.panel{top:0;left:0;right:0;bottom:0;width:100%;height:100%;border-radius:0;box-shadow:none}.open .launcher{display:none}}" +
    "@media (prefers-reduced-motion:reduce){.launcher,.panel,.open .panel{transition:none}}" +
    "@media (forced-colors:active){.launcher,.panel,.hello{border:2px solid ButtonText}}";

  /** The words of a locale. @param {string} locale */
  function textsOf(locale) {
    return /^en\b/i.test(locale) ? TEXTS.en : /hant|tw|hk|mo\b/i.test(locale) ? TEXTS.tw : TEXTS.zh;
  }

  /** @param {string[]} paths */
  function svg(paths) {
    var space = "http://www.w3.org/2000/svg";
    var element = doc.createElementNS(space, "svg");
    element.setAttribute("viewBox", "0 0 24 24");
    element.setAttribute("aria-hidden", "true");
    paths.forEach(function (d) {
      var path = doc.createElementNS(space, "path");
      path.setAttribute("d", d);
      element.appendChild(path);
    });
    return element;
  }

  /** @param {any} root the shadow root @param {string} [nonce] */
  function style(root, nonce) {
    try {
      var sheet = new CSSStyleSheet();
      sheet.replaceSync(CSS);
      root.adoptedStyleSheets = [sheet];
    } catch (_) {
      // Browsers without constructed sheets; there the page's policy must allow our nonce.
      var element = doc.createElement("style");
      if (nonce) element.nonce = nonce;
      element.textContent = CSS;
      root.appendChild(element);
    }
  }

  /** The shop's own colour, with a sign on it that can be seen. @param {HTMLElement} stage @param {string} [brand] */
  function colour(stage, brand) {
    if (!/^#[0-9a-f]{6}$/i.test(brand || "")) return;
    var rgb = parseInt(/** @type {string} */ (brand).slice(1), 16);
    var brightness = ((rgb >> 16) * 299 + ((rgb >> 8) & 255) * 587 + (rgb & 255) * 114) / 1000;
    stage.style.setProperty("--brand", /** @type {string} */ (brand));
    stage.style.setProperty("--on-brand", brightness > 150 ? "#000" : "#fff");
  }

  /** @param {any} greeting @param {string} locale @returns {string} in that language, else in any */
  function wordsOf(greeting, locale) {
    if (typeof greeting.text === "string") return greeting.text;
    var known = Object.keys(greeting.text || {});
    var same = known.filter(function (name) {
      return name === locale || textsOf(locale) === TEXTS[name === "zh-TW" ? "tw" : name === "en" ? "en" : "zh"];
    });
    return greeting.text[same[0] || known[0]] || "";
  }

  /** Whether a page's path and query fit a pattern, in which * stands for anything. @param {string} pattern @param {string} page */
  function fits(pattern, page) {
    var parts = pattern.split("*").map(function (part) {
      return part.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
    });
    return new RegExp("^" + parts.join(".*") + "$").test(page);
  }

  /**
   * A note in the page's own storage, if there is any: whether to look for news on the next page, what was greeted with.
   * @param {string} key @param {string} [value] @param {boolean} [forLong] beyond this tab @returns {string | null}
   */
  function note(key, value, forLong) {
    try {
      var storage = forLong ? window.localStorage : window.sessionStorage;
      if (value) storage.setItem(key, value);
      return storage.getItem(key);
    } catch (_) {
      return null;
    }
  }

  /** Whether the inbox's frame would refuse this page; then whoever builds the page is told. @param {any} inbox */
  function isRefused(inbox) {
    if (inbox.refused) console.warn("yingda: no chat here: add " + location.origin + " to the allowed origins of the inbox (admin, Embedding). 请在接入点的「嵌入」中添加此来源。");
    return inbox.refused;
  }

  return {
    PHONE: PHONE, ICON_CHAT: ICON_CHAT, ICON_CLOSE: ICON_CLOSE,
    textsOf: textsOf, svg: svg, style: style, colour: colour, wordsOf: wordsOf, fits: fits, note: note, isRefused: isRefused,
  };
})();
