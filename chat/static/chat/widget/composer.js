// Where the visitor types. Enter sends, Shift+Enter breaks the line, and an Enter that belongs to an input method
// (choosing pinyin candidates) does neither. Called by view.js; hands the text over and knows nothing of sending.

import { h, icon, setText } from "./dom.js";
import { MAX_MESSAGE_CHARS, countChars } from "./wire.js";

const COUNTER_FROM = 200;
/** What browsers report for a key an input method has taken, also where `isComposing` is already false again. */
const IME_KEY_CODE = 229;

/**
 * @param {object} options
 * @param {import("./texts.js").Texts} options.texts
 * @param {(text: string) => void} options.onSend
 */
export function createComposer({ texts, onSend }) {
  const { t } = texts;
  const counter = h("p", { class: "counter", id: "counter", role: "status" });
  const input = h("textarea", {
    class: "input",
    rows: "1",
    placeholder: t("placeholder"),
    "aria-label": t("message"),
    "aria-describedby": "counter",
    enterkeyhint: "send",
    autocomplete: "off",
    onkeydown: (event) => onKey(event),
    oninput: () => update(),
  });
  const send = h("button", { type: "submit", class: "send", "aria-label": t("send"), title: t("send") }, icon("send"));
  const form = h("form", { class: "composer", onsubmit: (event) => onSubmit(event) }, h("div", { class: "field" }, input, send), counter);

  const grow = () => {
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight}px`;
  };

  const left = () => MAX_MESSAGE_CHARS - countChars(input.value.trim());
  const sendable = () => input.value.trim() !== "" && left() >= 0;

  const update = () => {
    grow();
    const rest = left();
    setText(counter, rest > COUNTER_FROM ? "" : rest < 0 ? t("charsOver", { count: -rest }) : t("charsLeft", { count: rest }));
    counter.classList.toggle("counter--over", rest < 0);
    input.setAttribute("aria-invalid", String(rest < 0));
    send.setAttribute("aria-disabled", String(!sendable()));
  };

  /** @param {Event} event */
  const onSubmit = (event) => {
    event.preventDefault();
    if (!sendable()) return;
    const text = input.value.trim();
    input.value = "";
    update();
    onSend(text);
    input.focus({ preventScroll: true });
  };

  /** @param {KeyboardEvent} event */
  const onKey = (event) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    if (event.isComposing || event.keyCode === IME_KEY_CODE) return;
    onSubmit(event);
  };

  update();
  return {
    element: form,
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
      send.disabled = !enabled;
    },
  };
}
