// The whole face of the widget: header, bars, conversation, composer. Renders the store's state and reports what
// the visitor does; app.js builds it and wires both ends. No network, and no state that outlives the page.

import { typingDots } from "./answer.js";
import { createErrorLine, createLinkBar, createOfferCard, createQueueBar, createServiceBar, waitsForNobody } from "./bars.js";
import { localAddress } from "./cards.js";
import { createComposer } from "./composer.js";
import { h, icon, setAttribute, setText } from "./dom.js";
import { createMenu } from "./menu.js";
import { createOpening } from "./opening.js";
import { createRows } from "./rows.js";
import { button, createForm, openSheet, ratingForm } from "./sheet.js";
import { LANGUAGE_NAMES, pickLocale } from "./texts.js";
import { timeline } from "./timeline.js";

const NEAR_BOTTOM_PX = 72;
const ANNOUNCED_LINES = 4;

/**
 * @typedef {object} Deeds what the visitor can do
 * @property {(text: string, attachments?: import("./wire.js").Attachment[]) => void} send
 * @property {(seq: number, button: import("./wire.js").CardButton) => void} choose
 * @property {(clientId: string) => void} retry
 * @property {(seq: number, value: "up" | "down", reason?: string) => void} feedback
 * @property {(rating: { score: number, resolved: boolean, tags: string[], comment?: string }) => boolean} rate
 * @property {(answers: Record<string, string>) => boolean} sendForm
 * @property {(text: string, contact: Record<string, string>) => Promise<string>} leave resolves with what went wrong, or ""
 * @property {() => void} requestHuman
 * @property {() => void} cancelHuman
 * @property {() => void} dismissError
 * @property {() => void} tryAgain
 * @property {() => void} earlier
 * @property {() => void} end
 * @property {() => void} restart
 * @property {() => void} transcript
 * @property {(on: boolean) => void} typing
 * @property {(image: Blob, name: string) => Promise<import("./wire.js").Attachment>} upload
 * @property {(id: string) => Promise<string>} address of an image, anew
 * @property {(locale: string) => void} setLocale
 * @property {() => boolean} isMute
 * @property {(mute: boolean) => void} setMute
 * @property {() => void} close
 *
 * @typedef {{ greeting: string, offer: import("./bars.js").Offer | null }} Extras
 * @typedef {import("./store.js").State} State
 * @typedef {import("./texts.js").TextKey} TextKey
 */

/**
 * @param {object} options
 * @param {HTMLElement} options.root emptied and filled
 * @param {import("./texts.js").Texts} options.texts
 * @param {import("./wire.js").Inbox & { spoken?: string }} options.inbox `spoken` is the language its texts are in
 * @param {boolean} options.embedded whether there is a page to close into
 * @param {Deeds} options.deeds
 */
export function createView({ root, texts, inbox, embedded, deeds }) {
  const { t } = texts;
  // Names are written in the inbox's own language; other visitors get ours.
  const isNative = pickLocale(inbox.locale) === texts.locale;
  const said = (inbox.spoken ?? pickLocale(inbox.locale)) === texts.locale ? inbox : { ...inbox, texts: {}, quick_questions: undefined, prechat: [], rating_tags: [] };
  const botName = (isNative && inbox.bot_name) || t(inbox.reception === "human_only" ? "agent" : "assistant");
  const lessMotion = matchMedia("(prefers-reduced-motion: reduce)");
  let pinned = true;
  let announcedSeq = -1;
  let past = 0;
  let lastTop = 0;

  const openLeave = () => void leaveSheet();
  const openRating = (stars = 0) => void rateSheet(stars);
  const head = createHeader();
  const bars = [createLinkBar(t, deeds), createQueueBar(t, said, deeds, openLeave), createServiceBar(t, said, deeds, openLeave)];
  const opening = createOpening({
    t,
    inbox: said,
    botName,
    welcome: said.texts?.welcome || t("greeting", { name: botName }),
    onSend: (text) => sendText(text),
    deeds,
  });
  const list = h("div", { class: "rows" });
  const earlier = h("button", { type: "button", class: "link earlier", onclick: deeds.earlier }, t("earlier"));
  const agentDots = h("div", { class: "agent-typing" }, h("span"), typingDots(""));
  const skeleton = h("div", { class: "skeleton", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  const invite = createInvite();
  const log = h(
    "div",
    { class: "log", role: "log", "aria-live": "off", "aria-label": t("conversation"), tabindex: "0", onscroll: () => onScroll() },
    ...[skeleton, earlier, opening.welcome, list, opening.choices, agentDots, invite],
  );
  const jump = h("button", { type: "button", class: "jump", onclick: () => toBottom() }, icon("down"), t("newMessages"));
  jump.hidden = true;
  const error = createErrorLine(t, deeds);
  const offer = createOfferCard(t, (text) => sendText(text));
  const announcer = h("div", { class: "sr-only", "aria-live": "polite", "aria-atomic": "false" });
  const composer = createComposer({
    texts,
    placeholder: said.texts?.placeholder,
    limits: inbox.upload,
    onSend: (text, attachments) => sendText(text, attachments),
    onTyping: deeds.typing,
    upload: deeds.upload,
  });
  const note = h("p", { class: "note" });
  const openImage = (/** @type {string} */ url) => void openSheet(root, t, t("image"), () => [h("img", { class: "full", src: url, alt: t("image") })]);
  const does = { ...deeds, openImage };
  const atOnce = () => lessMotion.matches || document.hidden;
  const rows = createRows({ list, texts, botName, aiLabel: inbox.ai_label !== false, does, onGrow: () => stay(), atOnce });

  const footer = h("footer", { class: "footer" }, offer.element, error.element, composer.element, note);
  const middle = h("main", { class: "middle" }, log, jump, h("div", { class: "drop", "aria-hidden": "true" }, icon("image"), t("dropHere")));
  root.replaceChildren(head.element, ...bars.map((bar) => bar.element), middle, footer, announcer);
  root.setAttribute("lang", texts.locale);
  root.ondragover = (event) => takesDrop(event) && event.preventDefault();
  root.ondragleave = (event) => root.contains(/** @type {Node | null} */ (event.relatedTarget)) || root.classList.remove("widget--drop");
  root.ondrop = (event) => {
    root.classList.remove("widget--drop");
    composer.onFiles(event, event.dataTransfer);
  };
  const resize = new ResizeObserver(() => stay());
  resize.observe(log);
  composer.fit();

  /** @param {DragEvent} event */
  function takesDrop(event) {
    const takes = composer.takesImages && (event.dataTransfer?.types.includes("Files") ?? false);
    root.classList.toggle("widget--drop", takes);
    return takes;
  }

  function createHeader() {
    const subtitle = h("p", { class: "subtitle" });
    const human = h("button", { type: "button", class: "human", onclick: () => human.getAttribute("aria-disabled") !== "true" && deeds.requestHuman() }, icon("headset"), h("span"));
    human.hidden = inbox.reception === "bot_only";
    const close = h("button", { type: "button", class: "round", "aria-label": t("close"), onclick: deeds.close }, icon("close"));
    close.hidden = !embedded;
    const menu = createMenu(t("more"), menuEntries);
    const face = h("div", { class: "avatar avatar--large", "aria-hidden": "true" });
    const element = h("header", { class: "header" }, face, h("div", { class: "heading" }, h("h1", { class: "title" }, (isNative && inbox.name) || t("chat")), subtitle), human, menu, close);
    let faced = "";

    /** @param {State} state */
    const render = (state) => {
      const agentName = state.agent?.name || t("agent");
      /** @type {Record<string, TextKey>} */
      const byState = { queued: "subtitleQueued", agent: "subtitleAgent", offline: "subtitleOffline", resolved: "subtitleResolved" };
      const waiting = state.link === "starting" && !state.loaded;
      setText(subtitle, waiting ? t("connecting") : t(waitsForNobody(state) ? "subtitleOffline" : byState[state.shown] ?? (inbox.reception === "human_only" ? "agent" : "subtitleBot"), { name: agentName }));
      element.dataset.state = state.link === "online" ? state.shown : "away";

      const busy = state.shown === "queued" || state.shown === "agent";
      const asking = state.humanRequested && !busy;
      setText(/** @type {Element} */ (human.lastElementChild), t(state.shown === "queued" ? "humanQueued" : state.shown === "agent" ? "humanServing" : asking ? "humanAsking" : "human"));
      setAttribute(human, "aria-disabled", String(busy || asking || state.link === "stopped"));

      const picture = localAddress(state.shown === "agent" ? state.agent?.avatar : inbox.logo);
      const initial = state.shown === "agent" ? agentName.trim().slice(0, 1) : "";
      if (faced === `${picture} ${initial}`) return;
      faced = `${picture} ${initial}`;
      face.replaceChildren(picture ? h("img", { src: picture, alt: "" }) : initial || icon("bot"));
    };
    return { element, render };
  }

  function menuEntries() {
    const state = lastState;
    const running = state !== null && state.messages.length > 0 && state.shown !== "resolved";
    const others = Object.entries(LANGUAGE_NAMES).filter(([locale]) => locale !== texts.locale);
    return [
      { label: t(deeds.isMute() ? "soundOn" : "soundOff"), does: () => deeds.setMute(!deeds.isMute()) },
      ...others.map(([locale, label]) => ({ label, does: () => deeds.setLocale(locale) })),
      ...(state?.messages.length ? [{ label: t("transcript"), does: deeds.transcript }, { label: t("rate"), does: () => openRating() }] : []),
      ...(running ? [{ label: t("end"), does: endSheet }] : []),
    ];
  }
  /** @type {State | null} */
  let lastState = null;

  function rateSheet(stars = 0) {
    openSheet(root, t, said.texts?.rating || t("rate"), (close) => [ratingForm(t, said.rating_tags ?? [], stars, deeds.rate, close)]);
  }

  function endSheet() {
    const end = (/** @type {() => void} */ close) => () => {
      close();
      deeds.end();
    };
    openSheet(root, t, t("endTitle"), (close) => [h("p", {}, t("endHint")), h("div", { class: "card-buttons" }, button(t("end"), end(close), "primary"), button(t("keep"), close))]);
  }

  function leaveSheet() {
    const fields = [
      { name: "text", label: t("leaveText"), kind: "long", required: true },
      { name: "name", label: t("name"), kind: "text" },
      { name: "phone", label: t("phone"), kind: "phone" },
      { name: "email", label: t("email"), kind: "email" },
    ];
    const sheet = openSheet(root, t, t("leaveTitle"), () => {
      const form = createForm(t, fields, t("send"), async ({ text, ...contact }) => {
        const problem = await deeds.leave(text, contact);
        if (!problem) form.replaceWith(h("p", { role: "status" }, t("leaveDone")));
        return problem;
      });
      return [h("p", {}, (inbox.open === false && said.texts?.offline) || t("leaveHint")), form];
    });
    sheet.querySelector("textarea")?.focus();
  }

  /** Who is speaking now; what was said before keeps its own badge. @param {State["shown"]} shown */
  function renderNote(shown) {
    note.hidden = inbox.ai_label === false || (inbox.reception === "human_only" && shown !== "agent");
    setText(note, t(shown === "bot" ? "aiNote" : shown === "agent" ? "humanNote" : "aiNoteMixed"));
  }

  /** The question after the end, answered by one touch. */
  function createInvite() {
    const stars = [1, 2, 3, 4, 5].map((count) => h("button", { type: "button", class: "star", "aria-label": t("stars", { count }), onclick: () => openRating(count) }, icon("star")));
    return h("section", { class: "invite", "aria-label": t("rateInvite") }, h("p", {}, t("rateInvite")), h("div", {}, ...stars));
  }

  /** @param {string} text @param {import("./wire.js").Attachment[]} [attachments] */
  function sendText(text, attachments) {
    pinned = true;
    deeds.send(text, attachments);
  }

  function onScroll() {
    pinned = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_BOTTOM_PX;
    if (pinned) jump.hidden = true;
    if (log.scrollTop < lastTop && log.scrollTop < NEAR_BOTTOM_PX && !pinned && lastState?.history === "more") deeds.earlier();
    lastTop = log.scrollTop;
  }

  function toBottom() {
    pinned = true;
    stay();
    composer.focus();
  }

  function stay() {
    if (pinned) log.scrollTop = log.scrollHeight;
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
      lastState = state;
      const items = timeline(state);
      const isEmpty = items.length === state.earlier.length;
      const below = log.scrollHeight - log.scrollTop;
      head.render(state);
      for (const bar of bars) bar.render(state);
      skeleton.hidden = state.loaded || !isEmpty || state.link === "stopped";
      earlier.hidden = state.history !== "more" && state.history !== "loading";
      earlier.disabled = state.history === "loading";
      opening.render(state, isEmpty);
      rows.render(items, state, new Date());
      agentDots.hidden = !state.typing;
      setText(/** @type {Element} */ (agentDots.firstElementChild), state.typing ? `${state.agent?.name ?? t("agent")} ${t("typing")}` : "");
      invite.hidden = state.shown !== "resolved" || state.rated || state.messages.length === 0;
      error.render(state);
      renderNote(state.shown);
      composer.setEnabled(state.link !== "stopped" && !(state.form && Boolean(said.prechat?.length)));
      announce(state);
      if (state.earlier.length > past) log.scrollTop = log.scrollHeight - below;
      else stay();
      past = state.earlier.length;
    },
    /** A greeting in place of the general one, and what the shop's page offers to talk about. @param {Extras} extras */
    extend(extras) {
      if (extras.greeting) opening.greet(extras.greeting);
      offer.set(extras.offer);
    },
    focus: () => composer.focus(),
    draft: composer.draft,
    setDraft: composer.setDraft,
    destroy: () => resize.disconnect(),
  };
}
