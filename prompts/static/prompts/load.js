/* The load page: asks how things stand every two seconds while it is looked at, and fills in what changed. */

const PAUSE_MS = 2000;

const root = document.getElementById("load-now");
const slot = (parent, name) => parent.querySelector(`[data-slot="${name}"]`);

// Only what differs is written, so that nothing is announced or selected anew.
function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function showBreaker(row, breaker) {
  const state = slot(row, "state");
  write(state, breaker.state_text);
  state.dataset.state = breaker.state;
  write(slot(row, "tokens_left"), breaker.tokens_left);
  const button = row.querySelector("button");
  if (button) button.disabled = breaker.state === "closed";
}

function show(now) {
  for (const name of ["level_text", "rate", "forced", "at"]) write(slot(root, name), now[name]);
  const level = slot(root, "level");
  write(level, String(now.level));
  level.dataset.level = now.level;
  const rows = new Map([...root.querySelectorAll("[data-breaker]")].map((row) => [row.dataset.breaker, row]));
  for (const breaker of now.breakers) {
    if (rows.has(breaker.name)) showBreaker(rows.get(breaker.name), breaker);
  }
  write(slot(root, "stale"), "");
}

async function refresh() {
  if (!document.hidden) {
    try {
      const reply = await fetch(root.dataset.url, { headers: { Accept: "application/json" }, redirect: "manual" });
      if (!reply.ok) throw new Error(String(reply.status));
      show(await reply.json());
    } catch {
      write(slot(root, "stale"), root.dataset.stale);
    }
  }
  setTimeout(refresh, PAUSE_MS);
}

setTimeout(refresh, PAUSE_MS);
