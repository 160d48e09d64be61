/* The live page: asks every three seconds while it is looked at, and says so when it cannot. */

const SECONDS = 3;
const root = document.getElementById("live");
const stale = root.querySelector('[data-slot="stale"]');

async function renew() {
  if (document.hidden) return;
  try {
    const reply = await fetch(root.dataset.url, { redirect: "manual", signal: AbortSignal.timeout(SECONDS * 1000) });
    if (!reply.ok) throw new Error(String(reply.status));
    for (const [name, text] of Object.entries(await reply.json())) {
      const slot = root.querySelector(`[data-slot="${name}"]`);
      if (slot) slot.textContent = text;
    }
    stale.hidden = true;
  } catch {
    stale.textContent = root.dataset.stale;
    stale.hidden = false;
  }
}

setInterval(renew, SECONDS * 1000);
document.addEventListener("visibilitychange", renew);
