/** A stretch of a log that stands in an answer in place of its text, which is not read before it is sent. */

const IS_PASSAGE: unique symbol = Symbol("passage");

export interface Passage {
  readonly [IS_PASSAGE]: true;
  readonly path: string;
  /** In bytes from the start of the file. */
  readonly start: number;
  readonly end: number;
}

export function passage(path: string, start: number, end: number): Passage {
  return { [IS_PASSAGE]: true, path, start, end };
}

export function isPassage(value: object): value is Passage {
  return IS_PASSAGE in value;
}
