import { FAULTS, type FaultName } from "../core/faults.js";

export { FAULTS };

/** The one error that crosses the wire. Anything else escaping a method is a bug. */
export class RpcFault extends Error {
  override readonly name = "RpcFault";
  readonly code: number;
  constructor(fault: FaultName, detail: string | null = null, options?: ErrorOptions) {
    super(detail === null ? fault : `${fault}: ${detail}`, options);
    this.code = FAULTS[fault];
  }
}
