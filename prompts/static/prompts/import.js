/* A file of SOPs on its way in: asks every second how far it is, and shows the page anew when it is there. */

const PAUSE_MS = 1000;

const root = document.getElementById("import-job");
const slot = (name) => root.querySelector(`[data-slot="${name}"]`);

function show(now) {
  if (!now.running) {
    location.reload();
    return;
  }
  if (!now.rows) return; // how long it takes is not known yet
  slot("bar").max = now.rows;
  slot("bar").value = now.done;
  slot("text").textContent = `${now.done} / ${now.rows} ${root.dataset.rows}`;
}

async function refresh() {
  if (!document.hidden) {
    try {
      const reply = await fetch(root.dataset.url, { headers: { Accept: "application/json" }, redirect: "manual" });
      if (!reply.ok) throw new Error(String(reply.status));
      show(await reply.json());
    } catch {
      slot("text").textContent = root.dataset.stale;
    }
  }
  setTimeout(refresh, PAUSE_MS);
}

setTimeout(refresh, PAUSE_MS);
