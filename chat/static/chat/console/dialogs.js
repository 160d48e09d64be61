// What is asked before an act that others notice: resolving, passing on, handing back, looking at a value. And the help.

import { h, icon } from "../widget/dom.js";
import { keptName } from "./masked.js";

/** @typedef {import("./texts.js").Texts} Texts */

/** @param {Texts} texts @param {string} title @param {(Node | false | null)[]} children */
function openDialog(texts, title, children) {
  const close = h("button", { type: "button", class: "icon-button", "aria-label": texts.t("close"), onclick: () => dialog.close() }, icon("close"));
  const dialog = h("dialog", { class: "dialog", "aria-label": title }, h("header", { class: "dialog-head" }, h("h2", {}, title), close), ...children);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * A form in a dialog, sent by its button or Ctrl+Enter.
 * @param {Texts} texts @param {string} title @param {(Node | false | null)[]} fields @param {string} go
 * @param {(data: FormData) => string} onSend what is wrong, or "" when it was sent
 */
function openForm(texts, title, fields, go, onSend) {
  const problem = h("p", { class: "problem", role: "alert" });
  const onsubmit = (/** @type {Event} */ event) => {
    event.preventDefault();
    problem.textContent = onSend(new FormData(form));
    if (!problem.textContent) dialog.close();
  };
  const buttons = h("footer", { class: "dialog-foot" }, h("button", { type: "button", class: "button", onclick: () => dialog.close() }, texts.t("cancel")), h("button", { type: "submit", class: "button button--primary" }, go));
  const onkeydown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  };
  const form = h("form", { class: "form", novalidate: true, onsubmit, onkeydown }, ...fields, problem, buttons);
  const dialog = openDialog(texts, title, [form]);
}

/** @param {string} label @param {string} name @param {Record<string, string>} [more] */
function area(label, name, more = {}) {
  return h("label", { class: "field" }, h("span", {}, label), h("textarea", { name, rows: "3", maxlength: "1000", ...more }));
}

/** @param {Texts} texts @param {(how: { summary: string, tags: string[] }) => void} onResolve */
export function askResolve(texts, onResolve) {
  const { t } = texts;
  const tags = h("label", { class: "field" }, h("span", {}, t("resolveTags")), h("input", { name: "tags", maxlength: "200", autocomplete: "off" }));
  openForm(texts, t("resolveTitle"), [area(t("resolveSummary"), "summary", { autofocus: "" }), tags], t("resolveGo"), (data) => {
    const words = String(data.get("tags") ?? "").split(/[\s,，、]+/).filter(Boolean);
    onResolve({ summary: String(data.get("summary") ?? "").trim(), tags: words.map((word) => word.slice(0, 30)).slice(0, 10) });
    return "";
  });
}

/** @param {Texts} texts @param {import("./wire.js").Agent[]} others @param {(to: number, note: string) => void} onTransfer */
export function askTransfer(texts, others, onTransfer) {
  const { t } = texts;
  if (others.length === 0) {
    openDialog(texts, t("transferTitle"), [h("p", { class: "hint" }, t("transferNobody"))]);
    return;
  }
  const ordered = [...others].sort((a, b) => Number(b.presence === "online") - Number(a.presence === "online"));
  const rows = ordered.map((agent, index) =>
    h("label", { class: "choice" }, h("input", { type: "radio", name: "to", value: String(agent.id), checked: index === 0 }), h("span", { class: `dot dot--${agent.presence}` }), h("span", { class: "grow" }, agent.name), h("span", { class: "muted" }, t(agent.presence))),
  );
  openForm(texts, t("transferTitle"), [h("div", { class: "choices" }, ...rows), area(t("transferNote"), "note")], t("transferGo"), (data) => {
    onTransfer(Number(data.get("to")), String(data.get("note") ?? "").trim());
    return "";
  });
}

/** @param {Texts} texts @param {(note: string) => void} onHandBack */
export function askHandBack(texts, onHandBack) {
  const { t } = texts;
  openForm(texts, t("handBackTitle"), [h("p", { class: "hint" }, t("handBackHint")), area(t("handBackNote"), "note")], t("handBackGo"), (data) => {
    onHandBack(String(data.get("note") ?? "").trim());
    return "";
  });
}

/** @param {Texts} texts @param {string} placeholder @param {(reason: string) => void} onReveal */
export function askReveal(texts, placeholder, onReveal) {
  const { t } = texts;
  const reason = h("label", { class: "field" }, h("span", {}, t("revealReason")), h("input", { name: "reason", maxlength: "150", autocomplete: "off", autofocus: true, placeholder: t("revealReason_hint") }));
  openForm(texts, t("revealTitle", { what: keptName(texts, placeholder) }), [h("p", { class: "hint" }, t("revealHint")), reason], t("reveal"), (data) => {
    const why = String(data.get("reason") ?? "").trim();
    if (why.length < 2) return t("revealShort");
    onReveal(why);
    return "";
  });
}

/** @param {Texts} texts */
export function showHelp(texts) {
  const { t } = texts;
  /** @type {[string, string][]} */
  const keys = [
    ["Alt+J / Alt+K", t("keyNext")], ["Alt+L", t("keyReply")], ["Alt+P", t("keyNote")], ["Alt+E", t("keyResolve")],
    ["Enter", t("keySend")], ["Shift+Enter", t("keyLine")], ["Esc", t("keyEscape")], ["?", t("keyHelp")],
  ];
  openDialog(texts, t("help"), [h("dl", { class: "keys" }, ...keys.flatMap(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)]))]);
}
