// How long to wait before the next attempt. Pure: the random number is passed in (0 up to, not including, 1).

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;
const SHORTEST_MS = 100;

/**
 * Full jitter: somewhere between almost now and 1, 2, 4 … 30 seconds, so that a crowd comes back spread out.
 * @param {number} attempt 0 for the first retry
 * @param {number} random
 * @param {number} [atLeastMs] what the server asked for
 * @returns {number} milliseconds
 */
export function backoffMs(attempt, random, atLeastMs = 0) {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(atLeastMs + Math.max(SHORTEST_MS, random * ceiling));
}
