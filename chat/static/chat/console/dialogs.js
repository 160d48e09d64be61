// What is asked before an act that others notice: resolving, passing on, handing back, looking at a value. And the help.

import { h, icon } from "../widget/dom.js";
import { visitorName } from "./list.js";
import { keptName, maskedText } from "./masked.js";
import { namedText } from "./mention.js";

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
  return dialog;
}

/** @param {string} label @param {string} name @param {Record<string, string>} [more] */
function area(label, name, more = {}) {
  return h("label", { class: "field" }, h("span", {}, label), h("textarea", { name, rows: "3", maxlength: "1000", ...more }));
}

/** @param {Texts} texts @param {string[]} tags */
const tagField = ({ t }, tags) => h("label", { class: "field" }, h("span", {}, t("resolveTags")), h("input", { name: "tags", maxlength: "200", autocomplete: "off", autofocus: true, value: tags.join(" ") }));

/** @param {FormData} data */
function tagsFrom(data) {
  const words = String(data.get("tags") ?? "").split(/[\s,，、]+/).filter(Boolean);
  return [...new Set(words.map((word) => word.slice(0, 30)))].slice(0, 10);
}

/** @param {Texts} texts @param {string[]} tags @param {(tags: string[]) => void} onTags */
export function askTags(texts, tags, onTags) {
  openForm(texts, texts.t("tagsTitle"), [tagField(texts, tags)], texts.t("save"), (data) => {
    onTags(tagsFrom(data));
    return "";
  });
}

/**
 * The notes that call this agent and were not read, each leading to its conversation.
 * @param {Texts} texts @param {import("./wire.js").Mention[]} mentions @param {Map<number, string>} names @param {(id: string) => void} onOpen
 */
export function showMentions(texts, mentions, names, onOpen) {
  const open = (/** @type {string} */ id) => () => {
    dialog.close();
    onOpen(id);
  };
  const rows = mentions.map((one) =>
    h("li", {}, h("button", { type: "button", class: "mention-row", onclick: open(one.conversation_id) }, h("span", { class: "canned-top" }, h("b", {}, one.by), h("span", { class: "muted grow" }, visitorName(texts, one)), h("time", { class: "muted" }, texts.dateTime(one.at))), h("span", { class: "canned-text" }, maskedText(texts, namedText(one.text, names))))),
  );
  const dialog = openDialog(texts, texts.t("mentionsTitle"), [h("ul", {}, ...rows)]);
}

/** Until when: in an hour, tomorrow or next Monday at nine, at a time of one's own, or until the customer writes. @param {Texts} texts @param {(until: string | null) => void} onSnooze */
export function askSnooze(texts, onSnooze) {
  const { t } = texts;
  const nine = (/** @type {number} */ days) => {
    const at = new Date();
    at.setDate(at.getDate() + days);
    at.setHours(9, 0, 0, 0);
    return at;
  };
  /** @type {[string, string, Date | null][]} */
  const choices = [
    ["reply", t("snoozeReply"), null],
    ["hour", t("snoozeHour"), new Date(Date.now() + 3_600_000)],
    ["tomorrow", t("snoozeTomorrow"), nine(1)],
    ["week", t("snoozeWeek"), nine(((8 - new Date().getDay()) % 7) || 7)],
  ];
  const rows = choices.map(([value, name, at], index) => h("label", { class: "choice" }, h("input", { type: "radio", name: "how", value, checked: index === 0 }), h("span", { class: "grow" }, name), h("span", { class: "muted" }, at ? texts.dateTime(at.toISOString()) : "")));
  const custom = h("label", { class: "choice" }, h("input", { type: "radio", name: "how", value: "custom" }), h("span", { class: "grow" }, t("snoozeCustom")), h("input", { type: "datetime-local", name: "at", class: "select", "aria-label": t("snoozeCustom") }));
  openForm(texts, t("snoozeTitle"), [h("p", { class: "hint" }, t("snoozeHint")), h("div", { class: "choices" }, ...rows, custom)], t("snooze"), (data) => {
    const how = data.get("how");
    const at = how === "custom" ? new Date(String(data.get("at"))) : (choices.find(([value]) => value === how)?.[2] ?? null);
    if (at && !(at.getTime() > Date.now())) return t("snoozePast");
    onSnooze(at?.toISOString() ?? null);
    return "";
  });
}

/**
 * A reply of one's own to keep ready, new or to be changed.
 * @param {Texts} texts @param {{ id?: number, folder: string, title: string, text: string }} reply
 * @param {(reply: { id?: number, folder: string, title: string, text: string } | null) => void} onSave null removes it
 */
export function askCanned(texts, reply, onSave) {
  const { t } = texts;
  const field = (/** @type {string} */ label, /** @type {string} */ name, /** @type {string} */ value, /** @type {string} */ most) => h("label", { class: "field" }, h("span", {}, label), h("input", { name, value, maxlength: most, autocomplete: "off", autofocus: name === "title" }));
  const text = area(t("cannedText"), "text", { maxlength: "2000" });
  /** @type {HTMLTextAreaElement} */ (text.querySelector("textarea")).value = reply.text;
  const fields = [field(t("cannedTitle"), "title", reply.title, "60"), field(t("cannedFolder"), "folder", reply.folder, "100"), text, h("p", { class: "hint" }, t("cannedVariables", Object.fromEntries(["customer", "order", "agent", "shop"].map((one) => [one, `{${one}}`]))))];
  const remove = reply.id !== undefined && h("button", { type: "button", class: "link", onclick: () => (onSave(null), dialog.close()) }, t("cannedRemove"));
  const dialog = openForm(texts, t(reply.id === undefined ? "cannedAdd" : "cannedEdit"), [...fields, remove], t("save"), (data) => {
    const said = { id: reply.id, folder: String(data.get("folder")), title: String(data.get("title")).trim(), text: String(data.get("text")).trim() };
    if (!said.title || !said.text) return t("cannedEmpty");
    onSave(said);
    return "";
  });
}

/**
 * @param {Texts} texts @param {{ tags: string[], summary: string, write: ((told: (state: string, text: string) => void) => () => void) | null }} known
 *   `write` has a summary written, tells its state in words and its text once it is there, and returns what stops it
 * @param {(how: { summary: string, tags: string[] }) => void} onResolve
 */
export function askResolve(texts, { tags, summary, write }, onResolve) {
  const { t } = texts;
  const field = area(t("resolveSummary"), "summary", { autofocus: "" });
  const input = /** @type {HTMLTextAreaElement} */ (field.querySelector("textarea"));
  input.value = summary;
  let written = summary;
  let stop = () => {};
  const said = h("span", { class: "muted grow", role: "status" });
  /** What is typed already stays above it; what was written before makes way. @param {string} state @param {string} text */
  const told = (state, text) => {
    said.textContent = state;
    if (!text) return;
    const own = written ? input.value.replace(written, "") : input.value;
    written = text;
    input.value = [own.trim(), text].filter(Boolean).join("\n").slice(0, 1000);
  };
  const go = write && h("button", { type: "button", class: "button button--small", "data-act": "summarise", onclick: () => (stop = write(told)) }, t("assist_summary"));
  const help = go && h("p", { class: "form-help" }, said, go);
  const dialog = openForm(texts, t("resolveTitle"), [field, help, tagField(texts, tags)], t("resolveGo"), (data) => {
    onResolve({ summary: String(data.get("summary") ?? "").trim(), tags: tagsFrom(data) });
    return "";
  });
  dialog.addEventListener("close", () => stop());
}

/** @param {Texts} texts @param {import("./wire.js").Agent[]} others @param {import("./wire.js").Team[]} teams @param {(to: { to?: number, team?: number }, note: string) => void} onTransfer @param {"transfer" | "reassign"} [act] */
export function askTransfer(texts, others, teams, onTransfer, act = "transfer") {
  const { t } = texts;
  if (others.length + teams.length === 0) {
    openDialog(texts, t(act), [h("p", { class: "hint" }, t("transferNobody"))]);
    return;
  }
  const ordered = [...others].sort((a, b) => Number(b.presence === "online") - Number(a.presence === "online"));
  const rows = ordered.map((agent, index) =>
    h("label", { class: "choice" }, h("input", { type: "radio", name: "to", value: String(agent.id), checked: index === 0 }), h("span", { class: `dot dot--${agent.presence}` }), h("span", { class: "grow" }, agent.name), h("span", { class: "muted" }, t(agent.presence))),
  );
  const groups = teams.map((team, index) => h("label", { class: "choice" }, h("input", { type: "radio", name: "to", value: `team:${team.id}`, checked: others.length === 0 && index === 0 }), h("span", { class: "grow" }, team.name), h("span", { class: "chip" }, t("team"))));
  openForm(texts, t(act === "transfer" ? "transferTitle" : "reassignTitle"), [h("div", { class: "choices" }, ...rows, ...groups), act === "transfer" && area(t("transferNote"), "note")], t(act), (data) => {
    const chosen = String(data.get("to"));
    onTransfer(chosen.startsWith("team:") ? { team: Number(chosen.slice(5)) } : { to: Number(chosen) }, String(data.get("note") ?? "").trim());
    return "";
  });
}

/** @param {Texts} texts @param {(text: string) => void} onWhisper */
export function askWhisper(texts, onWhisper) {
  const { t } = texts;
  openForm(texts, t("whisper"), [h("p", { class: "hint" }, t("whisperHint")), area(t("note"), "text", { autofocus: "" })], t("whisper"), (data) => {
    const text = String(data.get("text") ?? "").trim();
    if (!text) return t("whisperEmpty");
    onWhisper(text);
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
    ["Alt+J / Alt+K", t("keyNext")], ["Alt+L", t("keyReply")], ["Alt+P", t("keyNote")], ["Alt+E", t("keyResolve")], ["Alt+M", t("keySnooze")], ["Alt+T", t("keyTags")], ["Alt+G", t("keyDraft")], ["Alt+R", t("keyRewrite")], ["Alt+U", t("keySummary")], ["/", t("keyCanned")], ["@", t("keyMention")], ["/", t("keySearch")],
    ["Enter", t("keySend")], ["Shift+Enter", t("keyLine")], ["Esc", t("keyEscape")], ["?", t("keyHelp")],
  ];
  openDialog(texts, t("help"), [h("dl", { class: "keys" }, ...keys.flatMap(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)]))]);
}
