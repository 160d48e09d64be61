// The brief of a hand-over, first in the pane beside the thread: who wrote it, the need, what was tried, the order, a first
// reply to take over, and the agent's grade.

import { h } from "../widget/dom.js";
import { maskedNodes } from "./masked.js";

/**
 * @typedef {import("./wire.js").Brief} Brief
 * @typedef {import("./masked.js").Masks} Masks
 * @typedef {{ canTake: boolean, called: string, foreign: boolean }} Reader  `called` is what the customer reads of them, `foreign` that they speak another language
 * @typedef {{ take: (text: string) => void, grade: (grade: "good" | "bad" | null, word: string) => void }} Does
 */

/** @param {import("./texts.js").Texts} texts @param {Does} does @param {(value: string, masks: Masks) => HTMLElement} copyable */
export function createBrief(texts, does, copyable) {
  const { t } = texts;
  /** @param {string} text */
  const muted = (text) => h("p", { class: "muted" }, text);

  /** @param {Brief} brief @param {Masks} masks @param {Reader} reader */
  function nodes(brief, masks, reader) {
    return [
      sourceNode(brief),
      h("p", { class: "need" }, ...(brief.source === "model" ? maskedNodes(brief.need, masks) : [brief.topics.length ? brief.topics.join(" · ") : t("noNeed")])),
      ...(brief.said && brief.said !== brief.need ? [h("p", { class: "said" }, h("span", { class: "muted" }, `${t("lastSaid")}  `), ...maskedNodes(brief.said, masks))] : []),
      marks(brief),
      h("h4", {}, t("tried")),
      triedNode(brief, masks),
      ...orderNodes(brief, masks),
      ...draftNodes(brief, masks, reader),
      ...brief.doubts.map((doubt) => h("p", { class: "doubt" }, h("b", {}, texts.named("doubt", doubt.promise)), " ", doubt.sentence)),
      ...(brief.epoch || brief.reasons.length ? [gradeNode(brief)] : []),
    ];
  }

  /** @param {Brief} brief */
  function sourceNode({ source, pending, why }) {
    if (pending) return h("p", { class: "chips", role: "status" }, h("span", { class: "chip" }, t("source_template")), h("span", { class: "muted" }, t("briefPending")));
    const failed = source === "template" && why && why !== "no_model" ? h("span", { class: "muted" }, t("briefFailed", { why: texts.named("assistWhy", why) })) : null;
    return h("p", { class: "chips" }, h("span", { class: source === "model" ? "chip chip--tag" : "chip" }, t(source === "model" ? "source_model" : "source_template")), failed);
  }

  /** Priority, a bad mood, and the team. @param {Brief} brief */
  function marks({ priority, team, mood }) {
    const kind = priority === "urgent" ? "chip--furious" : priority === "high" ? "chip--vip" : "";
    return h("p", { class: "chips" }, h("span", { class: `chip ${kind}` }, texts.named("priority", priority)), mood && mood.label === "negative" && h("span", { class: "chip chip--vip" }, `${texts.named("mood", mood.label)} · ${texts.named("trend", mood.trend)}`), team && h("span", { class: "chip" }, t("briefTeam", { name: team.name })));
  }

  /** @param {Brief} brief @param {Masks} masks */
  function triedNode({ steps, tried }, masks) {
    const rows = steps.map((step) => h("li", {}, step.kind === "sop" ? t("stepSop", { title: step.title }) : t("stepTool", { title: step.title, state: texts.named("call", step.state ?? "") })));
    const words = tried.map((text) => h("li", {}, ...maskedNodes(text, masks)));
    return rows.length + words.length ? h("ul", { class: "steps" }, ...words, ...rows) : muted(t("nothingTried"));
  }

  /** @param {Brief} brief @param {Masks} masks */
  function orderNodes({ order }, masks) {
    if (!order) return [];
    const pairs = order.lines.flatMap(({ label, value }) => [h("dt", {}, texts.named("slot", label)), h("dd", {}, copyable(value, masks))]);
    const from = order.source === "tool" && order.at ? t("orderTold", { at: texts.dateTime(order.at) }) : t("orderPage");
    return [h("h4", {}, `${t("order")} · ${from}`), h("dl", { class: "facts" }, ...pairs)];
  }

  /** @param {Brief} brief @param {Masks} masks @param {Reader} reader */
  function draftNodes({ draft }, masks, { canTake, called, foreign }) {
    if (!draft) return [];
    const take = canTake && h("button", { type: "button", class: "button button--small", "data-act": "take", onclick: () => does.take(draft) }, t("briefTake"));
    const shown = draft.replace("{{agent}}", called);
    return [h("h4", {}, t(foreign ? "firstReplyForeign" : "firstReply")), h("blockquote", { class: "first-reply" }, ...maskedNodes(shown, masks)), ...(take ? [take] : [])];
  }

  /** @param {Brief} brief */
  function gradeNode({ grade }) {
    /** @param {"good" | "bad"} value */
    const button = (value) => h("button", { type: "button", class: "button button--small", "data-grade": value, "aria-pressed": String(grade?.value === value), onclick: () => does.grade(grade?.value === value ? null : value, grade?.word ?? "") }, t(value === "good" ? "gradeGood" : "gradeBad"));
    const word = h("input", { class: "select grade-word", maxlength: "150", autocomplete: "off", value: grade?.word ?? "", placeholder: t("gradeWord"), "aria-label": t("gradeWord") });
    const onsubmit = (/** @type {Event} */ event) => {
      event.preventDefault();
      if (grade) does.grade(grade.value, word.value.trim());
    };
    const form = grade && h("form", { class: "grade-form", onsubmit }, word, h("button", { type: "submit", class: "button button--small" }, t("save")));
    return h("div", { class: "grade" }, h("p", { class: "chips" }, h("span", { class: "muted" }, t("gradeAsk")), button("good"), button("bad"), grade && h("span", { class: "muted" }, t("gradeBy", { name: grade.by }))), form);
  }

  return { nodes };
}
