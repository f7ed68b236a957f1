#!/usr/bin/env node
// Sets the example up in a directory of its own:
//
//     node setup.mjs DIRECTORY [--broker=filesystem]
//
// site/ is copied there with its placeholders filled in: {{name}} by a value, and lines that begin with
// {{root}}, {{redis}} or {{filesystem}} kept only where that holds. Run as root, the programs work as www-data;
// run as anybody else, they work as that user.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const SITE = fileURLToPath(new URL("site/", import.meta.url));
const WORKER_DIRECTORIES = ["run", "run/queue", "run/control", "results"];
const root = process.getuid?.() === 0;
const user = "www-data";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { broker: { type: "string", default: "redis" } },
});
const [target] = positionals;
if (target === undefined || !["redis", "filesystem"].includes(values.broker)) {
  console.error("usage: node setup.mjs DIRECTORY [--broker=redis|filesystem]");
  process.exit(2);
}

mkdirSync(target, { recursive: true });
const dir = realpathSync(target);
if (readdirSync(dir).length > 0) fail(`Cannot set up in ${dir}: it is not empty`);
if (root) makeReachable(dir);

const [http_port, uwsgi_port, stats_port, redis_port] = await freePorts(4);
const filesystem = values.broker === "filesystem";
const broker_url = filesystem ? "filesystem://" : `redis://127.0.0.1:${redis_port}/0`;
const placeholders = { dir, user, http_port, uwsgi_port, stats_port, redis_port, broker_url };
const conditions = { root, redis: !filesystem, filesystem };

fill(SITE, dir);
mkdirSync(join(dir, "log"));
for (const name of WORKER_DIRECTORIES) mkdirSync(join(dir, name));
const url = `http://127.0.0.1:${http_port}/`;
writeFileSync(
  join(dir, "site.json"),
  `${JSON.stringify({ url, http_port, uwsgi_port, stats_port, redis_port }, null, 2)}\n`,
);
if (root) giveAway(WORKER_DIRECTORIES);

console.log(`${dir} is set up. Next:

  supervisord-ts -n -c ${dir}/supervisord.conf
  supervisorctl-ts -c ${dir}/supervisord.conf status
  curl ${url}                       # nginx -> uWSGI -> Django
  curl ${url}ini/                   # nginx -> uWSGI from an ini -> Django
  curl ${url}gunicorn/              # nginx -> gunicorn -> Django
  curl ${url}static/hello.txt       # nginx
  curl ${url}enqueue/hello          # a task for celery`);

function fail(text) {
  console.error(text);
  process.exit(1);
}

/** Ports nobody listens on; held all at once, so that none is given twice. */
async function freePorts(count) {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise((resolve, reject) => {
          const server = createServer().on("error", reject);
          server.listen(0, "127.0.0.1", () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function fill(from, to) {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.name === "__pycache__" || (filesystem && entry.name === "redis.conf")) continue;
    const source = join(from, entry.name);
    const copy = join(to, entry.name);
    if (entry.isDirectory()) fill(source, copy);
    else writeFileSync(copy, filled(readFileSync(source, "utf8")));
  }
}

function filled(text) {
  const lines = text.split("\n").flatMap((line) => {
    const [mark, condition] = /^\{\{(root|redis|filesystem)\}\}/.exec(line) ?? ["", ""];
    if (mark === "") return [line];
    return conditions[condition] ? [line.slice(mark.length)] : [];
  });
  return lines.join("\n").replace(/\{\{(\w+)\}\}/g, (_, name) => String(placeholders[name]));
}

/** The programs will be another user's, who must be able to come here. */
function makeReachable(path) {
  for (let parent = dirname(path); parent !== "/"; parent = dirname(parent)) {
    if ((statSync(parent).mode & 0o001) === 0)
      fail(`Cannot set up in ${path}: ${user} cannot enter ${parent}`);
  }
  chmodSync(path, 0o755);
}

/** That user owns what the programs write to, and nothing else. */
function giveAway(names) {
  const uid = id("-u");
  const gid = id("-g");
  for (const name of names) chownSync(join(dir, name), uid, gid);
}

function id(flag) {
  const { status, stdout } = spawnSync("id", [flag, user], { encoding: "utf8" });
  if (status !== 0) fail(`Cannot find the user ${user}`);
  return Number(stdout);
}
