// The console's own sentences in the agent's language, and how it writes times and spans.

import { otherZone, zoneName } from "../widget/zone.js";
import en from "./texts_en.js";
import zh from "./texts_zh.js";

/** @typedef {keyof typeof zh} TextKey */

/** @param {string} locale "zh-CN" or "en" @param {string} [shopZone] as "Asia/Shanghai" */
export function createTexts(locale, shopZone) {
  /** @type {Record<TextKey, string>} */
  const dictionary = locale.startsWith("en") ? en : zh;
  const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const date = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric" });
  const day = new Intl.DateTimeFormat(locale, { month: "long", day: "numeric", weekday: "short" });

  const shop = otherZone(shopZone, locale, new Date());
  const own = zoneName(undefined, locale, new Date());
  const there = shop ? new Intl.DateTimeFormat(locale, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: shopZone }) : null;

  /** @param {TextKey} key @param {Record<string, string | number>} [values] for the names in braces */
  const t = (key, values = {}) => dictionary[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
  const dateTime = (/** @type {string} */ at) => `${date.format(new Date(at))} ${clock.format(new Date(at))}`;
  return {
    t,
    language: /** @type {"zh" | "en"} */ (locale.startsWith("en") ? "en" : "zh"),
    /** In which zone times are shown, where the shop's clock says another; else "". */
    zones: shop ? t("zones", { own, shop }) : "",
    /** A time in full, with the shop's where that is another. @param {string} at */
    stamp: (at) => (there ? `${dateTime(at)} ${own} · ${t("shopTime", { at: there.format(new Date(at)), zone: shop })}` : dateTime(at)),
    /** A word for a code of the server's; the code itself where there is none. @param {string} family @param {string} code */
    named: (family, code) => (/** @type {Record<string, string>} */ (dictionary))[`${family}_${code}`] ?? code,
    /** @param {string} at */
    time: (at) => clock.format(new Date(at)),
    /** @param {string} at */
    day: (at) => day.format(new Date(at)),
    dateTime,
    /** 0:42, 12:05, 3 h 10: dense enough for a list. @param {number} seconds */
    span(seconds) {
      const whole = Math.max(0, Math.floor(seconds));
      const minutes = Math.floor(whole / 60);
      if (minutes < 60) return `${minutes}:${String(whole % 60).padStart(2, "0")}`;
      const hours = Math.floor(minutes / 60);
      return hours < 48 ? t("hours", { hours, minutes: minutes % 60 }) : t("days", { days: Math.floor(hours / 24) });
    },
  };
}

/** @typedef {ReturnType<typeof createTexts>} Texts */
