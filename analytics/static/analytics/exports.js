/* The exports: asks every second how far the unfinished ones are, and shows the link when one is done. */

const SECONDS = 1;
const OPEN = ["waiting", "running"];

async function renew(row) {
  try {
    const reply = await fetch(row.dataset.url, { redirect: "manual" });
    if (!reply.ok) return;
    const job = await reply.json();
    for (const name of ["text", "written", "total"]) row.querySelector(`[data-slot="${name}"]`).textContent = job[name];
    row.dataset.state = job.state;
    row.querySelector("a").hidden = job.state !== "done";
  } catch {
    // The next second asks again.
  }
}

setInterval(() => {
  const open = [...document.querySelectorAll("tr[data-state]")].filter((row) => OPEN.includes(row.dataset.state));
  for (const row of open) renew(row);
}, SECONDS * 1000);
