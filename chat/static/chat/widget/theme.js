// Light, dark or as the system says, and the shop's own colour with readable text on and beside it.
// Only sets one attribute and a few custom properties on the root element; widget.css does the rest.

const MODES = ["auto", "light", "dark"];
const HEX = /^#[0-9a-f]{6}$/i;
const READABLE = 4.5;
// The tinted surface of widget.css in each mode: text that reads well there does so on the plain ones.
const LIGHT_SURFACE = [232, 241, 238];
const DARK_SURFACE = [31, 46, 42];

/** @typedef {number[]} Rgb three numbers from 0 to 255 */

/**
 * @param {HTMLElement} root
 * @param {{ mode?: unknown, brand?: unknown }} theme anything unknown leaves what is there
 */
export function applyTheme(root, { mode, brand }) {
  if (typeof mode === "string" && MODES.includes(mode)) root.dataset.theme = mode;
  if (typeof brand !== "string" || !HEX.test(brand)) return;
  for (const [name, value] of Object.entries(brandColours(brand))) root.style.setProperty(name, value);
}

/**
 * The shop's colour, the text colour to put on it, and versions of it that read well as text.
 * @param {string} brand "#rrggbb"
 */
export function brandColours(brand) {
  const rgb = parse(brand);
  const onBrand = contrast(rgb, [255, 255, 255]) >= READABLE ? [255, 255, 255] : [0, 0, 0];
  return {
    "--brand": hex(rgb),
    "--on-brand": hex(onBrand),
    "--accent-light": hex(readableOn(rgb, LIGHT_SURFACE, [0, 0, 0])),
    "--accent-dark": hex(readableOn(rgb, DARK_SURFACE, [255, 255, 255])),
  };
}

/** Moves a colour towards another until it can be read on the surface. @param {Rgb} rgb @param {Rgb} surface @param {Rgb} towards */
function readableOn(rgb, surface, towards) {
  let mixed = rgb;
  for (let step = 1; step <= 20 && contrast(mixed, surface) < READABLE; step += 1) {
    mixed = rgb.map((channel, index) => channel + (towards[index] - channel) * (step / 20));
  }
  return mixed;
}

/** @param {Rgb} a @param {Rgb} b @returns {number} 1 to 21, as WCAG counts it */
export function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** @param {Rgb} rgb */
function luminance(rgb) {
  const [r, g, b] = rgb.map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** @param {string} text @returns {Rgb} */
function parse(text) {
  return [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16));
}

/** @param {Rgb} rgb */
function hex(rgb) {
  return `#${rgb.map((channel) => Math.round(channel).toString(16).padStart(2, "0")).join("")}`;
}
