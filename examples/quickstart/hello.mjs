// Waits for the web worker, then says what to type next.
import { existsSync } from "node:fs";
import { get } from "node:http";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const url = `http://127.0.0.1:${process.env.PORT || 8080}/`;

function short(path) {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith("..") ? path : fromHere;
}

function answers() {
  return new Promise((resolve) => {
    get(url, { agent: false, timeout: 1000 }, (response) => {
      response.resume().on("close", () => resolve(response.statusCode === 200));
    })
      .on("timeout", function () {
        this.destroy();
      })
      .on("error", () => resolve(false));
  });
}

async function answersInTime(seconds) {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    if (await answers()) return true;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return false;
}

const inClone = join(here, "../../bin/supervisorctl-ts.js");
const ctl = `${existsSync(inClone) ? `node ${short(inClone)}` : "supervisorctl-ts"} -c ${short(join(here, "supervisord.conf"))}`;
const up = await answersInTime(15);

console.log(`
${up ? `The web worker answers on ${url}` : `The web worker does not answer on ${url}; its log says why`}

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
