/** What the shell offers when Tab is pressed. */
import type { ProcessInfo } from "../client/client.js";
import { COMMANDS, findCommand } from "./commands.js";
import type { CtlPlugin } from "./plugins.js";

export interface Completions {
  readonly candidates: readonly string[];
  /** The part of the line that they replace. */
  readonly word: string;
}

/** `infos` is asked only where processes or groups are wanted. */
export async function complete(
  line: string,
  infos: () => Promise<readonly ProcessInfo[]>,
  plugins: readonly CtlPlugin[] = [],
): Promise<Completions> {
  const text = line.trimStart();
  const word = lastWord(text);
  const [action = ""] = text.split(/\s+/, 1);
  const offer = (all: readonly string[]): Completions => ({
    candidates: all.filter((each) => each.startsWith(word)).map((each) => `${each} `),
    word,
  });
  if (!/\s/.test(text) || action === "help") return offer(actions(plugins));
  switch (findCommand(plugins, action)?.completes) {
    case "processes":
      return offer(processNames(await infos(), word));
    case "groups":
      return offer([...new Set((await infos()).map(({ group }) => group))].sort());
    default:
      return offer([]);
  }
}

/** The part behind the last blank. */
function lastWord(text: string): string {
  let start = text.length;
  while (start > 0 && /\S/.test(text[start - 1] ?? "")) start -= 1;
  return text.slice(start);
}

function actions(plugins: readonly CtlPlugin[]): readonly string[] {
  const names = plugins.flatMap(({ commands }) => [...commands.keys()]);
  return [...new Set(["help", ...COMMANDS.keys(), ...names])].sort();
}

function processNames(infos: readonly ProcessInfo[], word: string): readonly string[] {
  const names = new Set<string>();
  for (const { group, name } of infos) {
    if (group === name && !word.includes(":")) names.add(name);
    else {
      names.add(`${group}:*`);
      names.add(`${group}:${name}`);
    }
  }
  return [...names].sort();
}
