// Images on their way: chosen, pasted or dropped, made smaller where they are too large, and shown until they are sent.
// The composer owns the tray; the sending itself is passed in.

import { h, icon } from "./dom.js";
import { MAX_ATTACHMENTS } from "./wire.js";

const LONGEST_SIDE = 2048;
const QUALITY = 0.85;
const THUMB_SIDE = 144;

/**
 * @typedef {import("./wire.js").Attachment} Attachment
 * @typedef {{ element: HTMLElement, ready: Attachment | null, gone: boolean }} Item
 */

/**
 * @param {object} options
 * @param {import("./texts.js").Translate} options.t
 * @param {{ max_bytes: number, types: string[] }} options.limits
 * @param {(image: Blob, name: string) => Promise<Attachment>} options.upload
 * @param {(message: string) => void} options.onProblem
 * @param {() => void} options.onChange
 */
export function createUploads({ t, limits, upload, onProblem, onChange }) {
  /** @type {Item[]} */
  let items = [];
  const tray = h("div", { class: "tray" });
  const picker = h("input", { type: "file", accept: limits.types.join(), multiple: true, hidden: true, tabindex: "-1" });
  picker.addEventListener("change", () => {
    add([...(picker.files ?? [])]);
    picker.value = "";
  });

  /** @param {Item} item */
  const drop = (item) => {
    item.gone = true;
    item.element.remove();
    items = items.filter((other) => other !== item);
    onChange();
  };

  /** @param {File} file */
  const addOne = async (file) => {
    const preview = h("canvas", { role: "img", "aria-label": file.name || t("image") });
    const remove = h("button", { type: "button", class: "remove", "aria-label": t("removeImage"), onclick: () => drop(item) }, icon("close"));
    const element = h("div", { class: "thumb thumb--busy" }, preview, remove);
    /** @type {Item} */
    const item = { element, ready: null, gone: false };
    items.push(item);
    tray.append(element);
    onChange();
    void draw(file, preview, THUMB_SIDE, "cover");
    try {
      const image = file.size > limits.max_bytes ? await smaller(file) : file;
      if (image.size > limits.max_bytes) throw new Error(t("imageLarge", { size: Math.floor(limits.max_bytes / 2 ** 20) }));
      item.ready = await upload(image, file.name || "image");
      element.classList.remove("thumb--busy");
    } catch (error) {
      if (!item.gone) onProblem((error instanceof Error && error.message) || t("imageFailed"));
      drop(item);
    }
    onChange();
  };

  /** @param {File[]} files */
  const add = (files) => {
    const images = files.filter((file) => limits.types.includes(file.type));
    if (images.length < files.length) onProblem(t("imageType"));
    if (items.length + images.length > MAX_ATTACHMENTS) onProblem(t("imageMany", { count: MAX_ATTACHMENTS }));
    images.slice(0, MAX_ATTACHMENTS - items.length).forEach((file) => void addOne(file));
  };

  return {
    tray,
    picker,
    add,
    isBusy: () => items.some((item) => !item.ready),
    count: () => items.length,
    /** What is ready to go with a message; the tray is empty afterwards. @returns {Attachment[]} */
    take() {
      const taken = items.flatMap((item) => item.ready ?? []);
      items = [];
      tray.replaceChildren();
      return taken;
    },
  };
}

/** The picture as a JPEG that fits a screen; the file itself where this browser cannot read it. @param {File} file @returns {Promise<Blob>} */
async function smaller(file) {
  const canvas = h("canvas");
  if (!(await draw(file, canvas, LONGEST_SIDE, "contain"))) return file;
  return new Promise((resolve) => canvas.toBlob((blob) => resolve(blob ?? file), "image/jpeg", QUALITY));
}

/**
 * Draws a picture no larger than it is. On a canvas, as the page's policy lets no image come from the disk.
 * @param {File} file @param {HTMLCanvasElement} canvas @param {number} side in pixels @param {"cover" | "contain"} fit
 */
async function draw(file, canvas, side, fit) {
  try {
    const bitmap = await createImageBitmap(file);
    const { width, height } = bitmap;
    const scale = Math.min(1, side / (fit === "cover" ? Math.min(width, height) : Math.max(width, height)));
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return true;
  } catch {
    return false;
  }
}
