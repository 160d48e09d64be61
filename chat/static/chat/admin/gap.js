/* A gap's page: an answer of a person is taken into the proposal, where it is edited. */

const answer = document.querySelector('#proposal [name="answer"]');

for (const button of document.querySelectorAll("[data-answer]")) {
  button.addEventListener("click", () => {
    if (!(answer instanceof HTMLTextAreaElement) || !(button instanceof HTMLElement)) return;
    answer.value = button.dataset.answer || "";
    answer.focus();
  });
}
