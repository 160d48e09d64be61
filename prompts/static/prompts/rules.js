/* The editor of a policy's rules: an ordered list of rules, each a tree of conditions and an effect.
   It edits the JSON of a textarea, which is what is sent; without this script the textarea itself is edited. */

import {
  DEPTH_MOST, fittingValue, isList, isNumber, newTest, parsed, parsedList, readRules, toNode, toTree,
} from "./conditions.js";

const SIGNS = { $eq: "=", $ne: "≠", $gt: ">", $gte: "≥", $lt: "<", $lte: "≤", $in: "∈", $nin: "∉" };
const STRENGTHS = ["light", "standard", "strong"];

const { fields, endpoints, words } = JSON.parse(document.getElementById("rules-editor").textContent);
const textarea = document.querySelector("textarea[data-rules]");
const fieldOf = (name) => fields.find((field) => field.name === name);

const state = { rules: [], lastId: 0, asJson: false };
const list = element("ol", { className: "yd-stack" });
const status = element("p", { className: "yd-hidden", role: "status" });
const problem = element("p", { className: "yd-note warn", role: "alert", hidden: true }, words.not_json);
const addButton = button(words.add_rule, () => addRule(), { className: "yd-button" });
const modeButton = button(words.as_json, () => switchMode(), { className: "yd-button" });
const root = element("div", { className: "yd rules" }, list, problem,
  element("div", { className: "yd-row" }, addButton, modeButton), status);

/* --- DOM ------------------------------------------------------------------------------------------------- */

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made && name !== "list") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function button(label, onclick, properties = {}) {
  return element("button", { type: "button", className: "yd-button small", onclick, ...properties }, label);
}

function select(label, options, value, onpick, properties = {}) {
  const made = element("select", { className: "yd-input", "aria-label": label, ...properties },
    ...options.map(([key, text]) => element("option", { value: key, selected: key === value }, text)));
  made.addEventListener("change", () => onpick(made.value));
  return made;
}

function input(label, value, oninput, properties = {}) {
  const made = element("input", { className: "yd-input", type: "text", value, "aria-label": label, ...properties });
  made.addEventListener("input", () => oninput(made.value));
  return made;
}

/* --- state ----------------------------------------------------------------------------------------------- */

const asJson = ({ name, node, effect }) => ({ name, when: toTree(node), effect });

function save() {
  textarea.value = JSON.stringify(state.rules.map(asJson), null, 2);
}

function adopt(rule) {
  state.lastId += 1;
  return { id: state.lastId, name: String(rule.name ?? ""), node: toNode(rule.when ?? {}, fields), effect: { ...rule.effect } };
}

// Whatever changes the shape is drawn anew; the place of the keyboard is found again by its mark.
function redraw(mark) {
  save();
  list.replaceChildren(...state.rules.map(drawRule));
  const found = mark && root.querySelector(`[data-mark="${mark}"]:not(:disabled)`);
  if (found) found.focus();
}

function addRule() {
  const rule = adopt({ name: `${words.new_rule} ${state.rules.length + 1}`, effect: { strength: "standard" } });
  state.rules.push(rule);
  redraw(`name-${rule.id}`);
}

function move(rule, by) {
  const from = state.rules.indexOf(rule);
  state.rules.splice(from, 1);
  state.rules.splice(from + by, 0, rule);
  const [tried, other] = by < 0 ? ["up", "down"] : ["down", "up"];
  redraw(`${tried}-${rule.id}`);
  if (!root.contains(document.activeElement)) redraw(`${other}-${rule.id}`);
  status.textContent = `${rule.name} ${words.moved} ${from + by + 1}`;
}

function removeRule(rule) {
  const at = state.rules.indexOf(rule);
  state.rules.splice(at, 1);
  const next = state.rules[Math.min(at, state.rules.length - 1)];
  redraw(next && `name-${next.id}`);
  if (!next) addButton.focus();
  status.textContent = `${rule.name} ${words.removed}`;
}

/* --- one rule -------------------------------------------------------------------------------------------- */

function drawRule(rule, at) {
  const name = input(words.name, rule.name, (text) => { rule.name = text.trim(); save(); },
    { "data-mark": `name-${rule.id}`, maxLength: 80, className: "yd-input rule-name" });
  const head = element("div", { className: "yd-row" },
    element("span", { className: "yd-quiet" }, `${at + 1}.`), name,
    element("span", { className: "yd-row yd-push" },
      button("↑", () => move(rule, -1), ruleMark(rule, "up", at === 0)),
      button("↓", () => move(rule, 1), ruleMark(rule, "down", at === state.rules.length - 1)),
      button(words.remove, () => removeRule(rule), { "aria-label": `${words.remove}: ${rule.name}` })));
  return element("li", { className: "yd-box yd-stack", "aria-label": `${words.rule} ${at + 1}` },
    head, drawGroup(rule, rule.node, null, 1), drawEffect(rule));
}

function ruleMark(rule, way, disabled) {
  return { disabled, "data-mark": `${way}-${rule.id}`, "aria-label": `${words[way]}: ${rule.name}`, title: words[way] };
}

/* --- conditions ------------------------------------------------------------------------------------------ */

function drawNode(rule, node, parent, depth) {
  if (node.children) return drawGroup(rule, node, parent, depth);
  return node.kind === "raw" ? drawRaw(rule, node, parent) : drawTest(rule, node, parent);
}

function drawGroup(rule, group, parent, depth) {
  const kinds = ["all", "any", "none"].map((kind) => [kind, words[kind]]);
  const head = element("div", { className: "yd-row" },
    ...(parent ? [] : [element("span", { className: "yd-quiet" }, words.when)]),
    select(words.group, kinds, group.kind, (kind) => { group.kind = kind; save(); }),
    ...(parent ? [removal(rule, group, parent)] : []));
  const children = element("ul", { className: "yd-stack" },
    ...group.children.map((child) => element("li", {}, drawNode(rule, child, group, depth + 1))));
  const empty = !parent && group.children.length === 0 && group.kind === "all";
  if (empty) children.append(element("li", { className: "yd-quiet" }, words.always));
  const mark = `add-${rule.id}-${path(rule.node, group)}`;
  return element("div", { className: "rule-group", role: "group", "aria-label": words.group }, head, children,
    element("div", { className: "yd-row" },
      button(words.add_test, () => add(rule, group, newTest(fields[0]), mark), { "data-mark": mark }),
      button(words.add_group, () => add(rule, group, { kind: "any", children: [newTest(fields[0])] }, mark),
        { disabled: depth >= DEPTH_MOST - 1 })));
}

function add(rule, group, node, mark) {
  group.children.push(node);
  redraw(mark);
}

function removal(rule, node, parent) {
  const mark = `add-${rule.id}-${path(rule.node, parent)}`;
  return button("✕", () => {
    parent.children.splice(parent.children.indexOf(node), 1);
    redraw(mark);
  }, { "aria-label": words.remove, title: words.remove });
}

// Where a node stands in the tree, as "0.2": the same before and after a redraw.
function path(top, wanted) {
  const search = (node, at) => {
    if (node === wanted) return at;
    for (const [index, child] of (node.children ?? []).entries()) {
      const found = search(child, [...at, index]);
      if (found) return found;
    }
    return null;
  };
  return (search(top, []) ?? []).join(".");
}

function drawTest(rule, test, parent) {
  const field = fieldOf(test.field);
  const mark = `${rule.id}-${path(rule.node, test)}`;
  const names = fields.map((one) => [one.name, one.label]);
  return element("div", { className: "yd-row rule-test" },
    select(words.field, names, test.field, (name) => {
      Object.assign(test, newTest(fieldOf(name)));
      redraw(`field-${mark}`);
    }, { "data-mark": `field-${mark}` }),
    select(words.operator, field.operators.map((one) => [one, SIGNS[one]]), test.operator, (operator) => {
      test.value = fittingValue(field, operator, test.value);
      test.operator = operator;
      redraw(`operator-${mark}`);
    }, { "data-mark": `operator-${mark}` }),
    drawValue(field, test),
    removal(rule, test, parent));
}

function drawValue(field, test) {
  const set = (value) => { test.value = value; save(); };
  if (field.kind === "choice" && isList(test.operator)) return drawChoices(field, test, set);
  if (isList(test.operator)) {
    return input(words.values, test.value.join(", "), (text) => set(parsedList(text, field)), { placeholder: words.values });
  }
  if (field.kind === "flag") {
    return select(words.value, [["true", words.yes], ["false", words.no]], String(test.value), (text) => set(text === "true"));
  }
  if (field.kind === "choice") {
    return select(words.value, field.values.map((value) => [value, value]), test.value, set);
  }
  return input(words.value, test.value ?? "", (text) => set(parsed(text, field)), isNumber(field) ? numberLimits(field) : {});
}

function numberLimits(field) {
  const limits = { type: "number", step: field.kind === "whole" ? "1" : "any", inputMode: "decimal" };
  if (field.low !== null) limits.min = field.low;
  if (field.high !== null) limits.max = field.high;
  return limits;
}

function drawChoices(field, test, set) {
  const boxes = field.values.map((value) => {
    const box = element("input", { type: "checkbox", checked: test.value.includes(value) });
    box.addEventListener("change", () =>
      set(field.values.filter((one) => (one === value ? box.checked : test.value.includes(one)))));
    return element("label", { className: "rule-choice" }, box, ` ${value}`);
  });
  return element("span", { className: "yd-row", role: "group", "aria-label": words.value }, ...boxes);
}

function drawRaw(rule, node, parent) {
  return element("div", { className: "yd-row rule-test" },
    element("code", {}, JSON.stringify(node.tree)),
    element("span", { className: "yd-quiet" }, words.kept), removal(rule, node, parent));
}

/* --- effect ---------------------------------------------------------------------------------------------- */

function drawEffect(rule) {
  const { effect } = rule;
  const quality = input(words.q_min, effect.q_min ?? "", (text) => setEffect(rule, "q_min", parsed(text, { kind: "number" })),
    { type: "number", min: 0, max: 1, step: "any", inputMode: "decimal", id: `quality-${rule.id}` });
  const human = element("input", { type: "checkbox", checked: effect.offer_human === true });
  human.addEventListener("change", () => setEffect(rule, "offer_human", human.checked));
  return element("div", { className: "yd-row rule-effect" },
    element("span", { className: "yd-quiet" }, words.then),
    element("label", { className: "yd-row" }, words.pin, drawPin(rule)),
    element("label", { className: "yd-row" }, words.q_min, quality),
    element("label", { className: "rule-choice" }, human, ` ${words.offer_human}`));
}

function drawPin(rule) {
  const { endpoint, strength } = rule.effect;
  const pinned = endpoint ? `endpoint:${endpoint}` : strength ? `strength:${strength}` : "";
  const option = (value, text) => element("option", { value, selected: value === pinned }, text);
  const known = endpoint && !endpoints.includes(endpoint) ? [option(pinned, `${endpoint} (${words.unknown})`)] : [];
  const made = element("select", { className: "yd-input", "aria-label": words.pin }, option("", words.pin_nothing),
    element("optgroup", { label: words.strengths }, ...STRENGTHS.map((name) => option(`strength:${name}`, words[name]))),
    element("optgroup", { label: words.endpoints }, ...endpoints.map((name) => option(`endpoint:${name}`, name)), ...known));
  made.addEventListener("change", () => {
    const [kind, ...name] = made.value.split(":");
    delete rule.effect.endpoint;
    delete rule.effect.strength;
    setEffect(rule, kind, name.join(":"));
  });
  return made;
}

// What does nothing is left out, as somebody would write it by hand.
function setEffect(rule, name, value) {
  if (name && value) rule.effect[name] = value;
  else delete rule.effect[name];
  save();
}

/* --- editor or JSON -------------------------------------------------------------------------------------- */

function load() {
  const rules = readRules(textarea.value);
  problem.hidden = rules !== null;
  if (rules === null) return false;
  state.rules = rules.map(adopt);
  return true;
}

function show(asJson) {
  state.asJson = asJson;
  textarea.hidden = !asJson;
  list.hidden = addButton.hidden = asJson;
  modeButton.textContent = asJson ? words.as_form : words.as_json;
  if (!asJson) redraw();
}

function switchMode() {
  if (!state.asJson) show(true);
  else if (load()) show(false);
}

textarea.after(root);
show(!load());
