/** An event listener that answers RETRY to each event when it first sees it, and DONE when it comes again. */
import { appendFileSync } from "node:fs";

const [file] = process.argv.slice(2);
const seen = new Set();
let pending = "";

process.stdin.setEncoding("utf8").on("data", (text) => {
  pending += text;
  for (;;) {
    const end = pending.indexOf("\n");
    if (end < 0) return;
    const headers = Object.fromEntries(
      pending
        .slice(0, end)
        .split(" ")
        .map((pair) => pair.split(":")),
    );
    const length = Number(headers.len);
    if (pending.length < end + 1 + length) return;
    const payload = pending.slice(end + 1, end + 1 + length);
    pending = pending.slice(end + 1 + length);
    const known = seen.has(headers.serial);
    seen.add(headers.serial);
    const answer = payload.includes("\nnonsense") ? "NONSENSE" : known ? "DONE" : "RETRY";
    appendFileSync(file, `${answer} ${payload.split("\n").at(-1)}\n`);
    process.stdout.write(`RESULT ${answer.length}\n${answer}READY\n`);
  }
});
process.stdout.write("READY\n");
