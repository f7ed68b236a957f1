/** The Debian packages the tests meet in person, and how to see that each is there. */
import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const SYSTEM_PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** The machine that this one is not, of the two that the project runs on. */
const FOREIGN = process.arch === "arm64" ? "x86_64" : "aarch64";

/** @type {Readonly<Record<string, () => boolean>>} */
export const COUNTERPARTS = {
  python3: () => executable("python3"),
  supervisor: () => executable("supervisord") && executable("supervisorctl"),
  uwsgi: () => executable("uwsgi"),
  "uwsgi-plugin-python3": () => matches("/usr/lib/uwsgi/plugins", /^python3.*_plugin\.so$/),
  nginx: () => executable("nginx"),
  "php-cgi": () => executable("php-cgi"),
  chromium: () => executable("chromium"),
  "python3-django": () => pythonPackage("django"),
  gunicorn: () => executable("gunicorn"),
  celery: () => executable("celery"),
  "python3-redis": () => pythonPackage("redis"),
  "redis-server": () => executable("redis-server"),
  curl: () => executable("curl"),
  procps: () => executable("ps"),
  busybox: () => executable("busybox"),
  runit: () => executable("runsv"),
  s6: () => executable("s6-supervise"),
  "python3-pexpect": () => pythonPackage("pexpect"),
  systemd: () => executable("systemd-analyze"),
  binutils: () => executable("as") && executable("ld"),
  [`binutils-${FOREIGN.replaceAll("_", "-")}-linux-gnu`]: () => executable(`${FOREIGN}-linux-gnu-as`),
  "qemu-user": () => executable(`qemu-${FOREIGN}`),
};

/** Names of those that are not installed. */
export function missingCounterparts() {
  return Object.keys(COUNTERPARTS).filter((name) => !COUNTERPARTS[name]?.());
}

/** A program's full path in the system's directories, or null. */
export function find(program) {
  for (const directory of SYSTEM_PATH) {
    const file = join(directory, program);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // not here: the next directory
    }
  }
  return null;
}

/** @param {string} program */
function executable(program) {
  return find(program) !== null;
}

function matches(directory, pattern) {
  try {
    return readdirSync(directory).some((name) => pattern.test(name));
  } catch {
    return false;
  }
}

function pythonPackage(name) {
  return (
    statSync(`/usr/lib/python3/dist-packages/${name}`, { throwIfNoEntry: false })?.isDirectory() === true
  );
}
