// Where the visitor types. Enter sends, Shift+Enter breaks the line, and an Enter that belongs to an input method
// (choosing pinyin candidates) does neither. Called by view.js; hands text and images over and knows nothing of sending.

import { h, icon, setText } from "./dom.js";
import { createUploads } from "./uploads.js";
import { MAX_MESSAGE_CHARS, countChars } from "./wire.js";

const COUNTER_FROM = 200;
/** What browsers report for a key an input method has taken, also where `isComposing` is already false again. */
const IME_KEY_CODE = 229;
const TYPING_EVERY_MS = 3_000;
const TYPING_ENDS_MS = 4_000;

/**
 * @param {object} options
 * @param {import("./texts.js").Texts} options.texts
 * @param {string} [options.placeholder]
 * @param {{ max_bytes: number, types: string[] } | null} [options.limits] of images; none are taken without
 * @param {(text: string, attachments: import("./wire.js").Attachment[]) => void} options.onSend
 * @param {(on: boolean) => void} options.onTyping
 * @param {(image: Blob, name: string) => Promise<import("./wire.js").Attachment>} options.upload
 */
export function createComposer({ texts, placeholder, limits, onSend, onTyping, upload }) {
  const { t } = texts;
  let isComposing = false;
  let typingAt = 0;
  let typingTimer = 0;
  const problem = h("p", { class: "field-error", role: "alert" });
  const onProblem = (/** @type {string} */ message) => setText(problem, message);
  const uploads = limits ? createUploads({ t, limits, upload, onProblem, onChange: () => update() }) : null;
  const counter = h("p", { class: "counter", id: "counter", role: "status" });
  const input = h("textarea", {
    class: "input",
    rows: "1",
    placeholder: placeholder || t("placeholder"),
    "aria-label": t("message"),
    "aria-describedby": "counter",
    enterkeyhint: "send",
    autocomplete: "off",
    onkeydown: (event) => onKey(event),
    oninput: () => onInput(),
    oncompositionstart: () => (isComposing = true),
    oncompositionend: () => (isComposing = false),
    onblur: () => (isComposing = false),
    onpaste: (event) => onFiles(event, event.clipboardData),
  });
  const send = h("button", { type: "submit", class: "send", "aria-label": t("send"), title: t("send") }, icon("send"));
  const attach = uploads && h("button", { type: "button", class: "attach", "aria-label": t("attach"), title: t("attach"), onclick: () => uploads.picker.click() }, icon("image"));
  const form = h("form", { class: "composer", onsubmit: (event) => onSubmit(event) }, h("div", { class: "field" }, attach, input, send), problem, counter);
  if (uploads) form.prepend(uploads.tray, uploads.picker);

  /** Takes what a paste or a drop brings, if it brings images. @param {Event} event @param {DataTransfer | null} data */
  const onFiles = (event, data) => {
    if (!uploads || !data || data.files.length === 0) return;
    event.preventDefault();
    onProblem("");
    uploads.add([...data.files]);
  };

  const grow = () => {
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight}px`;
  };

  const left = () => MAX_MESSAGE_CHARS - countChars(input.value.trim());
  const hasImages = () => (uploads?.count() ?? 0) > 0;
  const sendable = () => (input.value.trim() !== "" || hasImages()) && left() >= 0 && !uploads?.isBusy();

  const update = () => {
    grow();
    const rest = left();
    setText(counter, rest > COUNTER_FROM ? "" : rest < 0 ? t("charsOver", { count: -rest }) : t("charsLeft", { count: rest }));
    counter.classList.toggle("counter--over", rest < 0);
    input.setAttribute("aria-invalid", String(rest < 0));
    send.setAttribute("aria-disabled", String(!sendable()));
  };

  const stopTyping = () => {
    clearTimeout(typingTimer);
    if (typingAt) onTyping(false);
    typingAt = 0;
  };

  const onInput = () => {
    update();
    if (!input.value.trim()) return stopTyping();
    clearTimeout(typingTimer);
    typingTimer = window.setTimeout(stopTyping, TYPING_ENDS_MS);
    if (Date.now() - typingAt < TYPING_EVERY_MS) return;
    typingAt = Date.now();
    onTyping(true);
  };

  /** @param {Event} event */
  const onSubmit = (event) => {
    event.preventDefault();
    setText(problem, uploads?.isBusy() ? t("imageBusy") : "");
    if (!sendable()) return;
    const text = input.value.trim();
    const attachments = uploads?.take() ?? [];
    input.value = "";
    update();
    stopTyping();
    onSend(text, attachments);
    input.focus({ preventScroll: true });
  };

  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    if (isComposing || event.isComposing || event.keyCode === IME_KEY_CODE) return;
    onSubmit(event);
  };

  update();
  return {
    element: form,
    onFiles,
    takesImages: uploads !== null,
    focus: () => input.focus({ preventScroll: true }),
    draft: () => input.value,
    /** @param {string} text */
    setDraft(text) {
      input.value = text;
      update();
    },
    /** To be called once the element is in the page: before that it has no height. */
    fit: grow,
    /** @param {boolean} enabled */
    setEnabled(enabled) {
      form.classList.toggle("composer--off", !enabled);
      input.disabled = !enabled;
      if (attach) attach.disabled = !enabled;
      send.disabled = !enabled;
    },
  };
}
