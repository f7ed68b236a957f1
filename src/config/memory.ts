/**
 * What one reading takes over from the reading before: a program whose section says what it said, under the same
 * defaults and environment, is the same program, as long as the machine gives the same answers to what was asked
 * for it. With five thousand programs and one change, reading is then a matter of milliseconds.
 */
import { isDeepStrictEqual } from "node:util";
import { AUTO, type GroupConfig, type ProcessConfig } from "../core/config.js";
import { type ConfMemory, createConfMemory, type Section } from "./conf.js";
import type { ConfigHost } from "./host.js";

const ASKED = ["isDirectory", "lookupUser", "lookupGroup", "userHome"] as const;

interface Question {
  readonly about: (typeof ASKED)[number];
  readonly name: string;
  readonly answer: unknown;
}

interface Remembered {
  readonly section: Section;
  readonly questions: readonly Question[];
  readonly group: GroupConfig;
}

/** The groups of one reading. */
export interface GroupMemory {
  /** What the section was read as, or null when that may not hold any more. */
  recall(section: Section): GroupConfig | null;
  /** Reads a section; what it gives is kept when `isGood` holds afterwards. */
  keep(section: Section, read: () => GroupConfig, isGood: () => boolean): GroupConfig;
}

export interface Memory {
  readonly conf: ConfMemory;
  /** For one reading through `host`; all is forgotten when `context` is another than before. */
  groups(host: ConfigHost, context: string): GroupMemory;
  /** The same host, overheard. */
  overhear(host: ConfigHost): ConfigHost;
}

const memories = new WeakMap<ConfigHost, Memory | null>();

/**
 * What readings through this very host have in common. It begins with the second one: a daemon that never reads
 * again has nothing to remember, and three kilobytes for each program are worth saving.
 */
export function memoryOf(host: ConfigHost): Memory | null {
  const known = memories.get(host);
  const memory = known === undefined ? null : (known ?? createMemory());
  memories.set(host, memory);
  return memory;
}

function createMemory(): Memory {
  let context: string | null = null;
  let before = new Map<string, Remembered>();
  let questions: Question[] | null = null;

  return {
    conf: createConfMemory(),
    groups(host, now) {
      const last = now === context ? before : new Map<string, Remembered>();
      context = now;
      const next = new Map<string, Remembered>();
      before = next;
      return {
        recall(section) {
          const known = last.get(section.name);
          if (known === undefined || !sameSection(known.section, section)) return null;
          if (
            !known.questions.every(({ about, name, answer }) => isDeepStrictEqual(host[about](name), answer))
          )
            return null;
          next.set(section.name, known.section === section ? known : { ...known, section });
          return ownOf(known.group);
        },
        keep(section, read, isGood) {
          const asked: Question[] = [];
          questions = asked;
          const group = read();
          questions = null;
          if (isGood()) next.set(section.name, { section, questions: asked, group });
          return group;
        },
      };
    },
    overhear(host) {
      const heard = <T>(about: Question["about"], ask: (name: string) => T) => {
        return (name: string): T => {
          const answer = ask(name);
          questions?.push({ about, name, answer });
          return answer;
        };
      };
      return {
        ...host,
        isDirectory: heard("isDirectory", host.isDirectory),
        lookupUser: heard("lookupUser", host.lookupUser),
        lookupGroup: heard("lookupGroup", host.lookupGroup),
        userHome: heard("userHome", host.userHome),
      };
    },
  };
}

/** The lines may be others. */
function sameSection(a: Section, b: Section): boolean {
  if (a === b) return true;
  if (a.entries.size !== b.entries.size) return false;
  for (const [key, { value }] of a.entries) if (b.entries.get(key)?.value !== value) return false;
  return true;
}

/**
 * Of a process with AUTO logs each reading gives an object of its own: whether it is the running one, whose files
 * are known, must be seen by its identity.
 */
function ownOf(group: GroupConfig): GroupConfig {
  const isAuto = ({ stdout_logfile, stderr_logfile }: ProcessConfig): boolean =>
    stdout_logfile === AUTO || stderr_logfile === AUTO;
  if (!group.processes.some(isAuto)) return group;
  return { ...group, processes: group.processes.map((process) => ({ ...process })) };
}
