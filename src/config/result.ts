/** A value, or what Supervisor says when there is none. `doubt` is why the value may not be what was meant. */
export type Result<T> = { readonly ok: true; readonly value: T; readonly doubt?: string } | Bad;

/** Supervisor's text, and what to write instead where that can be told. */
export interface Bad {
  readonly ok: false;
  readonly text: string;
  readonly hint?: string;
}

export function good<T>(value: T, doubt: string | null = null): Result<T> {
  return { ok: true, value, ...(doubt === null ? {} : { doubt }) };
}

export function bad(text: string, hint: string | null = null): Bad {
  return { ok: false, text, ...(hint === null ? {} : { hint }) };
}
