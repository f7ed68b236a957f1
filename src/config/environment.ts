/** `environment=A="1",B='two words'`: shell-like words taken in fours, as KEY, `=`, VALUE and a separator. */
import { lexWords } from "../core/words.js";
import { bad, good, type Result } from "./result.js";

/** Letters, digits and a few others; anything else unquoted is a word of its own. */
const WORD_CHAR = /[A-Za-z0-9_ß-öø-ÿÀ-ÖØ-Þ/.+\-():]/;

/** The separator may be any one word and is not looked at, so `A=http://h?q=1` says A and q. */
export function parseEnvironment(value: string): Result<Readonly<Record<string, string>>> {
  const lexed = lexWords(value, { isWordChar: (char) => WORD_CHAR.test(char), comments: true });
  if (!lexed.ok) return bad(lexed.error);
  const { words } = lexed;
  const pairs: [string, string][] = [];
  for (let at = 0; at < words.length; at += 4) {
    const [key, equals, text] = words.slice(at, at + 3);
    if (key === undefined || equals !== "=" || text === undefined)
      return bad(`Unexpected end of key/value pairs in value '${value}'`);
    pairs.push([key, text]);
  }
  return good(Object.fromEntries(pairs));
}
