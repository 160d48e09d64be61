// The page with a button for each method of the widget's script: makes the call that is written on it, lists the events.
(function () {
  "use strict";

  const EVENTS = "ready opened closed message messageSent unread stateChanged handoffRequested queueUpdated agentJoined ratingSubmitted error".split(" ");
  const SHOWN = 30;
  const list = document.getElementById("events");
  if (!list) return;

  /** @param {string} text */
  const tell = (text) => {
    const line = document.createElement("li");
    line.textContent = `${new Date().toLocaleTimeString()} ${text}`;
    list.prepend(line);
    while (list.children.length > SHOWN) list.lastElementChild?.remove();
  };

  for (const name of EVENTS) {
    document.addEventListener(`yingda:${name}`, (event) => tell(`${name} ${JSON.stringify(/** @type {CustomEvent} */ (event).detail)}`));
  }
  for (const button of document.querySelectorAll("[data-call]")) {
    button.addEventListener("click", () => {
      const [method, ...args] = JSON.parse(`[${button.getAttribute("data-call")}]`);
      const result = /** @type {any} */ (window).yingda(method, ...args);
      if (result !== undefined) tell(`${method} → ${JSON.stringify(result)}`);
    });
  }
})();
