/** Signals by name or number, as configurations and clients write them. */
import { SIGNAL_NAMES } from "./process.js";

/** Names beside those that SIGNAL_NAMES prints. */
const ALIASES = { SIGCLD: 17, SIGIOT: 6, SIGIO: 29 } as const;

export const SIGNAL_NUMBERS: ReadonlyMap<string, number> = new Map([
  ...Object.entries(SIGNAL_NAMES).map(([number, name]) => [name, Number(number)] as const),
  ...Object.entries(ALIASES),
]);

/** 0 is accepted, as the reference does; 35 to 63 are not. */
const KNOWN: ReadonlySet<number> = new Set([0, ...SIGNAL_NUMBERS.values()]);

/** `TERM`, `sigterm`, ` 15 `; null for what is no signal. */
export function parseSignal(text: string): number | null {
  const word = text.trim().toUpperCase();
  if (/^[+-]?\d+$/.test(word)) return KNOWN.has(Number(word)) ? Number(word) : null;
  return SIGNAL_NUMBERS.get(word.startsWith("SIG") ? word : `SIG${word}`) ?? null;
}
