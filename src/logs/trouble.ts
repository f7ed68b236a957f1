/**
 * A log that cannot be written must not cost its supervisor anything: no exception, no failing system call
 * for each chunk, no flood of complaints. This remembers that something fails, says it once, counts what was
 * lost, and says when it may be tried again.
 */
import { getSystemErrorMap } from "node:util";

/** Who hears of a log's trouble. The texts are whole sentences for the activity log. */
export interface Voice {
  readonly onTrouble?: ((text: string) => void) | undefined;
  readonly onRecovered?: ((text: string) => void) | undefined;
}

/** One kind of trouble with one log. */
export interface Trouble {
  readonly active: boolean;
  /** Too early for another try. */
  early(): boolean;
  failed(why: string, bytes: number): void;
  lose(bytes: number): void;
  /** It worked: says what was lost, if anything was wrong before. */
  over(): void;
}

const RETRY_MS = 1000;

/** `verb` is what is tried: `write to`, `rotate`. */
export function createTrouble(verb: string, path: string, voice: Voice, now: () => number): Trouble {
  return new OneTrouble(verb, path, voice, now);
}

/** A class, as each log has three. */
class OneTrouble implements Trouble {
  active = false;
  #lost = 0;
  #retryAt = 0;
  readonly #verb: string;
  readonly #path: string;
  readonly #voice: Voice;
  readonly #now: () => number;

  constructor(verb: string, path: string, voice: Voice, now: () => number) {
    this.#verb = verb;
    this.#path = path;
    this.#voice = voice;
    this.#now = now;
  }

  early(): boolean {
    return this.active && this.#now() < this.#retryAt;
  }

  failed(why: string, bytes: number): void {
    this.#lost += bytes;
    this.#retryAt = this.#now() + RETRY_MS;
    if (this.active) return;
    // Set before it is said: whoever hears it may write to this very log.
    this.active = true;
    this.#voice.onTrouble?.(`cannot ${this.#verb} log ${this.#path}: ${why}`);
  }

  lose(bytes: number): void {
    this.#lost += bytes;
  }

  over(): void {
    if (!this.active) return;
    const bytes = this.#lost;
    this.active = false;
    this.#lost = 0;
    const loss = bytes > 0 ? `, ${bytes} bytes were lost` : "";
    this.#voice.onRecovered?.(`can ${this.#verb} log ${this.#path} again${loss}`);
  }
}

/** The code of a system error, `""` where there is none. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}

/** `ENOSPC: no space left on device`: what went wrong, without what was tried. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const known =
    "errno" in error && typeof error.errno === "number" ? getSystemErrorMap().get(error.errno) : undefined;
  return known === undefined ? error.message : known.join(": ");
}
