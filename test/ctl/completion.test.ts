import { describe, expect, test } from "vitest";
import type { ProcessInfo } from "../../src/client/client.js";
import { complete } from "../../src/ctl/completion.js";
import { columns } from "../../src/ctl/render.js";

const info = (group: string, name: string): ProcessInfo => ({ group, name }) as ProcessInfo;
const infos = async (): Promise<readonly ProcessInfo[]> => [
  info("cat", "cat"),
  info("g", "a"),
  info("g", "b"),
];

describe("completion", () => {
  test.each([
    ["sta", ["start ", "status "]],
    ["help re", ["reload ", "remove ", "reread ", "restart "]],
    ["start ", ["cat ", "g:* ", "g:a ", "g:b "]],
    ["start g:", ["g:* ", "g:a ", "g:b "]],
    ["restart cat g:a", ["g:a "]],
    ["update ", ["cat ", "g "]],
    ["version ", []],
    ["nosuch ", []],
  ])("of %o", async (line, candidates) => {
    expect((await complete(line, infos)).candidates).toEqual(candidates);
  });
});

test("commands of plugins are offered beside ours, and completed as they say", async () => {
  const command = { run: async () => undefined, help: [] };
  const plugin = {
    name: "p",
    commands: new Map([
      ["stack", { ...command, completes: "groups" as const }],
      ["status", { ...command, completes: "nothing" as const }],
    ]),
  };
  const offered = async (line: string) => (await complete(line, infos, [plugin])).candidates;
  expect(await offered("sta")).toEqual(["stack ", "start ", "status "]);
  expect(await offered("stack ")).toEqual(["cat ", "g "]);
  expect(await offered("status c")).toEqual(["cat "]);
});

test("words in columns are read downwards and padded but for the end of a short row", () => {
  expect(columns(["a", "bbbb", "c", "d", "e"], 10)).toEqual(["a     c  e", "bbbb  d"]);
  expect(columns(["one"], 10)).toEqual(["one"]);
});
