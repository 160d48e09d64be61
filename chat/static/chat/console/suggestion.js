// What a model writes for the agent, above the composer: while it is written, what is doubtful in it, and the way into the
// field and back. Nothing of it is sent by itself.

import { h } from "../widget/dom.js";
import { maskedNodes } from "./masked.js";

/** @typedef {import("./store.js").Suggestion} Suggestion */
/** @typedef {{ use: (text: string, how: "replace" | "add") => void, restore: () => void, cancel: () => void, close: () => void, again: () => void }} Does */

/** Failures that another attempt may get over. */
const PASSING = new Set(["busy", "late", "failed", "rate_limited", "unavailable", "offline"]);

/** @param {import("./texts.js").Texts} texts @param {Does} does */
export function createSuggestion(texts, does) {
  const { t } = texts;
  const root = h("section", { class: "suggestion", hidden: true, "aria-label": t("assist") });
  const said = h("p", { class: "suggestion-state", role: "status" });
  let look = "";

  /** @param {Suggestion | null} suggestion @param {{ used: boolean, canUse: boolean }} place `used`: it is in the field, in the place of what was there */
  function render(suggestion, { used, canUse }) {
    root.hidden = suggestion === null;
    const next = JSON.stringify([suggestion, used, canUse]);
    if (next === look || !suggestion) return;
    look = next;
    const { state, kind, text, doubts, why } = suggestion;
    const name = texts.named("assist", kind);
    said.textContent = stateText(state, name, why, used);
    root.classList.toggle("suggestion--failed", state === "failed");
    root.replaceChildren(
      h("header", { class: "suggestion-head" }, said, ...buttons(suggestion, { used, canUse })),
      ...(text && !used ? [h("p", { class: "suggestion-text" }, ...maskedNodes(text, { texts, revealed: {}, onReveal: null }))] : []),
      ...doubts.map((doubt) => h("p", { class: "doubt" }, h("b", {}, texts.named("doubt", doubt.promise)), " ", doubt.sentence)),
    );
  }

  /** @param {Suggestion["state"]} state @param {string} name @param {string} why @param {boolean} used */
  function stateText(state, name, why, used) {
    if (state === "asked") return t("assistAsked", { name });
    if (state === "running") return t("assistRunning", { name });
    if (state === "failed") return t("assistFailed", { name, why: texts.named("assistWhy", why) });
    return used ? t("assistUsed", { name }) : t("assistDone", { name });
  }

  /** What is written for colleagues goes into a note, never to the customer. @param {Suggestion} suggestion @param {{ used: boolean, canUse: boolean }} place */
  function buttons({ state, kind, why }, { used, canUse }) {
    /** @type {(key: import("./texts.js").TextKey, run: () => void, kind?: string) => HTMLElement} */
    const button = (key, run, kind = "") => h("button", { type: "button", class: `button button--small ${kind}`, "data-act": key, onclick: run }, t(key));
    if (state === "asked" || state === "running") return [button("cancel", does.cancel)];
    const close = button("close", does.close, "button--plain");
    if (state === "failed") return [...(PASSING.has(why) ? [button("assistAgain", does.again)] : []), close];
    if (used) return [button("assistRestore", does.restore), close];
    if (kind === "summary") return [button("assistNote", () => does.use("", "add"), "button--primary"), button("assistAgain", does.again), close];
    const uses = canUse ? [button("assistReplace", () => does.use("", "replace"), "button--primary"), button("assistAdd", () => does.use("", "add"))] : [];
    return [...uses, button("assistAgain", does.again), close];
  }

  return { root, render };
}
