/* A past conversation once more: the turns are asked one after another, each with the new answers to those before it. */

import { element, showAnswer } from "./answer.js";

const words = JSON.parse(document.getElementById("rerun-words").textContent);
const root = document.getElementById("rerun");
const form = document.getElementById("rerun-form");
const turns = [...root.querySelectorAll("[data-turn]")];

async function ask(turn, answers) {
  const place = turn.querySelector('[data-slot="now"]');
  place.replaceChildren(element("p", { class: "yd-quiet" }, words.waiting));
  const body = new FormData(form);
  body.set("number", turn.dataset.number);
  body.set("answers", JSON.stringify(answers));
  try {
    const sent = await fetch(root.dataset.url, { method: "POST", body, redirect: "manual" });
    const reply = await sent.json();
    showAnswer(place, words, reply);
    return reply.ok ? reply.answer : null;
  } catch {
    showAnswer(place, words, { ok: false, sentence: words.failed });
    return null;
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  const first = Number(form.elements.namedItem("number").value);
  const answers = {};
  button.disabled = true;
  for (const turn of turns) {
    if (Number(turn.dataset.number) < first) {
      turn.querySelector('[data-slot="now"]').replaceChildren("—");
      continue;
    }
    const said = await ask(turn, answers);
    if (said === null) break;
    answers[turn.dataset.turn] = said;
  }
  button.disabled = false;
});
