// Brings the demo shop's product page to life: colours, the lamp's switch, and the example questions.
// Everything it asks of the chat goes through the public window.yingda, as on any shop's page.
(function () {
  "use strict";

  const stage = document.getElementById("stage");
  const lampSwitch = document.getElementById("switch");
  const bought = document.getElementById("bought");
  if (!stage || !lampSwitch || !bought) return;

  for (const input of document.querySelectorAll("input[name=colour]")) {
    input.addEventListener("change", () => {
      stage.dataset.colour = /** @type {HTMLInputElement} */ (input).value;
    });
  }

  lampSwitch.addEventListener("click", () => {
    const lit = stage.dataset.lit !== "true";
    stage.dataset.lit = String(lit);
    lampSwitch.setAttribute("aria-pressed", String(lit));
  });

  for (const button of document.querySelectorAll("[data-buy]")) {
    button.addEventListener("click", () => {
      bought.hidden = false;
    });
  }

  for (const button of document.querySelectorAll("[data-ask]")) {
    button.addEventListener("click", () => {
      const { yingda } = /** @type {any} */ (window);
      if (yingda) yingda("sendMessage", button.textContent?.trim());
    });
  }
})();
