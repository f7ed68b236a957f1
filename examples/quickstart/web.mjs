// A prefork HTTP worker: the parent forks, the children answer, and a child that dies is replaced.
//
//     node web.mjs [CHILDREN]        listens on PORT of the environment, or on 8080
//
// TERM or INT: no new connections, requests under way are finished, then it exits with 0.
import cluster from "node:cluster";
import { createServer } from "node:http";

const port = Number(process.env.PORT || 8080);
const stopSignals = ["SIGTERM", "SIGINT"];

if (cluster.isPrimary) parent(Number(process.argv[2] ?? 3));
else child();

function parent(children) {
  let stopping = false;
  const listening = new Set();
  cluster.on("listening", (worker) => {
    listening.add(worker.id);
    console.log(`child ${worker.process.pid} listens on ${port}`);
  });
  cluster.on("exit", (worker, code, signal) => {
    if (stopping) return;
    console.log(`child ${worker.process.pid} ended with ${signal ?? code}`);
    if (listening.delete(worker.id)) cluster.fork();
    // One that never listened would only fail again: leave that to whoever supervises.
    else process.exit(1);
  });
  for (const signal of stopSignals) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      console.log(`${signal}: finishing`);
      cluster.disconnect(() => process.exit(0));
    });
  }
  for (let count = 0; count < children; count += 1) cluster.fork();
  console.log(`parent ${process.pid} with ${children} children`);
}

function child() {
  // Signals for the whole group reach the children too; when to stop is the parent's business.
  for (const signal of stopSignals) process.on(signal, () => undefined);
  const server = createServer((request, response) => {
    response.setHeader("Content-Type", "application/json");
    response.setHeader("Connection", "close");
    const supervisor = process.env.SUPERVISOR_SERVER_URL;
    const body = { pid: process.pid, parent: process.ppid, supervisor, time: new Date().toISOString() };
    response.end(`${JSON.stringify(body)}\n`);
    if (request.url === "/die") response.on("finish", () => process.exit(1));
  });
  server.on("error", (error) => {
    console.error(`Cannot listen on ${port}: ${error.message}. Another port: PORT=9090 npm start`);
    process.exit(1);
  });
  server.listen(port);
}
