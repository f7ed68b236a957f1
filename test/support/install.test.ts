/** `npm test` on a machine that lacks something: what it says before it installs, and where it runs. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { confWord } from "./fixture.js";
import { sizeLine, sizes } from "./install.mjs";
import { reachable } from "./reachable.mjs";
import { scratch } from "./scratch.js";

const OLDER = `The following NEW packages will be installed:
  cowsay debootstrap libtext-charwidth-perl
0 upgraded, 3 newly installed, 0 to remove and 138 not upgraded.
Need to get 312 MB/1,312 MB of archives.
After this operation, 1,426 MB of additional disk space will be used.
Do you want to continue? [Y/n] N
Abort.
`;
const NEWER = `Summary:
  Upgrading: 0, Installing: 3, Removing: 0, Not Upgrading: 138
  Download size: 312 MB
  Space needed: 1,426 MB / 83.0 GB available

Continue? [Y/n] N
`;

test.each([
  ["apt 2", OLDER],
  ["apt 3", NEWER],
])("what %s says of sizes is understood", (_name, said) => {
  expect(sizes(said)).toEqual({ packages: 3, download: 312e6, unpacked: 1426e6 });
});

test("a size that is not told is not guessed", () => {
  expect(sizeLine(sizes("E: Unable to locate package x\n"))).toBe("apt-get does not say how large that is");
});

test("number, sizes and time are one sentence", () => {
  expect(sizeLine({ packages: 3, download: 312e6, unpacked: 1426e6 })).toBe(
    "With what they need, 3 packages: 312 MB to download, 1426 MB on disk, about 3 min",
  );
});

test("a file is reachable when everybody may enter all that is above it", () => {
  using place = scratch();
  const file = join(place.dir, "a/b/file");
  mkdirSync(join(place.dir, "a/b"), { recursive: true });
  writeFileSync(file, "");
  const seen = [reachable(file)];
  chmodSync(place.dir, 0o755);
  seen.push(reachable(file));
  chmodSync(file, 0o640);
  seen.push(reachable(file));
  expect(seen).toEqual([false, true, false]);
});

test("a path with blanks, quotes and percent signs is one word of a command", () => {
  expect(["/usr/bin/a-b_c.d", "/srv/my dir/é", "/it's", "/100%"].map(confWord)).toEqual([
    "/usr/bin/a-b_c.d",
    "'/srv/my dir/é'",
    `'/it'"'"'s'`,
    "/100%%",
  ]);
});
