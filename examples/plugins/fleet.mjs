/** An rpcinterface: methods of one's own beside `supervisor.*`, with the daemon at hand. */

/** @type {import("supervisord-ts").RpcPluginFactory} */
export function makeFleet(daemon, options) {
  const crashes = new Map();
  daemon.onStateChange(({ namespec, to, expected }) => {
    if (to === "EXITED" && !expected) crashes.set(namespec, (crashes.get(namespec) ?? 0) + 1);
  });

  return {
    counts: {
      help: "Tells how many processes are in each state.",
      returns: "struct result Numbers by state",
      run() {
        const counts = {};
        for (const { state } of daemon.processes()) counts[state] = (counts[state] ?? 0) + 1;
        return counts;
      },
    },
    crashes: {
      help: "Tells how often each process has ended unexpectedly.",
      returns: "struct result Numbers by name",
      run: () => Object.fromEntries(crashes),
    },
    rolling: {
      help: "Restarts a group's processes one after the other.",
      params: ["string group The group"],
      returns: "array result The names, in the order in which they were restarted",
      async run(group) {
        const members = daemon.processes().filter((process) => process.group === group);
        if (members.length === 0) throw daemon.fault(10, `BAD_NAME: ${group}`);
        for (const { namespec } of members) await daemon.restart(namespec);
        daemon.log("info", `restarted ${members.length} processes of ${group} one by one`);
        return members.map(({ namespec }) => namespec);
      },
    },
    spawn: {
      help: "Adds one more worker to a group; no file has to know it.",
      params: ["string group The group", "string name The worker", "string command What it runs"],
      required: 2,
      returns: "array result The names that came",
      run: (group, name, command = options.worker) =>
        daemon.addProgram(group, name, { command, startsecs: "0" }),
    },
    forget: {
      help: "Stops a worker and ends its supervision.",
      params: ["string name The worker"],
      async run(name) {
        if (daemon.process(name).pid !== 0) await daemon.stop(name);
        daemon.removeProcess(name);
      },
    },
  };
}
