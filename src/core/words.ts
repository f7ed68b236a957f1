/**
 * Words as a POSIX shell sees them: quotes and backslashes, but no variables, no globbing, no operators.
 * One lexer for two users: `command=` (words end at blanks) and `environment=` (other characters stand alone).
 */

/** The words, or what is wrong with the quoting. */
export type Words =
  | { readonly ok: true; readonly words: readonly string[] }
  | { readonly ok: false; readonly error: string };

export interface WordRules {
  /** Tells the characters that words are made of; every other one is a word of its own. Null is all but blanks. */
  readonly isWordChar: ((char: string) => boolean) | null;
  /** Whether `#` starts a comment that lasts to the end of the line. */
  readonly comments: boolean;
}

type Place = "between" | "word" | "'" | '"' | "escape" | "comment";

/** Splits a command into words. */
export function splitWords(command: string): Words {
  return lexWords(command, { isWordChar: null, comments: false });
}

/** Splits a text into words by the given rules. */
export function lexWords(text: string, rules: WordRules): Words {
  const words: string[] = [];
  let word = "";
  let place: Place = "between";
  /** Where to go on after an escaped character. */
  let escapedIn: "word" | '"' = "word";

  const end = (): void => {
    words.push(word);
    word = "";
  };

  for (const char of text) {
    switch (place) {
      case "comment":
        if (char === "\n") place = "between";
        break;
      case "escape":
        // Between double quotes a backslash only escapes the quote and itself.
        if (escapedIn === '"' && char !== "\\" && char !== '"') word += "\\";
        word += char;
        place = escapedIn;
        break;
      case "'":
      case '"':
        if (char === place) place = "word";
        else if (place === '"' && char === "\\") {
          escapedIn = '"';
          place = "escape";
        } else word += char;
        break;
      case "word":
      case "between":
        if (isBlank(char)) {
          if (place === "word") end();
          place = "between";
        } else if (rules.comments && char === "#") {
          if (place === "word") end();
          place = "comment";
        } else if (char === "'" || char === '"') {
          place = char;
        } else if (char === "\\") {
          escapedIn = "word";
          place = "escape";
        } else if (rules.isWordChar === null || rules.isWordChar(char)) {
          word += char;
          place = "word";
        } else {
          if (place === "word") end();
          words.push(char);
          place = "between";
        }
        break;
    }
  }

  switch (place) {
    case "'":
    case '"':
      return { ok: false, error: "No closing quotation" };
    case "escape":
      return { ok: false, error: "No escaped character" };
    case "word":
      end();
  }
  return { ok: true, words };
}

function isBlank(char: string): boolean {
  return char === " " || char === "\t" || char === "\n" || char === "\r";
}
