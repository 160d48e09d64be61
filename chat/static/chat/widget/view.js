// The whole face of the widget: header, bars, conversation, composer. Renders the store's state and reports what
// the visitor does; app.js builds it and wires both ends. No network, and no state that outlives the page.

import { createComposer } from "./composer.js";
import { h, icon, setAttribute, setText } from "./dom.js";
import { createRows, typingDots } from "./rows.js";
import { timeline } from "./store.js";
import { pickLocale } from "./texts.js";

const NEAR_BOTTOM_PX = 72;
const ANNOUNCED_LINES = 4;

/**
 * @typedef {object} Deeds what the visitor can do
 * @property {(text: string) => void} send
 * @property {(clientId: string) => void} retry
 * @property {() => void} requestHuman
 * @property {() => void} cancelHuman
 * @property {() => void} dismissError
 * @property {() => void} tryAgain
 * @property {() => void} close
 *
 * @typedef {import("./store.js").State} State
 * @typedef {import("./texts.js").TextKey} TextKey
 */

/**
 * @param {object} options
 * @param {HTMLElement} options.root emptied and filled
 * @param {import("./texts.js").Texts} options.texts
 * @param {import("./wire.js").Inbox} options.inbox
 * @param {boolean} options.embedded whether there is a page to close into
 * @param {Deeds} options.deeds
 */
export function createView({ root, texts, inbox, embedded, deeds }) {
  const { t } = texts;
  // Names and questions of the inbox are written in its own language; other visitors get ours.
  const isNative = pickLocale(inbox.locale) === texts.locale;
  const botName = (isNative && inbox.bot_name) || t("assistant");
  const lessMotion = matchMedia("(prefers-reduced-motion: reduce)");
  let pinned = true;
  let announcedSeq = -1;
  let greeted = false;
  /** @type {string[]} */
  let chips = [];

  const subtitle = h("p", { class: "subtitle" });
  const human = h("button", { type: "button", class: "human", onclick: () => askHuman() }, icon("headset"), h("span"));
  const close = h("button", { type: "button", class: "round", "aria-label": t("close"), onclick: deeds.close }, icon("close"));
  close.hidden = !embedded;
  const title = h("h1", { class: "title" }, (isNative && inbox.name) || t("chat"));
  const header = h(
    "header",
    { class: "header" },
    h("div", { class: "avatar avatar--large", "aria-hidden": "true" }, icon("bot")),
    h("div", { class: "heading" }, title, subtitle),
    human,
    close,
  );

  const bar = createBar(t, deeds);
  const queue = createQueueBar(t, deeds);
  const list = h("div", { class: "rows" });
  const welcome = h("div", { class: "welcome" });
  const choices = h("div", { class: "choices" });
  const agentDots = h("div", { class: "agent-typing" }, h("span"), typingDots(""));
  const skeleton = h("div", { class: "skeleton", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  const log = h(
    "main",
    { class: "log", role: "log", "aria-live": "off", "aria-label": t("conversation"), tabindex: "0", onscroll: () => onScroll() },
    skeleton,
    welcome,
    list,
    choices,
    agentDots,
  );
  const jump = h("button", { type: "button", class: "jump", onclick: () => toBottom() }, icon("down"), t("newMessages"));
  jump.hidden = true;
  const error = createErrorLine(t, deeds);
  const announcer = h("div", { class: "sr-only", "aria-live": "polite", "aria-atomic": "false" });
  const composer = createComposer({ texts, onSend: (text) => sendText(text) });
  const note = h("p", { class: "note" }, t("aiNote"));

  const rows = createRows({
    list,
    texts,
    botName,
    onRetry: deeds.retry,
    onGrow: () => stay(),
    atOnce: () => lessMotion.matches || document.hidden,
  });

  const footer = h("footer", { class: "footer" }, error.element, composer.element, note);
  root.replaceChildren(header, bar.element, queue.element, h("div", { class: "middle" }, log, jump), footer, announcer);
  root.setAttribute("lang", texts.locale);
  const resize = new ResizeObserver(() => stay());
  resize.observe(log);
  composer.fit();

  /** @param {string} text */
  function sendText(text) {
    pinned = true;
    deeds.send(text);
  }

  function askHuman() {
    if (human.getAttribute("aria-disabled") !== "true") deeds.requestHuman();
  }

  function onScroll() {
    pinned = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_BOTTOM_PX;
    if (pinned) jump.hidden = true;
  }

  function toBottom() {
    pinned = true;
    stay();
    composer.focus();
  }

  function stay() {
    if (pinned) log.scrollTop = log.scrollHeight;
  }

  /** @param {State} state */
  function renderHeader(state) {
    const agentName = state.agent?.name || t("agent");
    /** @type {Record<string, TextKey>} */
    const byState = { queued: "subtitleQueued", agent: "subtitleAgent", offline: "subtitleOffline", resolved: "subtitleResolved" };
    const waiting = state.link === "starting" && !state.loaded;
    setText(subtitle, waiting ? t("connecting") : t(byState[state.shown] ?? "subtitleBot", { name: agentName }));
    header.dataset.state = state.link === "online" ? state.shown : "away";

    const busy = state.shown === "queued" || state.shown === "agent";
    const asking = state.humanRequested && !busy;
    const label = state.shown === "queued" ? "humanQueued" : state.shown === "agent" ? "humanServing" : asking ? "humanAsking" : "human";
    setText(/** @type {Element} */ (human.lastElementChild), t(label));
    setAttribute(human, "aria-disabled", String(busy || asking || state.link === "stopped"));
  }

  /** @param {State} state @param {boolean} isEmpty */
  function renderOpening(state, isEmpty) {
    skeleton.hidden = state.loaded || !isEmpty || state.link === "stopped";
    // The offer to resume greets too, so a conversation that begins with it needs no second greeting.
    greeted ||= state.loaded && state.messages.length === 0 && state.resumePrompt !== null;
    welcome.hidden = !state.loaded || greeted;
    if (!welcome.hidden && !welcome.firstChild) welcome.append(botLine(t, botName, (isNative && inbox.greeting) || t("greeting", { name: botName })));
    const resume = state.loaded && state.resumePrompt ? state.resumePrompt : "";
    const questions = isEmpty && !welcome.hidden ? openingQuestions() : [];
    const wanted = resume ? [resume] : questions;
    choices.hidden = wanted.length === 0;
    if (wanted.join("\n") === chips.join("\n")) return;
    chips = wanted;
    choices.replaceChildren(...(resume ? resumeChoice(resume) : questionChoices(questions)));
  }

  function openingQuestions() {
    const general = [t("question1"), t("question2"), t("question3")];
    return isNative ? (inbox.quick_questions ?? []) : general;
  }

  /** @param {string} prompt */
  function resumeChoice(prompt) {
    return [botLine(t, botName, prompt), h("div", { class: "chips" }, chip(t("resume"), () => sendText("1")))];
  }

  /** @param {string[]} questions */
  function questionChoices(questions) {
    const buttons = questions.map((question) => chip(question, () => sendText(question)));
    return [h("p", { class: "choices-heading" }, t("quickHeading")), h("div", { class: "chips" }, ...buttons)];
  }

  /** Reads out whole answers, once each, and nothing of the history found at the start. @param {State} state */
  function announce(state) {
    const newest = state.messages.at(-1)?.seq ?? 0;
    if (!state.loaded) return;
    if (announcedSeq < 0 || newest < announcedSeq) announcedSeq = newest;
    for (const message of state.messages) {
      if (message.seq <= announcedSeq || message.role === "visitor") continue;
      const speaker = message.role === "bot" ? `${botName}: ` : message.role === "agent" ? `${t("agent")}: ` : "";
      announcer.append(h("p", {}, speaker + message.text));
      if (!pinned) jump.hidden = false;
    }
    announcedSeq = newest;
    while (announcer.childElementCount > ANNOUNCED_LINES) announcer.firstElementChild?.remove();
  }

  return {
    /** @param {State} state */
    render(state) {
      const items = timeline(state);
      renderHeader(state);
      bar.render(state);
      queue.render(state);
      renderOpening(state, items.length === 0);
      rows.render(items, new Date());
      agentDots.hidden = !state.typing;
      setText(/** @type {Element} */ (agentDots.firstElementChild), state.typing ? `${state.agent?.name ?? t("agent")} ${t("typing")}` : "");
      error.render(state);
      composer.setEnabled(state.link !== "stopped");
      announce(state);
      stay();
    },
    focus: () => composer.focus(),
    draft: composer.draft,
    setDraft: composer.setDraft,
    destroy: () => resize.disconnect(),
  };
}

/** @typedef {(key: TextKey, values?: Record<string, string | number>) => string} Translate */

/** @param {string} label @param {() => void} onclick */
function chip(label, onclick) {
  return h("button", { type: "button", class: "chip", onclick }, label);
}

/** A line of the bot's that is no message: the greeting, the offer to resume. @param {Translate} t @param {string} botName @param {string} text */
function botLine(t, botName, text) {
  const who = h("div", { class: "who" }, h("span", { class: "name" }, botName), h("span", { class: "badge", title: t("aiTitle") }, t("aiBadge")));
  const avatar = h("div", { class: "avatar", "aria-hidden": "true" }, icon("bot"));
  const stack = h("div", { class: "stack" }, who, h("div", { class: "bubble" }, h("div", { class: "body", dir: "auto" }, text)));
  return h("article", { class: "row row--bot row--first row--last" }, avatar, stack);
}

/** @param {Translate} t @param {Deeds} deeds */
function createBar(t, deeds) {
  const text = h("span");
  const again = h("button", { type: "button", class: "link", onclick: deeds.tryAgain }, t("tryAgain"));
  const element = h("div", { class: "bar bar--link", role: "status" }, text, again);
  /** @type {Partial<Record<State["link"], TextKey>>} */
  const lines = { reconnecting: "reconnecting", offline: "offline", stopped: "stopped" };
  return {
    element,
    /** @param {State} state */
    render(state) {
      const key = lines[state.link];
      element.hidden = !key;
      element.dataset.link = state.link;
      again.hidden = state.link !== "stopped";
      const stopped = state.stopped?.code === "forbidden_origin" ? t("stoppedOrigin") : state.stopped?.message;
      setText(text, key ? stopped || t(key) : "");
    },
  };
}

/** @param {Translate} t @param {Deeds} deeds */
function createQueueBar(t, deeds) {
  const text = h("span");
  const leave = h("button", { type: "button", class: "link", onclick: deeds.cancelHuman }, t("leaveQueue"));
  const element = h("div", { class: "bar bar--queue", role: "status" }, text, leave);
  return {
    element,
    /** @param {State} state */
    render(state) {
      element.hidden = state.shown !== "queued";
      leave.disabled = state.link !== "online";
      setText(text, element.hidden ? "" : queueText(t, state.queue));
    },
  };
}

/** @param {Translate} t @param {import("./wire.js").Queue | null} queue */
function queueText(t, queue) {
  if (!queue || !(queue.position > 0)) return t("queueWaiting");
  const place = queue.position === 1 ? t("queueNext") : t("queueAhead", { ahead: queue.position - 1 });
  if (typeof queue.eta_seconds !== "number") return place;
  const minutes = Math.ceil(queue.eta_seconds / 60);
  return `${place} · ${minutes <= 1 ? t("queueSoon") : t("queueEta", { minutes })}`;
}

/** @param {Translate} t @param {Deeds} deeds */
function createErrorLine(t, deeds) {
  const text = h("span");
  const dismiss = h("button", { type: "button", class: "link", onclick: deeds.dismissError }, t("dismiss"));
  const element = h("div", { class: "error", role: "alert" }, icon("alert"), text, dismiss);
  /** @type {Record<string, TextKey>} */
  const known = { rate_limited: "errorRate", too_long: "errorLong", identity_invalid: "unverified" };
  return {
    element,
    /** @param {State} state */
    render(state) {
      element.hidden = !state.error;
      setText(text, state.error ? state.error.message || t(known[state.error.code] ?? "errorGeneric") : "");
    },
  };
}
