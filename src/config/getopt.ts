/** Classic getopt: what Supervisor's command lines are read with, and its error texts. */

export interface GetoptSpec {
  /** Letters; a colon after one says it takes a value. */
  readonly short: string;
  /** Names without dashes; `=` at the end says it takes a value. */
  readonly long: readonly string[];
}

/** An option as given: `-c` or `--configuration` in full, and its value if it takes one. */
export interface Given {
  readonly option: string;
  readonly value: string | null;
}

export type Getopt =
  | { readonly ok: true; readonly given: readonly Given[]; readonly rest: readonly string[] }
  | { readonly ok: false; readonly message: string };

type Taken =
  | { readonly ok: true; readonly given: readonly Given[]; readonly tookNext: boolean }
  | { readonly ok: false; readonly message: string };

/** Short flags cluster, long ones may be shortened as far as they stay unique, the first other word ends it. */
export function getopt(argv: readonly string[], spec: GetoptSpec): Getopt {
  const given: Given[] = [];
  let at = 0;
  for (; at < argv.length; at += 1) {
    const word = argv[at] ?? "";
    if (!word.startsWith("-") || word === "-") break;
    if (word === "--") {
      at += 1;
      break;
    }
    const next = argv[at + 1];
    const taken = word.startsWith("--")
      ? longOption(word.slice(2), next, spec)
      : cluster(word.slice(1), next, spec);
    if (!taken.ok) return taken;
    given.push(...taken.given);
    if (taken.tookNext) at += 1;
  }
  return { ok: true, given, rest: argv.slice(at) };
}

function fail(message: string): { readonly ok: false; readonly message: string } {
  return { ok: false, message };
}

function cluster(letters: string, next: string | undefined, { short }: GetoptSpec): Taken {
  const given: Given[] = [];
  for (let at = 0; at < letters.length; at += 1) {
    const letter = letters[at] ?? "";
    const option = `-${letter}`;
    const known = letter === ":" ? -1 : short.indexOf(letter);
    if (known < 0) return fail(`option ${option} not recognized`);
    if (short[known + 1] !== ":") {
      given.push({ option, value: null });
      continue;
    }
    const attached = letters.slice(at + 1);
    if (attached !== "") return { ok: true, given: [...given, { option, value: attached }], tookNext: false };
    if (next === undefined) return fail(`option ${option} requires argument`);
    return { ok: true, given: [...given, { option, value: next }], tookNext: true };
  }
  return { ok: true, given, tookNext: false };
}

function longOption(word: string, next: string | undefined, { long }: GetoptSpec): Taken {
  const equals = word.indexOf("=");
  const name = equals < 0 ? word : word.slice(0, equals);
  const attached = equals < 0 ? null : word.slice(equals + 1);
  const possible = long.filter((known) => known.startsWith(name));
  if (possible.length === 0) return fail(`option --${name} not recognized`);
  const found = possible.find((known) => known === name || known === `${name}=`) ?? possible[0] ?? "";
  if (found.replace("=", "") !== name && possible.length > 1)
    return fail(`option --${name} not a unique prefix`);
  const option = `--${found.replace("=", "")}`;
  const one = (value: string | null, tookNext: boolean): Taken => ({
    ok: true,
    given: [{ option, value }],
    tookNext,
  });
  if (!found.endsWith("="))
    return attached === null ? one(null, false) : fail(`option ${option} must not have an argument`);
  if (attached !== null) return one(attached, false);
  return next === undefined ? fail(`option ${option} requires argument`) : one(next, true);
}
