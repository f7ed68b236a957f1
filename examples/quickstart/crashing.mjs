// Works for a while, then dies with status 1.
//
//     node crashing.mjs [SECONDS]
const seconds = Number(process.argv[2] ?? 3);

console.log(`${process.pid} up, about to die in ${seconds} s`);
setTimeout(() => {
  console.error(`${process.pid} dies`);
  process.exitCode = 1;
}, seconds * 1000);
