/** What a test measures inside a page: each of these functions is sent to the browser as it stands. */

/** By how many pixels the page is wider than the window. */
export function overflow() {
  const { scrollWidth, clientWidth } = document.documentElement;
  return Math.max(0, scrollWidth - clientWidth);
}

/** How what has the focus is outlined. */
export function focusRing() {
  return document.activeElement === null ? "none" : getComputedStyle(document.activeElement).outlineStyle;
}

/** Texts whose colour stands out from what is behind them by less than 4.5 to 1. */
export function faintTexts() {
  const parse = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
  const light = (color) => {
    const [red, green, blue] = color.slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    if (element === null) return [255, 255, 255];
    const color = parse(getComputedStyle(element).backgroundColor);
    return color[3] === 0 ? behind(element.parentElement) : color;
  };
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const said = [...element.childNodes].some(
      (node) => node.nodeType === 3 && node.textContent?.trim() !== "",
    );
    if (!said || element.getClientRects().length === 0) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faint.push(`${element.textContent} ${contrast.toFixed(2)}`);
  }
  return faint;
}

/** Buttons too small for a finger. */
export function smallTargets() {
  return [...document.querySelectorAll("button, .actions a")]
    .filter((element) => {
      const { width, height } = element.getBoundingClientRect();
      return width < 24 || height < 24;
    })
    .map((element) => element.textContent ?? "");
}
