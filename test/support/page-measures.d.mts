export function overflow(): number;
export function focusRing(): string;
export function faintTexts(): string[];
export function smallTargets(): string[];
