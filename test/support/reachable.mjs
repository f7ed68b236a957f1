/**
 * A clone that other users reach. Some tests run daemons and programs as nobody, who cannot enter `/root`: the tests
 * then run on a copy in a directory that everybody can enter, and so does Node where it lies in such a place.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Whether everybody may enter all directories on the way to this file, and read it. */
export function reachable(path) {
  for (let at = realpathSync(path); ; at = dirname(at)) {
    const { mode } = statSync(at);
    const needed = at === realpathSync(path) && !statSync(at).isDirectory() ? 0o004 : 0o001;
    if ((mode & needed) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/**
 * Where the tests run: `{ root, node }` as they are, or their copies and the directory to remove at the end. Only root
 * can become somebody else, so for others nothing is copied.
 */
export function reachableClone(root, node) {
  if (process.getuid?.() !== 0) return { root, node, remove: null };
  const [isOpen, nodeIsOpen] = [reachable(root), reachable(node)];
  if (isOpen && nodeIsOpen) return { root, node, remove: null };
  const place = realpathSync(mkdtempSync(join(tmpdir(), "sd-clone-")));
  chmodSync(place, 0o755);
  return {
    root: isOpen ? root : copyClone(root, join(place, "clone")),
    node: nodeIsOpen ? node : copyNode(node, join(place, "node")),
    remove: place,
  };
}

function copyClone(root, to) {
  mkdirSync(to, { mode: 0o755 });
  const options = { recursive: true, verbatimSymlinks: true, filter: (path) => path !== join(root, ".git") };
  cpSync(root, to, options);
  return to;
}

/** Copies Node and npm, which lies beside it. */
function copyNode(node, to) {
  mkdirSync(join(to, "bin"), { recursive: true });
  const own = realpathSync(node);
  cpSync(own, join(to, "bin/node"));
  const npm = join(dirname(own), "../lib/node_modules/npm");
  if (existsSync(npm)) {
    cpSync(npm, join(to, "lib/node_modules/npm"), { recursive: true, verbatimSymlinks: true });
    for (const name of ["npm", "npx"])
      cpSync(join(dirname(own), name), join(to, "bin", name), { verbatimSymlinks: true });
  }
  return join(to, "bin/node");
}
