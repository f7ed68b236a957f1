/** Names of unix sockets: what is cleared away for them, what is not, and that nobody sees one half done. */
import { once } from "node:events";
import fs from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { listenUnix, type UnixOptions, type UnixOutcome, unlinkSocket } from "../../src/posix/listen.js";
import { openSharedSocket } from "../../src/posix/shared-socket.js";
import { useScratch } from "../logs/scratch.js";

const NOBODY = 65_534;
const scratch = useScratch();
const asRoot = test.runIf(process.getuid?.() === 0);
const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0))
    if (server.listening) await new Promise((resolve) => server.close(resolve));
});

function listen(file: string, options: Partial<UnixOptions> = {}): Promise<UnixOutcome> {
  const server = createServer();
  servers.push(server);
  return listenUnix(server, { file, chmod: 0o700, chown: null, ...options });
}

/** Paths of the sockets that the system shows, below a directory. */
function shown(directory: string): readonly string[] {
  const lines = fs.readFileSync("/proc/net/unix", "utf8").split("\n");
  return lines.map((line) => line.split(" ").at(-1) ?? "").filter((path) => path.startsWith(directory));
}

test("has its mode from the first moment, and leaves nothing beside it", async () => {
  const directory = scratch();
  const file = join(directory, "s.sock");
  for (const chmod of [0o700, 0o660, 0o777]) {
    const outcome = await listen(file, { chmod });
    expect(outcome.ok).toBe(true);
    expect(fs.statSync(file).mode & 0o777).toBe(chmod);
    expect(fs.readdirSync(directory)).toEqual(["s.sock"]);
    expect(shown(directory)).toContain(`${file}.${process.pid}`);
    if (outcome.ok) unlinkSocket(file, outcome.identity);
    expect(fs.readdirSync(directory)).toEqual([]);
  }
});

test("a live socket stays, a stale one goes, and a link that leads nowhere", async () => {
  const file = join(scratch(), "s.sock");
  expect((await listen(file)).ok).toBe(true);
  expect(await listen(file)).toMatchObject({ ok: false, code: "EADDRINUSE" });
  await new Promise((resolve) => servers[0]?.close(resolve));
  expect(await listen(file, { replacing: false })).toMatchObject({ ok: false, code: "EEXIST" });
  expect(await listen(file)).toMatchObject({ ok: true, staleUnlinked: true });
  fs.unlinkSync(file);
  fs.symlinkSync("nowhere", file);
  expect(await listen(file)).toMatchObject({ ok: true, staleUnlinked: true });
  expect(fs.lstatSync(file).isSocket()).toBe(true);
});

test("a live socket stays also while it has no room for one connection more", async () => {
  const file = join(scratch(), "s.sock");
  const fd = openSharedSocket(
    { kind: "unix", path: file, url: `unix://${file}`, owner: null, mode: null },
    0,
  );
  const waiting = connect(file);
  try {
    await once(waiting, "connect");
    expect(await listen(file)).toMatchObject({ ok: false, code: "EADDRINUSE" });
  } finally {
    waiting.destroy();
    fs.closeSync(fd);
  }
});

test("what is no socket stays", async () => {
  const directory = scratch();
  const file = join(directory, "s.sock");
  fs.writeFileSync(file, "somebody's");
  expect(await listen(file)).toMatchObject({ ok: false, code: "EEXIST" });
  expect(() =>
    openSharedSocket({ kind: "unix", url: "", path: file, owner: null, mode: null }, null),
  ).toThrow(expect.objectContaining({ code: "EADDRINUSE" }));
  expect(fs.readFileSync(file, "utf8")).toBe("somebody's");
  expect(fs.readdirSync(directory)).toEqual(["s.sock"]);
});

test("only its own name is taken away", async () => {
  const file = join(scratch(), "s.sock");
  const outcome = await listen(file);
  fs.unlinkSync(file);
  fs.writeFileSync(file, "");
  if (outcome.ok) unlinkSocket(file, outcome.identity);
  expect(fs.existsSync(file)).toBe(true);
});

test("a path that no client could use, a missing directory", async () => {
  const directory = scratch();
  const longest = join(directory, "x".repeat(107 - directory.length - 1));
  expect((await listen(longest)).ok).toBe(true);
  expect(await listen(`${longest}x`)).toMatchObject({ ok: false, code: "ENAMETOOLONG" });
  expect(await listen(join(directory, "no", "s.sock"))).toMatchObject({ ok: false, code: "ENOENT" });
  expect(fs.readdirSync(directory).length).toBe(1);
});

asRoot("in somebody else's directory: his links are neither followed nor given away", async () => {
  const [theirs, ours] = [scratch(), scratch()];
  fs.chownSync(theirs, NOBODY, NOBODY);
  const secret = join(ours, "secret");
  fs.writeFileSync(secret, "", { mode: 0o600 });
  const plant = (target: string, name: string): void => {
    fs.symlinkSync(target, join(theirs, name));
    fs.lchownSync(join(theirs, name), NOBODY, NOBODY);
  };
  plant(ours, "way");
  plant(secret, `s.sock.${process.pid}`);
  plant(secret, "s.sock");
  const owner = { uid: NOBODY, gid: NOBODY };
  expect(await listen(join(theirs, "way", "s.sock"))).toMatchObject({ ok: false, code: "ELOOP" });
  expect(await listen(join(theirs, "s.sock"), { chown: owner, chmod: 0o777 })).toMatchObject({ ok: true });
  plant(secret, "f.sock");
  const path = join(theirs, "f.sock");
  fs.closeSync(openSharedSocket({ kind: "unix", url: "", path, owner, mode: 0o777 }, null));
  for (const name of ["s.sock", "f.sock"]) {
    const stat = fs.lstatSync(join(theirs, name));
    expect([stat.isSocket(), stat.uid, stat.mode & 0o777]).toEqual([true, NOBODY, 0o777]);
  }
  const { uid, mode } = fs.statSync(secret);
  expect([uid, mode & 0o777]).toEqual([0, 0o600]);
  expect(fs.readdirSync(ours)).toEqual(["secret"]);
});
