// The page of an inbox: the form as it stands goes to the preview's frame, and texts are copied with one press.

const PAUSE_MS = 500;

const frame = document.getElementById("inbox-preview");
const form = document.getElementById("inbox_form");
let language = "zh-CN";
let timer = 0;

/** Sends the form to the frame as it is, unsaved, by a twin that is gone again at once. */
function showDraft() {
  const twin = document.createElement("form");
  twin.method = "post";
  twin.action = `${frame.dataset.url}?lang=${encodeURIComponent(language)}`;
  twin.target = frame.name;
  twin.hidden = true;
  for (const [name, value] of new FormData(form)) {
    if (typeof value !== "string") continue;
    const input = document.createElement("input");
    input.type = "hidden";
    input.name = name;
    input.value = value;
    twin.append(input);
  }
  document.body.append(twin);
  twin.submit();
  twin.remove();
}

function showDraftSoon() {
  clearTimeout(timer);
  timer = setTimeout(showDraft, PAUSE_MS);
}

if (frame && form) {
  form.addEventListener("input", showDraftSoon);
  form.addEventListener("change", showDraftSoon);
  for (const button of document.querySelectorAll("[data-preview-lang]")) {
    button.addEventListener("click", () => {
      language = button.dataset.previewLang;
      for (const other of document.querySelectorAll("[data-preview-lang]")) {
        other.setAttribute("aria-pressed", String(other === button));
      }
      showDraft();
    });
  }
  showDraft();
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = button.dataset.done;
      setTimeout(() => (button.textContent = label), 2000);
    } catch {
      getSelection().selectAllChildren(source);
    }
  });
}
