// A sheet over the conversation: one thing to read or decide, then back. Native dialogs bring focus, Escape and inertness.
// The forms in it are here too; what is done with their values is the caller's.

import { h, icon } from "./dom.js";

const PHONE = /^\+?[\d\s()-]{6,20}$/;
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
const STARS = [1, 2, 3, 4, 5];

/**
 * @typedef {import("./texts.js").Translate} Translate
 * @typedef {import("./wire.js").Field} Field
 */

/** @param {HTMLElement} root @param {Translate} t @param {string} title @param {(close: () => void) => (Node | false)[]} fill */
export function openSheet(root, t, title, fill) {
  const close = () => {
    sheet.close();
  };
  const button = h("button", { type: "button", class: "round", "aria-label": t("close"), onclick: close }, icon("close"));
  const sheet = h("dialog", { class: "sheet", "aria-label": title }, h("div", { class: "sheet-head" }, h("h2", {}, title), button));
  sheet.append(...fill(close).filter((node) => node !== false));
  sheet.addEventListener("close", () => sheet.remove());
  sheet.addEventListener("click", (event) => event.target === sheet && close());
  root.append(sheet);
  sheet.showModal();
  return sheet;
}

/** @param {string} label @param {() => void} onclick @param {string} [kind] */
export function button(label, onclick, kind = "plain") {
  return h("button", { type: "button", class: `button button--${kind}`, onclick }, label);
}

/** @param {Translate} t @param {Field} field */
function fieldElement(t, field) {
  const id = `field-${field.name}`;
  const shared = { id, class: "field-input", name: field.name, "aria-describedby": `${id}-error`, "aria-required": String(field.required ?? false) };
  /** @type {Record<string, string>} */
  const types = { phone: "tel", email: "email" };
  const input =
    field.kind === "select"
      ? h("select", shared, h("option", { value: "" }, t("choose")), ...(field.options ?? []).map((option) => h("option", { value: option }, option)))
      : field.kind === "long"
        ? h("textarea", { ...shared, rows: "4", maxlength: "2000" })
        : h("input", { ...shared, type: types[field.kind ?? ""] ?? "text", maxlength: "200", autocomplete: types[field.kind ?? ""] ?? "off" });
  const error = h("p", { class: "field-error", id: `${id}-error` });
  const star = field.required && h("span", { class: "needed", "aria-hidden": "true" }, " *");
  const element = h("div", { class: "form-row" }, h("label", { for: id }, field.label, star), input, error);
  return {
    element,
    input,
    /** @returns {boolean} */
    check() {
      const text = input.value.trim();
      const wrong = !text ? field.required && t("needed") : field.kind === "phone" && !PHONE.test(text) ? t("badPhone") : field.kind === "email" && !EMAIL.test(text) && t("badEmail");
      error.textContent = wrong || "";
      input.setAttribute("aria-invalid", String(Boolean(wrong)));
      return !wrong;
    },
  };
}

/**
 * @param {Translate} t @param {Field[]} fields @param {string} label of the button
 * @param {(values: Record<string, string>) => Promise<string> | string} onSend resolves with what went wrong, or ""
 */
export function createForm(t, fields, label, onSend) {
  const rows = fields.map((field) => fieldElement(t, field));
  const problem = h("p", { class: "field-error", role: "alert" });
  const send = h("button", { type: "submit", class: "button button--primary" }, label);
  const onsubmit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const wrong = rows.filter((row) => !row.check());
    if (wrong.length > 0) return wrong[0].input.focus();
    send.disabled = true;
    problem.textContent = await onSend(Object.fromEntries(rows.map(({ input }) => [input.name, input.value.trim()]).filter(([, value]) => value)));
    send.disabled = false;
  };
  return h("form", { class: "form", novalidate: true, onsubmit }, ...rows.map((row) => row.element), problem, send);
}

/** A few ways to answer of which one holds. @param {string} name @param {string} legend @param {[string, Node | string][]} options value and what is shown */
function radios(name, legend, options, chosen = "") {
  const inputs = options.map(([value, shown]) => {
    const input = h("input", { type: "radio", name, value, checked: value === chosen });
    return h("label", { class: `radio radio--${name}` }, input, typeof shown === "string" ? h("span", {}, shown) : shown);
  });
  return h("fieldset", { class: `radios radios--${name}` }, h("legend", {}, legend), ...inputs);
}

/**
 * @param {Translate} t @param {string[]} tags @param {number} stars already given, else 0
 * @param {(rating: { score: number, resolved: boolean, tags: string[], comment?: string }) => boolean} onRate
 * @param {() => void} onDone
 */
export function ratingForm(t, tags, stars, onRate, onDone) {
  const words = h("p", { class: "star-words", "aria-hidden": "true" });
  const name = (/** @type {number} */ count) => t(/** @type {import("./texts.js").TextKey} */ (`star${count}`));
  const options = STARS.map((count) => /** @type {[string, Node]} */ ([String(count), h("span", { class: "star" }, icon("star"), h("span", { class: "sr-only" }, `${t("stars", { count })}: ${name(count)}`))]));
  const problem = h("p", { class: "field-error", role: "alert" });
  const onsubmit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const data = new FormData(form);
    const score = Number(data.get("score"));
    if (!score) {
      problem.textContent = t("needed");
      return;
    }
    const comment = String(data.get("comment") ?? "").trim();
    const resolved = data.get("solved") ? data.get("solved") === "yes" : score >= 4;
    const sent = onRate({ score, resolved, tags: data.getAll("tag").map(String), ...(comment && { comment }) });
    if (sent) onDone();
    else problem.textContent = t("errorGeneric");
  };
  const form = h(
    "form",
    { class: "form", onsubmit, onchange: () => (words.textContent = name(Number(new FormData(form).get("score")) || 5)) },
    radios("score", t("rateTitle"), options, String(stars)),
    words,
    radios("solved", t("solved"), [["yes", t("yes")], ["no", t("no")]]),
    tags.length > 0 && h("div", { class: "chips" }, ...tags.map((tag) => h("label", { class: "chip chip--tag" }, h("input", { type: "checkbox", name: "tag", value: tag }), tag))),
    h("textarea", { class: "field-input", name: "comment", rows: "3", maxlength: "1000", "aria-label": t("rateWhy"), placeholder: t("rateWhy") }),
    problem,
    h("button", { type: "submit", class: "button button--primary" }, t("submit")),
  );
  words.textContent = stars ? name(stars) : "";
  return form;
}
