// Lets streamed text flow in evenly although it arrives in lumps. Only the view uses it.

/** A lump should have flowed in by about the time the next one comes. */
const CATCH_UP_FRAMES = 14;
/** A window that is covered gets no frames to draw in; an answer that is complete stands by then all the same. */
const LONGEST_MS = 1_000;

/**
 * @param {object} options
 * @param {Text} options.node the text node that grows
 * @param {() => boolean} options.atOnce no animation: the visitor asked for less motion, or nobody is looking
 * @param {() => void} options.onGrow after each change of the text
 * @param {() => void} options.onComplete once, when the final text stands
 */
export function createReveal({ node, atOnce, onGrow, onComplete }) {
  /** @type {string[]} */
  let target = [];
  let shown = 0;
  let final = false;
  let frame = 0;
  let timer = 0;

  /** @param {number} count */
  const show = (count) => {
    shown = count;
    node.data = target.slice(0, shown).join("");
    onGrow();
  };

  const settle = () => {
    if (!final || shown < target.length) return;
    final = false;
    stop();
    onComplete();
  };

  const showAll = () => {
    if (shown < target.length) show(target.length);
    settle();
  };

  const stop = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    frame = 0;
  };

  const step = () => {
    frame = 0;
    const rest = target.length - shown;
    if (rest > 0) show(atOnce() ? target.length : shown + Math.max(1, Math.ceil(rest / CATCH_UP_FRAMES)));
    if (shown < target.length) frame = requestAnimationFrame(step);
    else settle();
  };

  return {
    /** @param {string} text the whole text so far @param {{ isFinal: boolean }} options */
    set(text, { isFinal }) {
      target = Array.from(text);
      final = isFinal;
      const seen = node.data;
      // A second attempt, or a sync that lags behind, begins with what is on the screen: leave that there.
      if (!final && text && seen.startsWith(text)) return;
      shown = text.startsWith(seen) ? Array.from(seen).length : 0;
      if (shown === 0 && seen) show(target.length);
      if (atOnce()) {
        stop();
        showAll();
        return;
      }
      frame ||= requestAnimationFrame(step);
      if (final) timer = window.setTimeout(showAll, LONGEST_MS);
    },
    stop,
  };
}
