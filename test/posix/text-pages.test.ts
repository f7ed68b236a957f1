/** Pages that are given back: only what a file still has. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { textMappings } from "../../src/posix/text-pages.js";

function mapping(head: string, { rss = 1000, dirty = 0, anonymous = 0 } = {}): string {
  return `${head}\nSize:               2000 kB\nRss:                ${rss} kB\nPss:                 500 kB\nPrivate_Dirty:         ${dirty} kB\nAnonymous:             ${anonymous} kB\nVmFlags: rd ex mr mw me\n`;
}

test("text and constants of files are, and nothing that was written to or that has no file", () => {
  const smaps = [
    mapping("00400000-00600000 r--p 00000000 fe:00 12                      /usr/bin/node"),
    mapping("00600000-00800000 r-xp 00200000 fe:00 12                      /usr/bin/node of mine", {
      rss: 800,
    }),
    mapping("00800000-00900000 r--p 00400000 fe:00 12                      /usr/bin/node", { dirty: 8 }),
    mapping("00900000-00a00000 r--p 00500000 fe:00 12                      /usr/bin/node", { anonymous: 8 }),
    mapping("00a00000-00b00000 rw-p 00600000 fe:00 12                      /usr/bin/node"),
    mapping("00b00000-00c00000 r-xs 00600000 fe:00 12                      /usr/bin/node"),
    mapping("00c00000-00d00000 r--p 00700000 fe:00 12                      /usr/lib/small.so", { rss: 4 }),
    mapping("7f0000000000-7f0000100000 r-xp 00000000 00:00 0 "),
    mapping("7f0000200000-7f0000300000 r-xp 00000000 00:00 0                [vdso]"),
  ].join("");
  expect(textMappings(smaps)).toEqual([
    { from: 0x400000n, to: 0x600000n, kb: 1000 },
    { from: 0x600000n, to: 0x800000n, kb: 800 },
  ]);
});

test("a process that gave its pages back goes on, and is smaller", () => {
  const module = join(import.meta.dirname, "../../dist/posix/text-pages.js");
  const script = `
    import { readFileSync } from "node:fs";
    import { releaseText } from ${JSON.stringify(module)};
    const rss = () => Number(/Rss:\\s+(\\d+)/.exec(readFileSync("/proc/self/smaps_rollup", "utf8"))[1]);
    const before = rss();
    const released = releaseText();
    const after = rss();
    console.log(JSON.stringify({ before, released, after, works: [..."ab"].map((x) => x.toUpperCase()) }));`;
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  const { before, released, after, works } = JSON.parse(output);
  expect(works).toEqual(["A", "B"]);
  expect(released).toBeGreaterThan(1000);
  expect(after).toBeLessThan(before);
});
