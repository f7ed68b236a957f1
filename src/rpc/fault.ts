import { FAULTS, type FaultName } from "../core/faults.js";

export { FAULTS };

/** A fault repeats what the caller sent, but not megabytes of it. */
const MOST_CHARS = 10_000;

/** The one error that crosses the wire. Anything else escaping a method is a bug. */
export class RpcFault extends Error {
  override readonly name = "RpcFault";
  readonly code: number;
  /** A plugin's own fault has a number, and its text is the plugin's whole text. */
  constructor(fault: FaultName | number, detail: string | null = null, options?: ErrorOptions) {
    const own = typeof fault === "number";
    const text = own ? (detail ?? "") : detail === null ? fault : `${fault}: ${detail}`;
    super(text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)}…` : text, options);
    this.code = own ? fault : FAULTS[fault];
  }
}
