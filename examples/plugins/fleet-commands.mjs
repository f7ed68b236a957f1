/** Commands of one's own in supervisorctl. */

/** @type {import("supervisord-ts").CtlPluginFactory} */
export function makeCommands(ctl, options) {
  return [
    {
      name: "counts",
      help: "counts\t\tHow many processes are in each state",
      async run() {
        const counts = await ctl.client.call("fleet.counts");
        ctl.output(`${options.title}:`);
        for (const [state, count] of Object.entries(counts)) ctl.output(`  ${state.padEnd(9)} ${count}`);
      },
    },
    {
      name: "rolling",
      help: "rolling <group>\tRestart its processes one after the other",
      completes: "groups",
      async run(group) {
        try {
          for (const name of await ctl.client.call("fleet.rolling", group)) ctl.output(`${name}: restarted`);
        } catch (error) {
          ctl.output(`${group}: ERROR (${error.message})`);
          ctl.exitStatus = 1;
        }
      },
    },
  ];
}
