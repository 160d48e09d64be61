// What another time zone is called where its clock says another time than the browser's. Used by the widget and the console.

/** The zone's name, as GMT+8, or "" where it says the same time now, or is none. @param {string | null | undefined} zone @param {string} locale @param {Date} now */
export function otherZone(zone, locale, now) {
  const there = zone ? zoneName(zone, locale, now) : "";
  return there === zoneName(undefined, locale, now) ? "" : there;
}

/** @param {string | undefined} zone undefined for the browser's own @param {string} locale @param {Date} now */
export function zoneName(zone, locale, now) {
  try {
    const parts = new Intl.DateTimeFormat(locale, { timeZone: zone, timeZoneName: "shortOffset" }).formatToParts(now);
    return parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
  } catch {
    // A name this browser does not know.
    return "";
  }
}
