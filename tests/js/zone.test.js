/* What another time zone is called, and when it is worth a word. */

import assert from "node:assert/strict";
import test from "node:test";

import { otherZone, zoneName } from "../../chat/static/chat/widget/zone.js";

const NOW = new Date("2026-01-31T08:00:00Z");

test("a zone is named where its clock differs, and only there", () => {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  assert.equal(otherZone(own, "en", NOW), "");
  for (const none of [null, undefined, "", "Mars/Olympus"]) assert.equal(otherZone(none, "en", NOW), "", String(none));
  const far = zoneName("Pacific/Kiritimati", "en", NOW) === zoneName(undefined, "en", NOW) ? "Asia/Tokyo" : "Pacific/Kiritimati";
  assert.match(otherZone(far, "en", NOW), /^GMT\+\d+$/);
  assert.equal(zoneName("Asia/Shanghai", "zh-CN", NOW), "GMT+8");
});
