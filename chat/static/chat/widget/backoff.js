// How long to wait before the next attempt. Pure: the random number is passed in (0 up to, not including, 1).

// A restart takes some ten seconds: until it is over nobody waits long, so that all are back soon after it.
const CEILINGS_MS = [1_000, 2_000, 4_000, 4_000, 4_000, 4_000, 8_000, 16_000, 30_000];
const SHORTEST_MS = 100;

/**
 * Full jitter: somewhere between almost now and a ceiling that grows from 1 to 30 seconds, so that a crowd comes back spread out.
 * @param {number} attempt 0 for the first retry
 * @param {number} random
 * @param {number} [atLeastMs] what the server asked for
 * @returns {number} milliseconds
 */
export function backoffMs(attempt, random, atLeastMs = 0) {
  const ceiling = CEILINGS_MS[Math.min(attempt, CEILINGS_MS.length - 1)];
  return Math.round(atLeastMs + Math.max(SHORTEST_MS, random * ceiling));
}
