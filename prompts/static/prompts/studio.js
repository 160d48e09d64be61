/* The studio: saves the draft a moment after the last key, and every few seconds while keys go on, under the revision it saw;
   names what is wrong at its field. */

const PAUSE_MS = 1200;
const MOST_MS = 5000;
const RETRY_MS = 4000;

const root = document.getElementById("studio");
const form = document.getElementById("draft");
const saved = document.getElementById("saved");
const draft = form.elements.namedItem("draft");
const revision = form.elements.namedItem("revision");

let timer = 0;
let sending = false;
// Words that came back unsaved wait for a press of the button: they would replace somebody else's.
let stopped = root.dataset.conflict === "yes";
let changed = stopped;
let changedAt = 0;
let leaving = false;

function showProblems(found) {
  for (const list of form.querySelectorAll("[data-wrong]")) {
    const texts = found[list.dataset.wrong] || [];
    list.replaceChildren(
      ...texts.map((text) => {
        const item = document.createElement("li");
        item.textContent = text;
        return item;
      }),
    );
    const field = form.elements.namedItem(list.dataset.wrong);
    if (field) field.setAttribute("aria-invalid", String(texts.length > 0));
  }
}

/** What is there only with a draft, or only without one, follows the first save. */
function showDraft(standing) {
  document.getElementById("standing").textContent = standing;
  for (const part of root.querySelectorAll("[data-drafted]")) part.hidden = part.dataset.drafted !== "yes";
}

function stop(sentence) {
  // Somebody else's draft is not written over: nothing more is sent by itself. A button sends it, and the answer says what is what.
  stopped = true;
  changed = true;
  saved.textContent = sentence;
  saved.className = "yd-note bad";
  // Beside the buttons, too: whoever writes at the end of a long page does not see its head.
  const told = document.getElementById("stopped");
  told.textContent = sentence;
  told.hidden = false;
}

async function send() {
  sending = true;
  changed = false;
  saved.textContent = root.dataset.saving;
  try {
    const reply = await fetch(location.pathname, {
      method: "POST",
      body: new FormData(form),
      headers: { Accept: "application/json" },
      redirect: "manual",
    });
    const said = await reply.json();
    if (said.conflict) {
      stop(said.by ? `${said.sentence} (${said.by})` : said.sentence);
      return;
    }
    draft.value = said.draft;
    revision.value = said.revision;
    saved.textContent = said.saved;
    if (said.standing) showDraft(said.standing);
    showProblems(said.problems);
  } catch {
    saved.textContent = root.dataset.unsaved;
    changed = true;
    later(RETRY_MS);
  } finally {
    sending = false;
  }
  if (changed && !timer) later(PAUSE_MS);
}

function later(pause) {
  clearTimeout(timer);
  timer = setTimeout(() => {
    timer = 0;
    if (!sending && !stopped) send();
    else if (!stopped) later(PAUSE_MS);
  }, pause);
}

form.addEventListener("input", () => {
  if (!changed) changedAt = Date.now();
  changed = true;
  if (!stopped) later(Math.max(0, Math.min(PAUSE_MS, changedAt + MOST_MS - Date.now())));
});

// A click on a button sends everything by itself; what is under way would only be in its way.
form.addEventListener("submit", (event) => {
  clearTimeout(timer);
  timer = 0;
  if (sending) {
    event.preventDefault();
    const button = event.submitter;
    setTimeout(() => form.requestSubmit(button), 300);
    return;
  }
  leaving = true;
});

window.addEventListener("beforeunload", (event) => {
  if (changed && !leaving) event.preventDefault();
});
