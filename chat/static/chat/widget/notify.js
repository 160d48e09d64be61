// The sound of a message that came while the visitor was looking elsewhere: two short, soft tones, made on the spot.

const TONES = [660, 880];
const TONE_SECONDS = 0.16;

/** Browsers stay silent until the visitor has once touched the widget; that is fine. */
export function createChime() {
  /** @type {AudioContext | null} */
  let audio = null;
  return () => {
    try {
      audio ??= new AudioContext();
      TONES.forEach((frequency, index) => tone(/** @type {AudioContext} */ (audio), frequency, index * TONE_SECONDS));
    } catch {
      // No sound here; the badge says the same.
    }
  };
}

/** @param {AudioContext} audio @param {number} frequency @param {number} after seconds */
function tone(audio, frequency, after) {
  const at = audio.currentTime + after;
  const volume = audio.createGain();
  volume.gain.setValueAtTime(0, at);
  volume.gain.linearRampToValueAtTime(0.06, at + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.0001, at + TONE_SECONDS * 2);
  const oscillator = audio.createOscillator();
  oscillator.frequency.value = frequency;
  oscillator.connect(volume).connect(audio.destination);
  oscillator.start(at);
  oscillator.stop(at + TONE_SECONDS * 2);
}
