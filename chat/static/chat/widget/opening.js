// What stands in an empty conversation: the greeting, the offer to go on, the form to fill in, whom to ask, what others ask.
// Called by view.js after each change.

import { createForm } from "./sheet.js";
import { h, icon } from "./dom.js";

/**
 * @typedef {import("./store.js").State} State
 * @typedef {import("./texts.js").Translate} Translate
 */

/**
 * @param {object} options
 * @param {Translate} options.t
 * @param {import("./wire.js").Inbox} options.inbox
 * @param {string} options.botName
 * @param {string} options.welcome
 * @param {(text: string) => void} options.onSend
 * @param {import("./view.js").Deeds} options.deeds
 */
export function createOpening({ t, inbox, botName, welcome: greeting, onSend, deeds }) {
  const hasBot = inbox.reception !== "human_only";
  const aiLabel = hasBot && inbox.ai_label !== false;
  const welcome = h("div", { class: "welcome" });
  const choices = h("div", { class: "choices" });
  let greeted = false;
  let asked = false;
  let shown = "";

  /** @param {string} text */
  const botLine = (text) => {
    const who = h("div", { class: "who" }, h("span", { class: "name" }, botName), aiLabel && h("span", { class: "badge", title: t("aiTitle") }, t("aiBadge")));
    const stack = h("div", { class: "stack" }, who, h("div", { class: "bubble" }, h("div", { class: "body", dir: "auto" }, text)));
    return h("article", { class: "row row--bot row--first row--last" }, h("div", { class: "avatar", "aria-hidden": "true" }, icon("bot")), stack);
  };
  /** @param {string} label @param {() => void} onclick */
  const chip = (label, onclick) => h("button", { type: "button", class: "chip", onclick }, label);
  /** @param {string} heading @param {Node[]} chips */
  const group = (heading, chips) => [h("p", { class: "choices-heading" }, heading), h("div", { class: "chips" }, ...chips)];

  /** @type {Record<string, (text: string) => Node[]>} */
  const kinds = {
    none: () => [],
    resume: (prompt) => [botLine(prompt), h("div", { class: "chips" }, chip(t("resume"), () => onSend("1")))],
    form: () => [
      h("section", { class: "card card--form" }, h("h2", {}, t("formTitle")), h("p", {}, t("formHint")), createForm(t, inbox.prechat ?? [], t("formSend"), (answers) => (deeds.sendForm(answers) ? "" : t("errorGeneric")))),
    ],
    choose: () => group(t("chooseHeading"), [chip(t("askBot"), () => chooseBot()), chip(t("human"), deeds.requestHuman)]),
    questions: () => group(t("quickHeading"), (inbox.quick_questions ?? [t("question1"), t("question2"), t("question3")]).map((question) => chip(question, () => onSend(question)))),
  };
  const chooseBot = () => {
    asked = true;
    show("questions", "");
  };
  /** @param {string} kind @param {string} text */
  const show = (kind, text) => {
    choices.hidden = kind === "none";
    if (kind + text === shown) return;
    shown = kind + text;
    choices.replaceChildren(...kinds[kind](text));
  };

  /** @param {State} state @param {boolean} isEmpty */
  const kindFor = (state, isEmpty) => {
    if (state.loaded && state.resumePrompt) return "resume";
    if (!isEmpty || welcome.hidden) return "none";
    if (state.form && inbox.prechat?.length) return "form";
    if (inbox.reception === "choose" && !asked && state.shown === "bot") return "choose";
    return hasBot && inbox.quick_questions?.length !== 0 ? "questions" : "none";
  };

  return {
    welcome,
    choices,
    /** @param {State} state @param {boolean} isEmpty nothing has been said */
    render(state, isEmpty) {
      // The offer to resume greets too, so a conversation that begins with it needs no second greeting.
      greeted ||= state.loaded && isEmpty && state.resumePrompt !== null;
      welcome.hidden = !state.loaded || greeted;
      if (!welcome.hidden && !welcome.firstChild) welcome.append(botLine(greeting));
      show(kindFor(state, isEmpty), state.resumePrompt ?? "");
    },
    /** A greeting that fits the page the visitor is on takes the place of the general one. @param {string} text */
    greet(text) {
      greeting = text;
      welcome.replaceChildren(botLine(text));
    },
  };
}
