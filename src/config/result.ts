/** A value, or what Supervisor says when there is none. */
export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly text: string };

export function good<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function bad(text: string): { readonly ok: false; readonly text: string } {
  return { ok: false, text };
}
