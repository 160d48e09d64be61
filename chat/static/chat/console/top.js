// The strip at the top: the agent's own status, the connection, sound, help, language. And what has just gone wrong.

import { h, setText } from "../widget/dom.js";

/** @type {import("./wire.js").Agent["presence"][]} */
const STATUSES = ["online", "busy", "away"];

/**
 * @typedef {{ presence: (status: string) => void, sound: () => void, help: () => void, board: () => void, mentions: () => void, called: (id: string) => void, dismiss: () => void }} Does
 */

/**
 * @param {HTMLElement} root @param {HTMLElement} alert @param {import("./texts.js").Texts} texts
 * @param {{ language: HTMLElement, does: Does }} options
 */
export function createTop(root, alert, texts, { language, does }) {
  const { t } = texts;
  const link = h("span", { class: "link-state", role: "status" });
  const dot = h("span", { class: "dot" });
  const name = h("span", { class: "me" });
  const status = h("select", { class: "select", "aria-label": t("presence"), onchange: () => does.presence(status.value) }, ...STATUSES.map((one) => h("option", { value: one }, t(one))));
  const sound = h("button", { type: "button", class: "button button--plain wide-only", onclick: does.sound });
  const board = h("button", { type: "button", class: "button button--plain", hidden: true, onclick: does.board }, t("board"));
  const mentions = h("button", { type: "button", class: "button button--plain mentions", hidden: true, onclick: does.mentions });
  const zones = texts.zones && h("span", { class: "today zones muted wide-only", title: t("zonesHint") }, texts.zones);
  const today = h("span", { class: "today muted wide-only" });
  const help = h("button", { type: "button", class: "icon-button", title: t("help"), "aria-label": t("help"), onclick: does.help }, "?");
  root.append(h("h1", { class: "brand" }, "应答", h("span", { class: "muted" }, t("title"))), link, today, zones || "", h("span", { class: "grow" }), mentions, board, language, sound, help, h("label", { class: "status" }, dot, name, status));
  const text = h("span", { class: "grow" });
  alert.append(text, h("button", { type: "button", class: "icon-button", "aria-label": t("close"), onclick: does.dismiss }, "×"));

  /** @param {import("./store.js").State} state @param {boolean} soundOn */
  return function render(state, soundOn) {
    setText(link, state.link === "online" ? "" : t(state.link));
    if (state.link === "stopped") link.replaceChildren(h("a", { href: `/admin/login/?next=${location.pathname}` }, `${t("stopped")} · ${t("signIn")}`));
    setText(sound, t(soundOn ? "soundOn" : "soundOff"));
    sound.setAttribute("aria-pressed", String(soundOn));
    const presence = state.me?.presence ?? "away";
    dot.className = `dot dot--${presence}`;
    setText(name, state.me?.name ?? "");
    status.disabled = !state.me;
    if (status.value !== presence) status.value = presence;
    board.hidden = !state.supervisor;
    board.setAttribute("aria-pressed", String(state.boardOpen));
    const count = state.mentions.length;
    mentions.hidden = count === 0;
    setText(mentions, `@ ${count}`);
    mentions.title = t("mentionsCount", { count });
    mentions.setAttribute("aria-label", t("mentionsCount", { count }));
    setText(today, state.today ? dayText(state.today) : "");
    alert.hidden = !state.error && !state.call;
    alert.classList.toggle("alert--call", !state.error && !!state.call);
    if (state.error) setText(text, errorText(state.error));
    else if (state.call) {
      const { kind, by, conversation_id } = state.call;
      text.replaceChildren(h("button", { type: "button", class: "link", onclick: () => (does.dismiss(), does.called(conversation_id)) }, t(kind === "whisper" ? "calledWhisper" : kind === "mention" ? "calledMention" : "calledReassign", { name: by })));
    }
  };

  /** @param {import("./board.js").Day} day */
  function dayText({ served, quick_share, reply_seconds, score }) {
    const parts = [t("todayServed", { count: served })];
    if (quick_share !== null) parts.push(`${t("quickShare")} ${Math.round(quick_share * 100)}%`);
    if (reply_seconds !== null) parts.push(`${t("replyTime")} ${texts.span(reply_seconds)}`);
    if (score !== null) parts.push(`${t("score5")} ${score}`);
    return parts.join(" · ");
  }

  /** @param {import("./wire.js").ErrorFrame} error */
  function errorText({ code, act, winner, full, message }) {
    if (code === "missed") return t("errorMissed");
    if (full) return t("errorFull", { name: full });
    if (code === "conflict" && winner) return t(act === "claim" ? "errorClaimLost" : "errorOwned", { name: winner });
    if (code === "conflict") return t("errorConflict");
    if (code === "not_found") return t("errorNotFound");
    if (code === "rate_limited") return t("errorRate");
    if (code === "offline") return t("errorOffline");
    return message || t("errorGeneric");
  }
}
