/** A client that asks for all processes in a loop, until killed: `node lister.mjs SOCKET`. */
import { Rpc } from "./rpc.mjs";

const rpc = new Rpc(process.argv[2]);
for (;;) await rpc.weigh("supervisor.getAllProcessInfo");
