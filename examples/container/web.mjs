// An HTTP server that finishes what it has begun before it ends.
import { createServer } from "node:http";

const port = Number(process.env.PORT ?? 8080);
const server = createServer((_request, response) => response.end("hello from the container\n"));

server.listen(port, () => console.log(`web: listening on ${port}`));
process.on("SIGTERM", () => server.close(() => console.log("web: done")));
