import { FAULTS, type FaultName } from "../core/faults.js";

export { FAULTS };

/** The one error that crosses the wire. Anything else escaping a method is a bug. */
export class RpcFault extends Error {
  override readonly name = "RpcFault";
  readonly code: number;
  /** A plugin's own fault has a number, and its text is the plugin's whole text. */
  constructor(fault: FaultName | number, detail: string | null = null, options?: ErrorOptions) {
    const own = typeof fault === "number";
    super(own ? (detail ?? "") : detail === null ? fault : `${fault}: ${detail}`, options);
    this.code = own ? fault : FAULTS[fault];
  }
}
