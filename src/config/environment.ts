/** `environment=A="1",B='two words'`: shell-like words taken in fours, as KEY, `=`, VALUE and a separator. */
import { lexWords, type Words } from "../core/words.js";
import { repr } from "./python.js";
import { bad, good, type Result } from "./result.js";

type Environment = Readonly<Record<string, string>>;

/** Letters, digits and a few others; anything else unquoted is a word of its own. */
const WORD_CHAR = /[A-Za-z0-9_ß-öø-ÿÀ-ÖØ-Þ/.+\-():]/;

/**
 * Quotes and backslashes are as in a POSIX shell, which is how the newest Supervisor reads them. A value that can't be
 * read so, but was read until 4.3, is read in that way, with a doubt. The separator may be any one word and is not
 * looked at, so `A=http://h?q=1` says A and q: that is a doubt too.
 */
export function parseEnvironment(value: string): Result<Environment> {
  const lexed = lexWords(value, { isWordChar: (char) => WORD_CHAR.test(char), comments: true });
  const read = lexed.ok ? pairsOf(lexed.words) : null;
  if (read !== null) return good(read.environment, read.doubt);
  const older = pairsOf(olderWords(value));
  if (older !== null) {
    const text = `read as Supervisor 4.3 does, since the quotes are not where a shell wants them; quote each whole value: ${written(unquoted(older.environment))}`;
    return good(unquoted(older.environment), text);
  }
  if (!lexed.ok) return bad(lexed.error, hintForQuotes(value));
  return bad(`Unexpected end of key/value pairs in value '${value}'`, hintForPairs(lexed));
}

interface Pairs {
  readonly environment: Environment;
  readonly doubt: string | null;
}

/** Null when the words are no pairs. */
function pairsOf(words: readonly string[] | null): Pairs | null {
  if (words === null) return null;
  const pairs: [string, string][] = [];
  let doubt: string | null = null;
  for (let at = 0; at < words.length; at += 4) {
    const [key, equals, text, separator] = words.slice(at, at + 4);
    if (key === undefined || equals !== "=" || text === undefined) return null;
    pairs.push([key, text]);
    if (separator !== undefined && !SEPARATORS.has(separator))
      doubt ??= `${repr(separator)} ends the value of ${key}, and is lost; quote the value if it belongs there: ${key}="..."`;
  }
  return { environment: Object.fromEntries(pairs), doubt };
}

/** Separators that are written between pairs, though none is needed. */
const SEPARATORS: ReadonlySet<string> = new Set([",", ";"]);

const OLDER_WORD_CHAR = /[A-Za-z0-9_/.+\-():]/;

/**
 * Words as Python's shlex takes them without its POSIX mode: quotes stay, one that begins a word ends with it, backslashes
 * mean nothing, and a comment does not end a word. Null when a quote is not closed.
 */
function olderWords(text: string): readonly string[] | null {
  const words: string[] = [];
  let word = "";
  let quote = "";
  let inComment = false;
  const end = (): void => {
    if (word !== "") words.push(word);
    word = "";
  };
  for (const char of text) {
    if (inComment) inComment = char !== "\n";
    else if (quote !== "") {
      word += char;
      if (char !== quote) continue;
      quote = "";
      end();
    } else if (/[ \t\r\n]/.test(char)) end();
    else if (char === "#") inComment = true;
    else if (char === "'" || char === '"') {
      if (word === "") quote = char;
      word += char;
    } else if (OLDER_WORD_CHAR.test(char)) word += char;
    else {
      end();
      words.push(char);
    }
  }
  end();
  return quote === "" ? words : null;
}

function unquoted(environment: Environment): Environment {
  return Object.fromEntries(
    Object.entries(environment).map(([key, text]) => [key, text.replace(/^['"]+/, "").replace(/['"]+$/, "")]),
  );
}

/** As it should be written. Values may be secrets, and are not shown. */
function written(environment: Environment): string {
  return Object.keys(environment)
    .map((key) => `${key}="..."`)
    .join(",");
}

function hintForQuotes(value: string): string | null {
  const quote = /["']/.exec(value)?.[0];
  if (quote === undefined) return null;
  return `each ${quote} needs another; a ; or # with a blank before it begins a comment, also between quotes`;
}

/** Speaks of the first pair that is none. */
function hintForPairs({ words }: Extract<Words, { readonly ok: true }>): string | null {
  for (let at = 0; at < words.length; at += 4) {
    const [key = "", equals, text] = words.slice(at, at + 3);
    if (equals === "=" && text !== undefined) continue;
    const [before, separator] = [words[at - 4], words[at - 1] ?? ""];
    if (before === undefined || SEPARATORS.has(separator)) return `write ${key}="..."`;
    return WORD_CHAR.test(separator)
      ? `put a comma before ${separator}, or quote the value of ${before}: ${before}="..."`
      : `quote the value of ${before}: ${before}="..."`;
  }
  return null;
}
