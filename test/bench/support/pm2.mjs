/** pm2, the newest there is, in a prefix of its own; its daemon is spoken to through its own library. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { removeScratch, scratch } from "./scratch.mjs";
import { ENV } from "./supervisor.mjs";

/** `{ version, prefix }`, or `{ missing }` with the reason. */
export function installPm2() {
  const prefix = scratch("pm2");
  const words = ["install", "--prefix", prefix, "--no-audit", "--no-fund", "--loglevel=error", "pm2"];
  // npm needs the certificates that everything else is better off without.
  const { status, stderr } = spawnSync("npm", words, { env: process.env });
  const manifest = join(prefix, "node_modules/pm2/package.json");
  if (status !== 0 || !existsSync(manifest))
    return { missing: `npm install pm2 failed: ${String(stderr).trim().split("\n").at(-1) ?? ""}` };
  return { version: JSON.parse(readFileSync(manifest, "utf8")).version, prefix };
}

/** A pm2 daemon of its own. */
export async function bootPm2({ prefix }) {
  const home = scratch("pm2home");
  process.env.PM2_HOME = home;
  const certificates = process.env.NODE_EXTRA_CA_CERTS;
  delete process.env.NODE_EXTRA_CA_CERTS;
  const load = createRequire(join(prefix, "package.json"));
  const { custom: Pm2 } = load("pm2");
  const pm2 = new Pm2({ pm2_home: home, daemon_mode: true });
  const ask = (method, ...words) =>
    new Promise((resolve, reject) =>
      pm2[method](...words, (error, value) => (error ? reject(asError(error)) : resolve(value))),
    );
  await ask("connect", false);
  if (certificates !== undefined) process.env.NODE_EXTRA_CA_CERTS = certificates;
  return {
    name: "pm2",
    pid: Number(readFileSync(join(home, "pm2.pid"), "utf8")),
    home,
    start: (app) => ask("start", { ...app, exec_mode: "fork", interpreter: "none", env: {} }),
    stopAll: () => ask("stop", "all"),
    list: () => ask("list"),
    command: (...words) =>
      spawnSync(process.execPath, [join(prefix, "node_modules/pm2/bin/pm2"), ...words], {
        env: { ...ENV, PM2_HOME: home },
      }),
    async stop() {
      await ask("delete", "all").catch(() => undefined);
      await ask("killDaemon").catch(() => undefined);
      pm2.disconnect();
      removeScratch(home);
    },
  };
}

function asError(error) {
  return error instanceof Error ? error : new Error(JSON.stringify(error));
}
