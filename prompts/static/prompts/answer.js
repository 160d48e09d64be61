/* An answer of the playground with everything that made it. Used by the playground and by reruns. */

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function figure(name, value) {
  return element("div", {}, element("dt", {}, name), element("dd", {}, value));
}

function detail(name, text, none) {
  return [element("h3", {}, name), element("pre", { class: "yd-mono yd-exact" }, text || none)];
}

export function showAnswer(place, words, reply) {
  const said = element("div", { class: reply.ok ? "yd-said" : "yd-said bad" });
  said.textContent = reply.ok ? reply.answer : [reply.sentence, reply.detail].filter(Boolean).join(" ");
  place.replaceChildren(said);
  if (!reply.prompt) return;
  const hits = reply.hits.map((hit) => `${hit.score.toFixed(3)} ${hit.confident ? "✓" : " "} ${hit.title}`).join("\n");
  place.append(
    element(
      "dl",
      { class: "yd-figures" },
      figure(words.first_token, reply.first_token),
      figure(words.total, reply.total),
      figure(words.tokens, `${reply.tokens_in} / ${reply.tokens_out}`),
      figure(words.cost, reply.cost),
    ),
    element(
      "details",
      {},
      element("summary", {}, words.details),
      ...detail(words.intent, reply.intent, words.none),
      ...detail(words.slots, reply.slots, words.none),
      ...detail(words.calls, reply.calls, words.none),
      ...detail(words.asked, reply.asked, words.none),
      ...detail(words.hits, hits, words.none),
      ...detail(words.examples, reply.examples.join("\n"), words.none),
      ...detail(words.decision, reply.decision, words.none),
      ...detail(words.prompt, reply.prompt, words.none),
    ),
  );
}
