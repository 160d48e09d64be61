/* Conditions of rules between the JSON the server stores and the nodes an editor shows. Pure: no DOM.

   A node is a group {kind: "all" | "any" | "none", children}, a test {kind: "test", field, operator, value},
   or {kind: "raw", tree} for what the editor does not know and keeps as it is. */

const GROUPS = { $and: "all", $or: "any" };
export const DEPTH_MOST = 5;

/** The node of a condition; always a group, so that conditions can be added to it. */
export function toNode(tree, fields) {
  const parts = Object.entries(tree).flatMap(([key, value]) => partNodes(key, value, fields));
  const alone = parts.length === 1 && parts[0].children ? parts[0] : null;
  return alone ?? { kind: "all", children: parts };
}

function partNodes(key, value, fields) {
  if (key in GROUPS && Array.isArray(value)) {
    return [{ kind: GROUPS[key], children: value.map((part) => unwrapped(toNode(part, fields))) }];
  }
  if (key === "$not" && isObject(value)) {
    const inner = toNode(value, fields);
    return [{ kind: "none", children: inner.kind === "any" ? inner.children : [unwrapped(inner)] }];
  }
  const field = fields.find((one) => one.name === key);
  if (!field) return [{ kind: "raw", tree: { [key]: value } }];
  const asked = isObject(value) ? Object.entries(value) : [["$eq", value]];
  return asked.map(([operator, wanted]) =>
    field.operators.includes(operator)
      ? { kind: "test", field: key, operator, value: wanted }
      : { kind: "raw", tree: { [key]: { [operator]: wanted } } });
}

// A group of one needs no frame around it.
function unwrapped(node) {
  return node.kind === "all" && node.children.length === 1 ? node.children[0] : node;
}

/** The condition of a node, as the server reads it. */
export function toTree(node) {
  if (node.kind === "raw") return node.tree;
  if (node.kind === "test") return { [node.field]: { [node.operator]: node.value } };
  const parts = node.children.map(toTree);
  if (node.kind === "any") return parts.length === 1 ? parts[0] : { $or: parts };
  if (node.kind === "none") return { $not: parts.length === 1 ? parts[0] : { $or: parts } };
  if (parts.length === 0) return {};
  return parts.length === 1 ? parts[0] : { $and: parts };
}

/** A test of `field` that the server takes as it is. */
export function newTest(field) {
  const operator = isNumber(field) ? "$gte" : "$eq";
  return { kind: "test", field: field.name, operator, value: firstValue(field, operator) };
}

/** A value to begin with, of the type that field and operator want. */
export function firstValue(field, operator) {
  const value = plainFirst(field);
  return isList(operator) ? [value].filter((one) => one !== "") : value;
}

function plainFirst(field) {
  if (field.kind === "flag") return true;
  if (field.kind === "choice") return field.values[0];
  if (field.kind === "word") return "";
  return field.low ?? 0;
}

/** The value after the operator changed: kept where it still fits. */
export function fittingValue(field, operator, value) {
  const isListed = Array.isArray(value);
  if (isListed === isList(operator)) return value;
  if (isListed) return value.length ? value[0] : plainFirst(field);
  return value === "" || value === null ? [] : [value];
}

/** What somebody typed, as a value; null where a number is wanted and none is there. */
export function parsed(text, field) {
  if (!isNumber(field)) return text.trim();
  const value = text.trim() === "" ? NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}

/** Several values, separated by commas of either script. */
export function parsedList(text, field) {
  return text.split(/[,\uff0c\u3001]/).filter((part) => part.trim() !== "").map((part) => parsed(part, field));
}

export const isList = (operator) => operator === "$in" || operator === "$nin";
export const isNumber = (field) => field.kind === "number" || field.kind === "whole";
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** The rules in `text`, or null when the editor cannot show them. */
export function readRules(text) {
  let rules;
  try {
    rules = JSON.parse(text || "[]");
  } catch {
    return null;
  }
  const isShown = (rule) => isObject(rule) && isObject(rule.when ?? {}) && isObject(rule.effect ?? {});
  return Array.isArray(rules) && rules.every(isShown) ? rules : null;
}
