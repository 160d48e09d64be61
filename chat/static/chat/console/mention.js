// Colleagues called in a note: who is offered while their name is typed after an @, and how their names stand in a text.
// A note on its way holds <@id>, never a name. The functions above the list are pure.

import { h } from "../widget/dom.js";
import { createChoices } from "./choices.js";

const CALLED = /<@(\d+)>/;
// An @ within a word is an address's.
const TYPED = /(?:^|[^\w.@])@([^\s@]{0,20})$/;
const SHOWN = 8;

/** @typedef {import("./wire.js").Agent} Agent */

/** What has been typed of a name before the caret, and where its @ is; null where none is being typed. @param {string} text @param {number} caret */
export function mentionQuery(text, caret) {
  const match = TYPED.exec(text.slice(0, caret));
  return match ? { query: match[1], from: caret - match[1].length - 1 } : null;
}

/** Those whose name has the query, beginnings first. @param {Agent[]} agents @param {string} query */
export function findAgents(agents, query) {
  const wanted = query.toLowerCase();
  const place = (/** @type {Agent} */ agent) => agent.name.toLowerCase().indexOf(wanted);
  return agents.filter((agent) => place(agent) >= 0).sort((a, b) => Number(place(a) > 0) - Number(place(b) > 0) || a.name.localeCompare(b.name)).slice(0, SHOWN);
}

/** What stands in the field for an agent: two of one name are told apart. @param {Agent} agent @param {Agent[]} agents */
export function labelOf({ id, name }, agents) {
  return agents.some((other) => other.name === name && other.id !== id) ? `${name}(${id})` : name;
}

/** The text as it is sent: `<@id>` for every label that was picked. @param {string} text @param {Map<string, number>} picked ids by label */
export function withIds(text, picked) {
  const longestFirst = [...picked].sort(([a], [b]) => b.length - a.length);
  return longestFirst.reduce((said, [label, id]) => said.replaceAll(called(label), `<@${id}>`), text);
}

/** A label where it calls somebody: not within an address, nor as the beginning of a longer name. @param {string} label */
function called(label) {
  const literal = label.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\p{Script=Latin}\\p{N}_.])@${literal}(?![\\p{Script=Latin}\\p{N}_])`, "gu");
}

/** A note's text in parts, those that call somebody with an id. @param {string} text @returns {{ text: string, id: number | null }[]} */
export function mentionParts(text) {
  return text.split(new RegExp(CALLED, "g")).map((part, index) => (index % 2 ? { text: "", id: Number(part) } : { text: part, id: null })).filter((part) => part.text || part.id !== null);
}

/** The names of agents by id. @param {{ id: number, name: string }[]} agents */
export function namesOf(agents) {
  return new Map(agents.map(({ id, name }) => [id, name]));
}

/** A text with names in the place of ids, for previews. @param {string} text @param {Map<number, string>} names */
export function namedText(text, names) {
  return mentionParts(text).map((part) => (part.id === null ? part.text : `@${names.get(part.id) ?? "?"}`)).join("");
}

/** A note's text with every call marked. @param {string} text @param {Map<number, string>} names @param {number} me @param {(text: string) => Node[]} plain */
export function mentionNodes(text, names, me, plain) {
  return mentionParts(text).flatMap((part) => (part.id === null ? plain(part.text) : [h("b", { class: `mention${part.id === me ? " mention--me" : ""}` }, `@${names.get(part.id) ?? "?"}`)]));
}

/** The list under which a name is completed. @param {import("./texts.js").Texts} texts @param {{ pick: (agent: Agent) => void }} does */
export function createMention(texts, { pick }) {
  const { t } = texts;
  const rows = h("ul", { class: "canned-rows", role: "listbox", id: "mention-rows", "aria-label": t("mention") });
  const root = h("div", { class: "canned", hidden: true }, rows, h("footer", { class: "canned-foot" }, h("span", { class: "muted grow" }, t("mentionHint"))));
  const choices = createChoices(root, rows, { prefix: "mention", pick });

  /** @param {Agent[]} agents @param {string | null} query null closes it */
  function show(agents, query) {
    const found = query === null ? [] : findAgents(agents, query);
    root.hidden = found.length === 0;
    choices.set(found, found.map(rowOf));
  }

  /** @param {Agent} agent @param {number} index */
  function rowOf(agent, index) {
    return h(
      "li",
      { class: "canned-row", role: "option", id: `mention-${index}`, onmousedown: (/** @type {Event} */ event) => event.preventDefault(), onclick: () => pick(agent) },
      h("span", { class: "canned-top" }, h("span", { class: `dot dot--${agent.presence}` }), h("b", {}, agent.name), h("span", { class: "muted" }, t(agent.presence))),
    );
  }

  return { root, show, key: choices.key, active: choices.active };
}
