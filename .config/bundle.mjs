/**
 * One file for each command, in dist/bin: a command that has to open eighty files before its first line is
 * noticeably late. CommonJS, because Node starts its loader for modules only when one is asked for. koffi stays
 * outside, since it carries binaries.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const { version } = JSON.parse(readFileSync(at("package.json"), "utf8"));
/** In a bundle the manifest is not where `src/version.ts` looks for it. */
const MANIFEST = 'createRequire(import.meta.url)("../package.json")';
const inlineVersion = {
  name: "inline-version",
  transform(code, id) {
    if (id !== at("src/version.ts")) return null;
    if (!code.includes(MANIFEST)) throw new Error("src/version.ts reads its version in another way now");
    return code.replace(MANIFEST, JSON.stringify({ version }));
  },
};
const COMMANDS = {
  supervisord: "src/daemon/main.ts",
  supervisorctl: "src/ctl/main.ts",
  echo_supervisord_conf: "src/config/sample.ts",
  pidproxy: "src/pidproxy/main.ts",
};

for (const [name, entry] of Object.entries(COMMANDS)) {
  await build({
    input: at(entry),
    platform: "node",
    external: ["koffi"],
    logLevel: "warn",
    resolve: { extensionAlias: { ".js": [".ts", ".js"] } },
    transform: { target: "node20" },
    plugins: [inlineVersion],
    output: {
      dir: at("dist/bin"),
      entryFileNames: `${name}.cjs`,
      // What is imported when it is needed is read when it is needed.
      chunkFileNames: `${name}-[name].cjs`,
      format: "cjs",
      comments: false,
      // With one letter beyond Latin-1 the whole text would take two bytes a letter, for as long as the command runs.
      minify: { compress: false, mangle: false, codegen: { removeWhitespace: false, asciiOnly: true } },
    },
  });
}
