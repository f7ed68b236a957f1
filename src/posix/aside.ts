/**
 * Variables that Node, libuv and OpenSSL obey belong to the programs. The commands' start scripts keep them from Node
 * under other names, and `bin/begin.js` gives them back; whoever starts Node without these scripts does the same here.
 */
const OBEYED = /^(NODE|UV|OPENSSL)_/;
const ASIDE = "SUPERVISORD_TS_ASIDE_";

/** The same environment as `bin/begin.js` takes it. */
export function setAside(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [OBEYED.test(name) ? `${ASIDE}${name}` : name, value]),
  );
}
