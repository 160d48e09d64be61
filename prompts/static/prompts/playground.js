/* The playground: a message goes to every column at once; each shows its answer as soon as it is there, and keeps its own thread. */

import { element, showAnswer } from "./answer.js";

const board = JSON.parse(document.getElementById("playground-board").textContent);
const root = document.getElementById("playground");
const form = document.getElementById("play-form");
const grid = document.getElementById("columns");
const { words } = board;
const columns = new Set();

function chooser(label, options, chosen) {
  const select = element("select", { class: "yd-input", "aria-label": label });
  for (const { value, text } of options) select.append(new Option(text, value, false, value === chosen));
  return select;
}

function addColumn({ version, endpoint }) {
  if (columns.size >= board.most) return;
  const column = { thread: [], version: chooser(words.version, board.versions, version), endpoint: chooser(words.endpoint, board.endpoints, endpoint) };
  column.log = element("div", { class: "yd-stack", "aria-live": "polite" }, element("p", { class: "yd-quiet" }, words.empty));
  const remove = element("button", { class: "yd-button small", type: "button" }, words.remove);
  column.box = element("section", { class: "yd-box yd-stack" }, column.version, column.endpoint, column.log, remove);
  remove.addEventListener("click", () => {
    columns.delete(column);
    column.box.remove();
    showCount();
  });
  columns.add(column);
  grid.append(column.box);
  showCount();
}

function showCount() {
  document.getElementById("add").disabled = columns.size >= board.most || board.versions.length === 0;
  document.getElementById("send").disabled = columns.size === 0;
}

async function askColumn(column, message) {
  const place = element("div", { class: "yd-stack" }, element("p", { class: "yd-quiet" }, words.waiting));
  if (column.thread.length === 0) column.log.replaceChildren();
  column.log.append(element("p", {}, `▸ ${message}`), place);
  const body = new FormData(form);
  body.set("message", message);
  body.set("version", column.version.value);
  body.set("endpoint", column.endpoint.value);
  body.set("history", JSON.stringify(column.thread.slice(-board.history)));
  try {
    const sent = await fetch(root.dataset.url, { method: "POST", body, redirect: "manual" });
    const reply = await sent.json();
    showAnswer(place, words, reply);
    if (reply.ok) column.thread.push(["visitor", reply.asked], ["bot", reply.answer]);
  } catch {
    showAnswer(place, words, { ok: false, sentence: words.failed });
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const field = form.elements.namedItem("message");
  const message = field.value.trim();
  if (!message) return;
  field.value = "";
  const send = document.getElementById("send");
  send.disabled = true;
  await Promise.all([...columns].map((column) => askColumn(column, message)));
  showCount();
  field.focus();
});

document.getElementById("add").addEventListener("click", () => {
  addColumn({ version: board.versions[0]?.value, endpoint: board.endpoints[0]?.value });
});

document.getElementById("restart").addEventListener("click", () => {
  for (const column of columns) {
    column.thread = [];
    column.log.replaceChildren(element("p", { class: "yd-quiet" }, words.empty));
  }
});

// Enter sends, Shift+Enter begins a new line, and an input method may still be choosing characters.
form.elements.namedItem("message").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});

board.columns.forEach(addColumn);
showCount();
