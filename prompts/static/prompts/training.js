/* The list of classifiers: asks every second how the training is, while the page is looked at. */

const PAUSE_MS = 1000;

const root = document.getElementById("training");
const slot = (name) => root.querySelector(`[data-slot="${name}"]`);

// Only what differs is written, so that nothing is announced anew.
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function show(now) {
  // A version that is not in the list yet: the list is read again.
  if (String(now.newest) !== root.dataset.newest) {
    location.reload();
    return;
  }
  const bar = slot("bar");
  bar.hidden = !now.running;
  if (now.steps) {
    bar.max = now.steps;
    bar.value = now.done;
  } else {
    bar.removeAttribute("value"); // how long it takes is not known
  }
  write(slot("text"), now.text);
  const button = slot("button");
  if (button) button.disabled = now.running;
}

async function refresh() {
  if (!document.hidden) {
    try {
      const reply = await fetch(root.dataset.url, { headers: { Accept: "application/json" }, redirect: "manual" });
      if (!reply.ok) throw new Error(String(reply.status));
      show(await reply.json());
    } catch {
      write(slot("text"), root.dataset.stale);
    }
  }
  setTimeout(refresh, PAUSE_MS);
}

setTimeout(refresh, PAUSE_MS);
