// Writes numbered lines for ever, so that its log rotates while you watch.
//
//     node noisy.mjs [LINES_PER_SECOND]
const perSecond = Number(process.argv[2] ?? 300);
const filling = "the quick brown fox jumps over the lazy dog, ".repeat(2).trimEnd();

let number = 0;
function write() {
  const lines = [];
  for (let count = 0; count < perSecond / 10; count += 1) {
    number += 1;
    lines.push(`line ${number} of ${process.pid}: ${filling}\n`);
  }
  process.stdout.write(lines.join(""));
}

setInterval(write, 100);
