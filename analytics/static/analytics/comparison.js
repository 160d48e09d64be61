/* A comparison under way: asks every second how far it is, and takes the table anew when it has grown. The button prints. */

const SECONDS = 1;
const TABLE_SECONDS = 5;
let shown = 0;
let shownAt = Date.now();

async function renew() {
  const root = document.getElementById("comparison");
  if (document.hidden || root.dataset.open !== "yes") return;
  const text = root.querySelector('[data-slot="text"]');
  try {
    const reply = await fetch(root.dataset.state, { redirect: "manual", signal: AbortSignal.timeout(5000) });
    if (!reply.ok) throw new Error(String(reply.status));
    const now = await reply.json();
    text.textContent = now.text;
    root.querySelector('[data-slot="done"]').textContent = now.done;
    root.querySelector('[data-slot="total"]').textContent = now.total;
    const bar = root.querySelector('[data-slot="bar"]');
    bar.max = now.total;
    bar.value = now.done;
    const grown = now.done > shown && Date.now() - shownAt > TABLE_SECONDS * 1000;
    if (!now.open || grown) await take(root, now.done);
  } catch {
    text.textContent = root.dataset.stale;
  }
}

async function take(root, done) {
  const reply = await fetch(window.location.href, { redirect: "manual" });
  if (!reply.ok) return;
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  const open = root.querySelector("details")?.open;
  const fresh = page.getElementById("comparison");
  root.replaceWith(fresh);
  if (open) fresh.querySelector("details").open = true;
  shown = done;
  shownAt = Date.now();
}

setInterval(renew, SECONDS * 1000);
document.addEventListener("visibilitychange", renew);
document.getElementById("print")?.addEventListener("click", () => window.print());
