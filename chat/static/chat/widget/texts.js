// Loads the widget's own sentences in the visitor's language, and how that language writes numbers, times and days.
// What the bot, an agent or the server says arrives in the visitor's language already.

/** @typedef {keyof typeof import("./texts_zh.js").default} TextKey */
/** @typedef {{ one?: string, other: string }} Forms  chosen by the value named `count` */
/** @typedef {Record<TextKey, string | Forms>} Dictionary */

/** @type {Record<string, () => Promise<{ default: Dictionary }>>} */
const LANGUAGES = {
  "zh-CN": () => import("./texts_zh.js"),
  "zh-TW": () => import("./texts_tw.js"),
  en: () => import("./texts_en.js"),
};

/** By what a language is called in itself. */
export const LANGUAGE_NAMES = { "zh-CN": "简体中文", "zh-TW": "繁體中文", en: "English" };

/**
 * The first wish we can fulfil.
 * @param {...unknown} wishes language tags, most important first
 * @returns {string}
 */
export function pickLocale(...wishes) {
  for (const wish of wishes) {
    if (typeof wish !== "string") continue;
    if (/^zh\b.*\b(hant|tw|hk|mo)\b/i.test(wish)) return "zh-TW";
    if (/^zh\b/i.test(wish)) return "zh-CN";
    if (/^en\b/i.test(wish)) return "en";
  }
  return "zh-CN";
}

/** @param {string} locale one that pickLocale gave */
export async function loadTexts(locale) {
  const { default: dictionary } = await LANGUAGES[locale]();
  const time = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const day = new Intl.DateTimeFormat(locale, { month: "long", day: "numeric", weekday: "long" });
  const dayWithYear = new Intl.DateTimeFormat(locale, { year: "numeric", month: "long", day: "numeric" });
  const plural = new Intl.PluralRules(locale);

  /** @param {TextKey} key @param {Record<string, string | number>} [values] for the names in braces */
  const t = (key, values = {}) => {
    const entry = dictionary[key];
    const text = typeof entry === "string" ? entry : (plural.select(Number(values.count)) === "one" && entry.one) || entry.other;
    return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
  };

  return {
    locale,
    t,
    /** @param {Date} date */
    time: (date) => time.format(date),
    /** @param {Date} date @param {Date} now */
    day(date, now) {
      const daysAgo = Math.round((midnight(now) - midnight(date)) / 86_400_000);
      if (daysAgo === 0) return t("today");
      if (daysAgo === 1) return t("yesterday");
      return (date.getFullYear() === now.getFullYear() ? day : dayWithYear).format(date);
    },
  };
}

/** @typedef {Awaited<ReturnType<typeof loadTexts>>} Texts */
/** @typedef {Texts["t"]} Translate */

/** @param {Date} date */
function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}
