import { createRequire } from "node:module";

const manifest = createRequire(import.meta.url)("../package.json") as { readonly version: string };

/** This package's own version, as `supervisord-ts -v` prints it. */
export const VERSION: string = manifest.version;

/** The Supervisor whose behaviour this is, as getSupervisorVersion gives it: tools compare it with theirs. */
export const SUPERVISOR_VERSION = "4.4.0";
