// Finds the web addresses in a message. Pure: the view makes elements of the pieces.
// Only https, only plain ASCII addresses, never one that hides its host behind a user name.

const ADDRESS = /https:\/\/[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+/g;
const TRAILING = /[.,;:!?'*]+$/;

/**
 * @param {string} text
 * @returns {{ text: string, href?: string }[]} the pieces in order; joined they are the text
 */
export function splitLinks(text) {
  const pieces = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const shown = trimEnd(match[0]);
    const href = safeHref(shown);
    if (!href) continue;
    if (match.index > from) pieces.push({ text: text.slice(from, match.index) });
    pieces.push({ text: shown, href });
    from = match.index + shown.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from) });
  return pieces;
}

/** Sentence marks and a bracket that was opened before the address are not part of it. @param {string} address */
function trimEnd(address) {
  let trimmed = address.replace(TRAILING, "");
  while (trimmed.endsWith(")") && !trimmed.includes("(")) trimmed = trimmed.slice(0, -1).replace(TRAILING, "");
  return trimmed;
}

/** The address as a link may have it; null for whatever could be something else than it looks. @param {string} address */
export function safeHref(address) {
  try {
    const url = new URL(address);
    if (url.protocol === "mailto:" || url.protocol === "tel:") return url.href;
    return url.protocol === "https:" && url.hostname && !url.username && !url.password ? url.href : null;
  } catch {
    return null;
  }
}
