// Sample lines for staff who try out how the widget looks; nobody is called. Loaded by app.js for a preview alone.

/** @param {import("./store.js").Store} store @param {import("./texts.js").Texts} texts @param {import("./wire.js").Inbox} inbox */
export function play(store, texts, inbox) {
  const at = new Date().toISOString();
  const question = inbox.quick_questions?.[0] ?? texts.t("question1");
  /** @type {import("./wire.js").Message[]} */
  const messages = [
    { seq: 1, id: "1", role: "visitor", text: question, at },
    { seq: 2, id: "2", role: "bot", text: texts.t("stillWorking"), at, ai: true },
  ];
  store.dispatch({ type: "link", link: "online" });
  store.dispatch({ type: "frame", frame: { type: "ready", conversation_id: "preview", seq: 2, state: "bot", owner: "bot", messages } });
}
