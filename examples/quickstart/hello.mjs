// Waits for the web worker, then says what to type next.
import { existsSync } from "node:fs";
import { get } from "node:http";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const port = process.env.PORT || 8080;
const url = `http://127.0.0.1:${port}/`;

function short(path) {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith("..") ? path : fromHere;
}

/** Tells who serves the port: "ours", "foreign" or null. */
function answer() {
  return new Promise((resolve) => {
    get(url, { agent: false, timeout: 1000 }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece) => (text += piece));
      response.on("close", () => resolve(isOurs(text) ? "ours" : "foreign"));
    })
      .on("timeout", function () {
        this.destroy();
      })
      .on("error", () => resolve(null));
  });
}

/** The web worker tells which supervisor it belongs to. */
function isOurs(text) {
  try {
    return JSON.parse(text).supervisor === process.env.SUPERVISOR_SERVER_URL;
  } catch {
    return false;
  }
}

async function answerInTime(seconds) {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const who = await answer();
    if (who !== null) return who;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return null;
}

/** As a shell takes it. */
function word(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

const inClone = join(here, "../../bin/supervisorctl-ts.js");
const ctl = `${existsSync(inClone) ? `node ${word(short(inClone))}` : "supervisorctl-ts"} -c ${word(short(join(here, "supervisord.conf")))}`;
const STATUS = {
  ours: `The web worker answers on ${url}`,
  foreign: `Port ${port} belongs to another program. Stop with Ctrl-C, then: PORT=9090 npm start`,
  null: `The web worker does not answer on ${url}; its log says why`,
};

console.log(`
${STATUS[await answerInTime(15)]}

In another terminal:

  curl ${url}                # which child answered, and when
  curl ${url}die             # that child dies, the next takes its place
  ${ctl} status
  ${ctl} tail -f web
  ${ctl} restart web
  ${ctl}   # a shell; "help" lists the commands

Logs are in ${short(join(here, "run"))}: noisy.log rotates, crashing.log tells of each return.
Ctrl-C here stops everything.
`);
