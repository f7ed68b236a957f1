/**
 * Names that have to stay: what somebody removes is made again a moment later. Told a few times, then no more for as
 * long as it goes on, so that who removes in a loop fills no log.
 */
import { dirname } from "node:path";
import { type NameNews, type NameWatch, watchName } from "./inotify.js";

/** `problem`: something else stands there, and stays; it is said once. */
export type Restored = "fine" | "made again" | { readonly problem: string };

export interface Keeping {
  readonly path: string;
  /** The kind of thing, for the lines: `pidfile`. */
  readonly what: string;
  /** Looks, and makes it again where it is gone. What it throws is said once, and it is tried again. */
  restore(): Restored | Promise<Restored>;
  say(text: string): void;
  /** A renamed thing is left alone. @default false */
  readonly mayMove?: boolean;
}

export interface KeptName extends Disposable {
  readonly path: string;
  /** Looks soon, for whoever has reason to doubt. */
  look(): void;
  /** Has the directory watched for, if it is gone. */
  verify(): void;
}

/** Long enough for a whole directory to be removed without meeting new files in it; a socket has to be back within a second. */
const SETTLE_MS = 200;
const SLOW_MS = 1000;
const LONGEST_MS = 60_000;
const MOST_LINES = 5;
/** After so long a peace the count begins anew. */
const PEACE_MS = 60_000;

/** Directories of which it was said that they can't be watched: once, however many names are in them. */
const unwatched = new Set<string>();

/** `path` is where the thing really is, when that is not `keeping.path`. */
export function keepName(keeping: Keeping, path = keeping.path): KeptName {
  return new Kept(keeping, path);
}

/** A class, as each log has one; for as long as nothing happens to the name, this is all there is. */
class Kept implements KeptName {
  readonly path: string;
  readonly #keeping: Keeping;
  readonly #watch: NameWatch;
  #repair: Repair | null = null;
  #closed = false;

  constructor(keeping: Keeping, path: string) {
    this.path = path;
    this.#keeping = keeping;
    this.#watch = watchName(path, (news) => this.#hear(news));
    const { problem } = this.#watch;
    if (problem !== null) this.#tellUnwatched(problem);
    else unwatched.delete(dirname(path));
  }

  #tellUnwatched(why: string): void {
    const directory = dirname(this.path);
    if (unwatched.has(directory)) return;
    unwatched.add(directory);
    this.#keeping.say(
      `what is removed from ${directory} will not come back by itself: it can't be watched (${why})`,
    );
  }

  #hear(news: NameNews): void {
    if (news === "unwatched") this.#tellUnwatched("no more");
    else if (news !== "moved away" || this.#keeping.mayMove !== true) this.look();
  }

  verify(): void {
    this.#watch.verify();
  }

  look(): void {
    if (this.#closed) return;
    this.#repair ??= new Repair(this.#keeping, this.path, this.#watch);
    this.#repair.look();
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#repair?.close();
    this.#watch[Symbol.dispose]();
  }
}

/** Makes a name again, and counts how often. */
class Repair {
  readonly #keeping: Keeping;
  readonly #path: string;
  readonly #watch: NameWatch;
  #timer: NodeJS.Timeout | null = null;
  #looking = false;
  #again = false;
  #closed = false;
  #removals = 0;
  #lastRemoval = 0;
  #failures = 0;
  /** Said, and not over yet. */
  #trouble: string | null = null;

  constructor(keeping: Keeping, path: string, watch: NameWatch) {
    this.#keeping = keeping;
    this.#path = path;
    this.#watch = watch;
  }

  look(): void {
    const isLoop = this.#removals > MOST_LINES && performance.now() - this.#lastRemoval < PEACE_MS;
    this.#lookIn(isLoop ? SLOW_MS : SETTLE_MS);
  }

  #lookIn(ms: number): void {
    if (this.#closed || this.#timer !== null) return;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#restore();
    }, ms);
    this.#timer.unref();
  }

  async #restore(): Promise<void> {
    this.#looking = true;
    try {
      const restored = await this.#keeping.restore();
      this.#failures = 0;
      if (restored === "made again") this.#tell();
      if (typeof restored === "object") this.#complain(restored.problem);
      else this.#trouble = null;
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#looking = false;
      if (this.#again) this.look();
      this.#again = false;
    }
  }

  #failed(error: unknown): void {
    const { code, message } = error as NodeJS.ErrnoException;
    this.#complain(`can't be made again: ${code ?? message}`);
    this.#failures += 1;
    // A missing directory is told of when it is back; of what else stands in the way nobody tells.
    if (code === "ENOENT" || code === "ENOTDIR") this.#watch.verify();
    else this.#lookIn(Math.min(SLOW_MS * 2 ** this.#failures, LONGEST_MS));
  }

  #tell(): void {
    const now = performance.now();
    if (now - this.#lastRemoval > PEACE_MS) this.#removals = 0;
    this.#lastRemoval = now;
    this.#removals += 1;
    if (this.#removals > MOST_LINES) return;
    const last = this.#removals === MOST_LINES ? "; no more is said of it while this goes on" : "";
    this.#say(`was removed and is made again${last}`);
  }

  #complain(text: string): void {
    if (this.#closed || this.#trouble === text) return;
    this.#trouble = text;
    this.#say(text);
  }

  #say(text: string): void {
    this.#keeping.say(`${this.#keeping.what} ${this.#path} ${text}`);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
