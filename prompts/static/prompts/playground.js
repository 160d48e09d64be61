/* The playground: a message goes to every column at once; each shows its answer as soon as it is there, and keeps its own thread. */

const board = JSON.parse(document.getElementById("playground-board").textContent);
const root = document.getElementById("playground");
const form = document.getElementById("play-form");
const grid = document.getElementById("columns");
const { words } = board;
const columns = new Set();

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

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

function figure(name, value) {
  return element("div", {}, element("dt", {}, name), element("dd", {}, value));
}

function detail(name, text) {
  return [element("h3", {}, name), element("pre", { class: "yd-mono yd-exact" }, text || words.none)];
}

function showAnswer(place, reply) {
  const said = element("div", { class: reply.ok ? "yd-said" : "yd-said bad" });
  said.textContent = reply.ok ? reply.answer : [reply.sentence, reply.detail].filter(Boolean).join(" ");
  place.replaceChildren(said);
  if (!reply.prompt) return;
  const hits = reply.hits.map((hit) => `${hit.score.toFixed(3)} ${hit.confident ? "✓" : " "} ${hit.title}`).join("\n");
  place.append(
    element(
      "dl",
      { class: "yd-figures" },
      figure(words.first_token, reply.first_token),
      figure(words.total, reply.total),
      figure(words.tokens, `${reply.tokens_in} / ${reply.tokens_out}`),
      figure(words.cost, reply.cost),
    ),
    element(
      "details",
      {},
      element("summary", {}, words.details),
      ...detail(words.intent, reply.intent),
      ...detail(words.asked, reply.asked),
      ...detail(words.hits, hits),
      ...detail(words.examples, reply.examples.join("\n")),
      ...detail(words.decision, reply.decision),
      ...detail(words.prompt, reply.prompt),
    ),
  );
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
    showAnswer(place, reply);
    if (reply.ok) column.thread.push(["visitor", reply.asked], ["bot", reply.answer]);
  } catch {
    showAnswer(place, { ok: false, sentence: words.failed });
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
