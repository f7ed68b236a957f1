export const COUNTERPARTS: Readonly<Record<string, () => boolean>>;
export function missingCounterparts(): string[];
export function find(program: string): string | null;
