/** Cutting repeated characters off an end. A pattern such as `/\n+$/` would begin anew at each of them. */

/** Without the last characters, as long as they are this one. */
export function trimRight(text: string, char: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === char) end -= 1;
  return text.slice(0, end);
}
