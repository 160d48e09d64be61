// The supervisor's board over the panes: who waits, who is there with how much in hand, and how today went.

import { h } from "../widget/dom.js";

/**
 * @typedef {{ served: number, resolved: number, quick_share: number | null, reply_seconds: number | null, score: number | null }} Day
 * @typedef {{ id: number, name: string, presence: "online" | "busy" | "away", load: number, aside: number, ringing: number, capacity: number, today: Day }} Member
 * @typedef {{ queue: { inbox: string, waiting: number, since: string }[], agents: Member[], briefs: { source: "model" | "template", briefs: number, good: number, bad: number }[], mode: string, paused: boolean, at: string }} Board
 * @typedef {{ close: () => void, pause: (paused: boolean) => void, who: (agent: number) => void }} Does
 */

/** @param {HTMLElement} root @param {import("./texts.js").Texts} texts @param {Does} does */
export function createBoard(root, texts, does) {
  const { t } = texts;
  let look = "";

  /** @param {import("./store.js").State} state */
  function render(state) {
    root.hidden = !state.boardOpen;
    const { board } = state;
    const next = state.boardOpen ? JSON.stringify(board) : "";
    if (next === look) return;
    look = next;
    if (!state.boardOpen) return;
    root.replaceChildren(
      h("header", { class: "board-head" }, h("h2", { class: "grow" }, t("board")), ...(board ? [h("span", { class: "chip" }, t(board.mode === "push" ? "modePush" : "modePull")), pauseButton(board)] : []), h("button", { type: "button", class: "icon-button", "aria-label": t("close"), onclick: does.close }, "×")),
      ...(board ? [queueNodes(board), agentNodes(board), briefNodes(board)] : [h("p", { class: "muted" }, t("loading"))]),
    );
  }

  /** @param {Board} board */
  const pauseButton = ({ paused }) => h("button", { type: "button", class: `button button--small${paused ? " button--primary" : ""}`, "data-act": "pause", "aria-pressed": String(paused), onclick: () => does.pause(!paused) }, t(paused ? "resume" : "pause"));

  /** @param {Board} board */
  function queueNodes({ queue, at }) {
    if (queue.length === 0) return h("p", { class: "muted board-queue" }, t("emptyQueue"));
    const rows = queue.map((one) => h("li", { class: "board-wait" }, h("b", {}, String(one.waiting)), h("span", {}, one.inbox), h("span", { class: "muted" }, t("longest", { span: texts.span((Date.parse(at) - Date.parse(one.since)) / 1000) }))));
    return h("ul", { class: "board-queue" }, ...rows);
  }

  /** @param {Board} board */
  function agentNodes({ agents }) {
    const heads = /** @type {import("./texts.js").TextKey[]} */ (["agent", "load", "served", "resolvedToday", "replyTime", "quickShare", "score5"]).map((key) => h("th", { scope: "col" }, t(key)));
    return h("div", { class: "board-scroll" }, h("table", { class: "board-table" }, h("thead", {}, h("tr", {}, ...heads)), h("tbody", {}, ...agents.map(agentRow))));
  }

  /** How agents found the briefs of the last month, by who wrote them. @param {Board} board */
  function briefNodes({ briefs }) {
    const said = briefs.filter((one) => one.briefs > 0).map((one) => t("boardBriefs", { ...one, source: t(one.source === "model" ? "source_model" : "source_template") }));
    return h("p", { class: "muted board-briefs" }, said.length ? `${t("brief")} · ${said.join("　")}` : "");
  }

  /** @param {Member} one */
  function agentRow(one) {
    const { today } = one;
    const full = one.load >= one.capacity;
    const name = h("button", { type: "button", class: "link board-name", onclick: () => does.who(one.id) }, one.name);
    const extra = [one.ringing > 0 && h("span", { class: "chip" }, t("ringingCount", { count: one.ringing })), one.aside > 0 && h("span", { class: "chip" }, t("asideCount", { count: one.aside }))];
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, h("span", { class: `dot dot--${one.presence}`, title: t(one.presence) }), " ", name),
      h("td", {}, h("span", { class: full ? "timer--amber" : "" }, `${one.load} / ${one.capacity}`), " ", ...extra),
      h("td", {}, String(today.served)),
      h("td", {}, String(today.resolved)),
      h("td", {}, today.reply_seconds === null ? "—" : texts.span(today.reply_seconds)),
      h("td", {}, today.quick_share === null ? "—" : `${Math.round(today.quick_share * 100)}%`),
      h("td", {}, today.score === null ? "—" : String(today.score)),
    );
  }

  return { render };
}
