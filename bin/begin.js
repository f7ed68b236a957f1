/** Every command begins here, before its own code is read: written so that an old Node can still say it is too old. */

// A listener for SIGUSR1 replaces Node's own, which opens the debugger. Node's comes back when the last listener is
// removed, so this one never is.
process.on("SIGUSR1", () => undefined);

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `supervisord-ts needs Node 20.19 or newer, and ${process.execPath} is ${process.version}\n`,
  );
  process.exit(2);
}

// The script that starts Node has set these aside for whom they are meant: the programs, and who reads the conf.
const ASIDE = "SUPERVISORD_TS_ASIDE_";
for (const name of Object.keys(process.env))
  if (name.startsWith(ASIDE)) {
    process.env[name.slice(ASIDE.length)] = process.env[name];
    delete process.env[name];
  }

// A directory that has been removed under our feet: what is named in full works from anywhere.
try {
  process.cwd();
} catch {
  process.chdir("/");
}
