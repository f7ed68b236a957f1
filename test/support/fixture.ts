import { fileURLToPath } from "node:url";

const PROGRAMS = new URL("../fixtures/programs/", import.meta.url);

/** The path of a fixture program: `command=${fixture("ignore-sigterm")}`. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(name, PROGRAMS));
}
