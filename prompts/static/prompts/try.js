/* The page that tries models: posts the question to one endpoint, or to all at once, and fills in what came back. */

const FIGURES = ["first_token", "total", "tokens_in", "tokens_out", "cost"];

const root = document.getElementById("try");
const form = document.getElementById("try-form");
const all = document.getElementById("try-all");
const cards = [...root.querySelectorAll(".yd-card")];

const slot = (card, name) => card.querySelector(`[data-slot="${name}"]`);

function showRunning(card) {
  card.setAttribute("aria-busy", "true");
  card.querySelector("[data-try]").disabled = true;
  slot(card, "state").textContent = root.dataset.running;
}

function showReply(card, reply) {
  for (const name of FIGURES) slot(card, name).textContent = reply[name] || "—";
  const answer = slot(card, "answer");
  answer.classList.toggle("bad", !reply.ok);
  answer.textContent = reply.ok
    ? reply.answer
    : [reply.sentence, reply.detail, reply.error && `(${reply.error})`].filter(Boolean).join(" ");
  slot(card, "state").textContent = reply.ok ? root.dataset.done : root.dataset.failed;
}

function showIdle(card) {
  card.setAttribute("aria-busy", "false");
  card.querySelector("[data-try]").disabled = false;
}

async function post(card) {
  const reply = await fetch(card.dataset.url, { method: "POST", body: new FormData(form), redirect: "manual" });
  if (reply.status >= 500) throw new Error(String(reply.status));
  const isJson = (reply.headers.get("Content-Type") || "").startsWith("application/json");
  return isJson ? reply.json() : { ok: false, sentence: root.dataset.signedOut };
}

async function tryOne(card) {
  if (!form.reportValidity()) return;
  showRunning(card);
  try {
    showReply(card, await post(card));
  } catch {
    showReply(card, { ok: false, sentence: root.dataset.unreachable });
  } finally {
    showIdle(card);
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  all.disabled = true;
  await Promise.all(cards.filter((card) => card.dataset.off === undefined).map(tryOne));
  all.disabled = false;
});

for (const card of cards) {
  card.querySelector("[data-try]").addEventListener("click", () => tryOne(card));
}
