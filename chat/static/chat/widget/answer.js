// A bot's or an agent's line: dots, then words that grow, then the stored answer with all that hangs on it.
// Called by rows.js; the same element from the first dot to the last link.

import { cardElements, citationList, imageElements } from "./cards.js";
import { h, icon, linkNodes, setAttribute, setText } from "./dom.js";
import { authorOf, rowShell, setPlace, timeOf } from "./place.js";
import { createReveal } from "./reveal.js";
import { richNodes } from "./rich.js";

const SLOW_MS = 8_000;
const COPIED_MS = 1_500;

/** @typedef {import("./wire.js").Message} Message */

/**
 * @param {object} options
 * @param {import("./texts.js").Texts} options.texts
 * @param {string} options.botName
 * @param {boolean} options.aiLabel
 * @param {import("./rows.js").Does} options.does
 * @param {() => void} options.onGrow
 * @param {() => boolean} options.atOnce
 * @param {string} options.role
 * @returns {import("./rows.js").Row}
 */
export function answerRow({ texts, botName, aiLabel, does, onGrow, atOnce, role }) {
  const { t } = texts;
  const isBot = role === "bot";
  const node = document.createTextNode("");
  const body = h("div", { class: "body", dir: "auto" }, node);
  const dots = typingDots(t("typing"));
  const bubble = h("div", { class: "bubble" }, dots, body);
  const extras = h("div", { class: "extras" });
  const name = h("span", { class: "name" });
  const badge = h("span", { class: "badge", title: isBot ? t("aiTitle") : null }, t(isBot ? "aiBadge" : "humanBadge"));
  const deeds = isBot ? createDeeds(t, does) : null;
  const said = h("span");
  const meta = h("div", { class: "meta" }, said, deeds && deeds.element);
  const avatar = h("div", { class: "avatar", "aria-hidden": "true" }, isBot && icon("bot"));
  const stack = h("div", { class: "stack" }, h("div", { class: "who" }, name, badge), bubble, extras, meta);
  const { element, day } = rowShell(role, avatar, stack);
  let streamed = false;
  let stored = "";
  let html = "";
  let hung = "";

  /** The text stands: what is marked up or an address in it becomes that. */
  const complete = () => {
    streamed = false;
    element.dataset.status = "stored";
    body.replaceChildren(...(html ? richNodes(html) : linkNodes(stored)));
    onGrow();
  };
  const reveal = createReveal({ node, atOnce, onGrow, onComplete: complete });
  const slow = setTimeout(() => streamed && !node.data && setText(said, t("stillWorking")), SLOW_MS);

  /** @param {Message} message */
  const showStored = (message) => {
    if (stored === message.text && html === (message.html ?? "")) return;
    stored = message.text;
    html = message.html ?? "";
    bubble.hidden = !stored;
    if (streamed) reveal.set(stored, { isFinal: true });
    else complete();
  };

  /** @param {Message} message @param {import("./place.js").Place} place */
  const hang = ({ seq, cards = [], citations = [], attachments = [] }, { live, past, chosen }) => {
    const now = JSON.stringify([cards, citations, attachments.map(({ id }) => id), live && !past, chosen]);
    if (now === hung) return;
    hung = now;
    const choosing = { chosen: past ? "" : chosen, live: live && !past, choose: (/** @type {any} */ button) => does.choose(seq, button) };
    extras.replaceChildren(
      ...imageElements(attachments, t, { onOpen: does.openImage, address: does.address }),
      ...cardElements(cards, t, choosing),
      ...(citations.length ? [citationList(citations, t)] : []),
    );
    onGrow();
  };

  return {
    element,
    update(item, place) {
      setPlace(element, place, day);
      const message = item.kind === "message" ? item.message : null;
      const isAi = message ? message.ai !== false && isBot : true;
      setAttribute(element, "data-ai", isAi ? "true" : null);
      badge.hidden = isBot && !(isAi && aiLabel);
      setText(name, isBot ? botName : authorOf(item) || t("agent"));
      if (!isBot) setText(avatar, (name.textContent ?? "").trim().slice(0, 1));
      dots.hidden = !(item.kind === "partial" && !item.text);
      if (!message) element.dataset.status = dots.hidden ? "streaming" : "thinking";
      if (item.kind === "partial") {
        streamed = true;
        if (item.text || node.data) reveal.set(item.text, { isFinal: false });
      } else if (message) {
        clearTimeout(slow);
        showStored(message);
        hang(message, place);
      }
      const time = timeOf(item);
      if (message || (item.kind === "partial" && item.text)) setText(said, message && time ? texts.time(time) : "");
      deeds?.render(place.past ? null : message);
      meta.hidden = !place.last;
    },
    remove() {
      clearTimeout(slow);
      reveal.stop();
    },
  };
}

/** @param {string} label */
export function typingDots(label) {
  return h("span", { class: "dots" }, h("i"), h("i"), h("i"), h("span", { class: "sr-only" }, label));
}

/** Copying, and the thumbs with the reason for a low one. @param {import("./texts.js").Translate} t @param {import("./rows.js").Does} does */
function createDeeds(t, does) {
  /** @type {Message | null} */
  let message = null;
  const small = (/** @type {import("./dom.js").IconName} */ name, /** @type {string} */ label, /** @type {() => void} */ onclick) =>
    h("button", { type: "button", class: "small", "aria-label": label, title: label, onclick }, icon(name));
  const copy = small("copy", t("copy"), async () => {
    if (!message || !(await copyText(message.text))) return;
    copy.replaceChildren(icon("check"), h("span", { role: "status", class: "sr-only" }, t("copied")));
    setTimeout(() => copy.replaceChildren(icon("copy")), COPIED_MS);
  });
  const why = h("div", { class: "why" });
  const up = small("up", t("helpful"), () => judge("up"));
  const down = small("up", t("unhelpful"), () => judge("down"));
  down.classList.add("small--down");
  /** @type {import("./texts.js").TextKey[]} */
  const reasons = ["why1", "why2", "why3", "why4"];

  /** @param {"up" | "down"} value */
  const judge = (value) => {
    if (!message) return;
    does.feedback(message.seq, value);
    if (value === "down") why.replaceChildren(h("span", {}, t("whyHeading")), ...reasons.map((key) => h("button", { type: "button", class: "chip chip--small", onclick: () => explain(key) }, t(key))));
    else why.replaceChildren(h("span", { role: "status" }, t("thanks")));
  };
  /** @param {import("./texts.js").TextKey} key */
  const explain = (key) => {
    if (message) does.feedback(message.seq, "down", t(key));
    why.replaceChildren(h("span", { role: "status" }, t("thanks")));
    if (key === "why4") does.requestHuman();
  };

  const element = h("span", { class: "deeds" }, copy, up, down, why);
  return {
    element,
    /** @param {Message | null} current null while there is nothing to judge */
    render(current) {
      message = current;
      element.hidden = !current;
      setAttribute(up, "aria-pressed", String(current?.feedback === "up"));
      setAttribute(down, "aria-pressed", String(current?.feedback === "down"));
    },
  };
}

/** @param {string} text @returns {Promise<boolean>} */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Pages that lend their frame no clipboard still let a selection be copied.
    const field = h("textarea", { class: "sr-only" });
    field.value = text;
    document.body.append(field);
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    before?.focus();
    return done;
  }
}
