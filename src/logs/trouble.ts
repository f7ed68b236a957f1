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
  let active = false;
  let lost = 0;
  let retryAt = 0;
  return {
    get active() {
      return active;
    },
    early: () => active && now() < retryAt,
    failed(why, bytes) {
      lost += bytes;
      retryAt = now() + RETRY_MS;
      if (active) return;
      // Set before it is said: whoever hears it may write to this very log.
      active = true;
      voice.onTrouble?.(`cannot ${verb} log ${path}: ${why}`);
    },
    lose(bytes) {
      lost += bytes;
    },
    over() {
      if (!active) return;
      const bytes = lost;
      active = false;
      lost = 0;
      const loss = bytes > 0 ? `, ${bytes} bytes were lost` : "";
      voice.onRecovered?.(`can ${verb} log ${path} again${loss}`);
    },
  };
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
