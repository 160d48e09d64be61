// The page of an inbox: the form as it stands goes to the preview's frame, and texts are copied with one press.

const PAUSE_MS = 500;

/** @type {HTMLElement[]} */
const languageButtons = [...document.querySelectorAll("button[data-preview-lang]")].filter((found) => found instanceof HTMLElement);
const frame = document.getElementById("inbox-preview");
const form = document.getElementById("inbox_form");

/**
 * Sends the form to the frame as it is, unsaved, by a twin that is gone again at once.
 * @param {HTMLFormElement} form @param {HTMLIFrameElement} frame @param {string} language
 */
function showDraft(form, frame, language) {
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

/** @param {HTMLFormElement} form @param {HTMLIFrameElement} frame */
function keepShowing(form, frame) {
  let language = "zh-CN";
  let timer = 0;
  const soon = () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => showDraft(form, frame, language), PAUSE_MS);
  };
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  for (const button of languageButtons) {
    button.addEventListener("click", () => {
      language = button.dataset.previewLang ?? language;
      for (const other of languageButtons) other.setAttribute("aria-pressed", String(other === button));
      showDraft(form, frame, language);
    });
  }
  showDraft(form, frame, language);
}

/** @param {HTMLElement} button */
function copyOnPress(button) {
  const source = document.getElementById(button.dataset.copy ?? "");
  const label = button.textContent;
  if (!source) return;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent ?? "");
      button.textContent = button.dataset.done ?? label;
      setTimeout(() => (button.textContent = label), 2000);
    } catch {
      window.getSelection()?.selectAllChildren(source);
    }
  });
}

if (frame instanceof HTMLIFrameElement && form instanceof HTMLFormElement) keepShowing(form, frame);
for (const button of document.querySelectorAll("[data-copy]")) {
  if (button instanceof HTMLElement) copyOnPress(button);
}
