/** Users who can change what stands in a directory. */
import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { othersMayChange, ownDirectory } from "../../src/posix/own-directory.js";
import { scratch } from "../support/scratch.js";

const asRoot = test.runIf(process.getuid?.() === 0);
const SOMEBODY = 1000;

function directory(
  path: string,
  mode: number,
  owner?: { readonly uid?: number; readonly gid?: number },
): string {
  mkdirSync(path);
  if (owner !== undefined) chownSync(path, owner.uid ?? 0, owner.gid ?? 0);
  chmodSync(path, mode);
  return path;
}

test.each([
  [0o700, false],
  [0o755, false],
  [0o757, true],
  [0o777, true],
  [0o1777, true],
])("nobody else but by its mode: %o", (mode, open) => {
  using place = scratch();
  expect(othersMayChange(directory(join(place.dir, "d"), mode))).toBe(open);
});

asRoot("a group counts unless it is root's, and an owner unless it is root or this user", () => {
  using place = scratch();
  const at = (name: string): string => join(place.dir, name);
  expect(othersMayChange(directory(at("a"), 0o775, { gid: 0 }))).toBe(false);
  expect(othersMayChange(directory(at("b"), 0o775, { gid: SOMEBODY }))).toBe(true);
  expect(othersMayChange(directory(at("c"), 0o755, { gid: SOMEBODY }))).toBe(false);
  expect(othersMayChange(directory(at("d"), 0o700, { uid: SOMEBODY }))).toBe(true);
});

asRoot("directories above and links on the way count, a sticky bit above shields", () => {
  using place = scratch();
  const open = directory(join(place.dir, "open"), 0o777);
  const sticky = directory(join(place.dir, "sticky"), 0o1777);
  expect(othersMayChange(directory(join(open, "d"), 0o700))).toBe(true);
  expect(othersMayChange(directory(join(sticky, "d"), 0o700))).toBe(false);
  const theirs = directory(join(place.dir, "theirs"), 0o700, { uid: SOMEBODY });
  symlinkSync(join(sticky, "d"), join(theirs, "link"));
  expect(othersMayChange(join(theirs, "link"))).toBe(true);
  symlinkSync(join(sticky, "d"), join(place.dir, "link"));
  expect(othersMayChange(join(place.dir, "link"))).toBe(false);
  symlinkSync(open, join(place.dir, "to-open"));
  expect(othersMayChange(join(place.dir, "to-open"))).toBe(true);
});

test("a directory of one's own is made with mode 0700, and made so when it was not", () => {
  using place = scratch();
  const path = join(place.dir, "own");
  expect([ownDirectory(path), statSync(path).mode & 0o7777]).toEqual([true, 0o700]);
  chmodSync(path, 0o755);
  expect([ownDirectory(path), statSync(path).mode & 0o7777]).toEqual([true, 0o700]);
  expect(ownDirectory(join(place.dir, "no", "such"))).toBe(false);
});

asRoot("one that somebody else has made, or put a link in its place, is not one's own", () => {
  using place = scratch();
  const sticky = directory(join(place.dir, "sticky"), 0o1777);
  expect(ownDirectory(join(sticky, "ours"))).toBe(true);
  directory(join(sticky, "theirs"), 0o700, { uid: SOMEBODY });
  expect(ownDirectory(join(sticky, "theirs"))).toBe(false);
  symlinkSync(join(sticky, "ours"), join(sticky, "link"));
  expect(ownDirectory(join(sticky, "link"))).toBe(false);
  const open = directory(join(place.dir, "open"), 0o777);
  expect(ownDirectory(join(open, "ours"))).toBe(false);
});
