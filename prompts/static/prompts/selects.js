/* Fields that are searched and chosen from: each says its label to those who cannot see it beside the field. */

const OPENS = '[role="combobox"], .select2-search__field';

function labelOf(container) {
  const select = container.previousElementSibling;
  const label = select?.id ? document.querySelector(`label[for="${CSS.escape(select.id)}"]`) : null;
  return label?.textContent.replace(/[*:：]\s*$/, '').trim();
}

function name(container) {
  const label = labelOf(container);
  if (!label) return;
  for (const each of container.querySelectorAll(OPENS)) each.setAttribute('aria-label', label);
  for (const each of container.querySelectorAll('[role="textbox"]')) each.setAttribute('aria-label', label);
}

function nameAll(node) {
  for (const each of node.querySelectorAll('.select2-container')) name(each);
}

document.addEventListener('DOMContentLoaded', () => {
  nameAll(document);
  // They are made by a script that may run later, and anew for every row that is added.
  new MutationObserver(() => nameAll(document)).observe(document.body, { childList: true, subtree: true });
});
