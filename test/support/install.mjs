/** Installing what the tests meet: said first, with its size and the time it takes, then done. */
import { spawnSync } from "node:child_process";
import { find, missingCounterparts } from "./counterparts.mjs";

// RUNLEVEL=1 keeps the packages' own services from being started. LC_ALL: apt's own words are read.
const ENV = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1", LC_ALL: "C" };
/** But for what goes wrong. */
const SILENT = ["ignore", "ignore", "inherit"];
const MEGABYTE = 1_000_000;
/** A second's worth on a small machine, in bytes. */
const DOWNLOADS = 5 * MEGABYTE;
const UNPACKS = 15 * MEGABYTE;
const UNITS = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 };

/** On Debian and as root, installs what is missing; gives what still is. */
export function install(missing) {
  if (missing.length === 0 || process.getuid?.() !== 0 || find("apt-get") === null) return missing;
  if (process.env["SUPERVISORD_TS_INSTALL"] === "no") return missing;
  console.log(`To be installed, as the tests run against them: ${missing.join(" ")}`);
  console.log("(SUPERVISORD_TS_INSTALL=no skips the tests that need them instead)");
  apt(["update", "-qq"], SILENT);
  const words = ["install", "--no-install-recommends", ...missing];
  console.log(sizeLine(sizes(apt([...words, "--assume-no"], "pipe"))));
  apt([...words, "-y", "-qq"], SILENT);
  return missingCounterparts();
}

function apt(words, stdio) {
  const { stdout, error } = spawnSync("apt-get", words, { env: ENV, stdio, encoding: "utf8" });
  if (error !== undefined) console.error(`Cannot run apt-get: ${error.message}`);
  return stdout ?? "";
}

/** How many bytes apt will download and unpack, by what it says before it asks; null: it does not say. */
export function sizes(said) {
  const packages = /(\d+) newly installed|Installing: (\d+)/.exec(said);
  return {
    packages: packages === null ? null : Number(packages[1] ?? packages[2]),
    download: bytes(/(?:Need to get |Download size: )([\d.,]+) ([kMG]?B)/.exec(said)),
    unpacked: bytes(/(?:After this operation, |Space needed: )([\d.,]+) ([kMG]?B)/.exec(said)),
  };
}

function bytes(match) {
  return match === null ? null : Math.round(Number(match[1].replaceAll(",", "")) * UNITS[match[2]]);
}

/** The sizes in a sentence, with about how long it takes. */
export function sizeLine({ packages, download, unpacked }) {
  if (download === null || unpacked === null) return "apt-get does not say how large that is";
  const minutes = Math.ceil((download / DOWNLOADS + unpacked / UNPACKS) / 60);
  const all = packages === null ? "" : `With what they need, ${packages} packages: `;
  return `${all}${megabytes(download)} to download, ${megabytes(unpacked)} on disk, about ${minutes} min`;
}

function megabytes(size) {
  return `${Math.max(1, Math.round(size / MEGABYTE))} MB`;
}
