/* A silent answer is judged by one key: 1, 2 or 3, as its buttons say. */

const form = document.getElementById('judge');

document.addEventListener('keydown', (event) => {
  const typing = event.target instanceof Element && event.target.closest('input, textarea, select, [contenteditable]');
  if (!form || typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const button = form.querySelector(`button[aria-keyshortcuts="${CSS.escape(event.key)}"]`);
  if (button) form.requestSubmit(button);
});
