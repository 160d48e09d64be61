/* The filters: a list that is chosen from asks at once, dates win over the list of days, the print button prints. */

const form = document.getElementById("filters");
const days = document.getElementById("days");
const dates = [document.getElementById("from"), document.getElementById("to")];

// On a phone the row of pages is wider than the screen.
document.querySelector(".an-nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

if (form) {
  // On a phone the figures come first.
  if (window.matchMedia("(max-width: 47.99rem)").matches) document.getElementById("fold").open = false;
  // Without a script all fields are sent, and two dates win over the days; so they are sent only where they were chosen.
  form.addEventListener("submit", () => {
    for (const date of dates) date.disabled = Boolean(days.value);
    for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
  });
  for (const date of dates) {
    date.addEventListener("input", () => {
      if (days.options[0].value) days.add(new Option("—", ""), 0);
      days.value = "";
    });
  }
  for (const list of form.querySelectorAll("select")) list.addEventListener("change", () => form.requestSubmit());
  // Back in history the fields are as they were left.
  window.addEventListener("pageshow", () => {
    for (const field of form.elements) field.disabled = false;
  });
}

document.getElementById("print")?.addEventListener("click", () => window.print());
