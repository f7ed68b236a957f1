/** `[eventlistener:x]`: a pool. */
import type { ListenerGroupConfig } from "../core/config.js";
import { compareText } from "../core/order.js";
import type { Section } from "./conf.js";
import { type Common, distinct, warning } from "./members.js";
import {
  LISTENER_EVENT_OPTIONS,
  LISTENER_EVENTS,
  LISTENER_OPTIONS,
  LISTENER_STDERR_OPTIONS,
} from "./options.js";
import { pluginModule } from "./plugin-module.js";
import { foreignFactory, type KnownFactory } from "./plugins.js";
import { nameOf, readProcesses } from "./program.js";
import { mistake, type Reading, readOptions, sectionScope } from "./scope.js";

const DEFAULT_HANDLER: KnownFactory = { module: "supervisor.dispatchers", names: ["default_handler"] };
/** Of the package supervisor-stdout, and built in. */
const STDOUT_HANDLER = "supervisor_stdout:event_handler";

export function readListener(reading: Reading, section: Section, common: Common): ListenerGroupConfig {
  const scope = sectionScope(reading, section);
  const where = `[${section.name}]`;
  const { priority, buffer_size } = readOptions(scope, LISTENER_OPTIONS);
  if (buffer_size < 1)
    mistake(scope, "buffer_size", `${where} section sets invalid buffer_size (${buffer_size})`);

  const { result_handler, events } = readOptions(scope, LISTENER_EVENT_OPTIONS);
  const handler = pluginModule(scope, "result_handler", result_handler);
  const isOurs = handler !== null || result_handler === STDOUT_HANDLER;
  const foreign = isOurs ? null : foreignFactory(result_handler, DEFAULT_HANDLER);
  if (foreign?.kind === "missing")
    mistake(scope, "result_handler", `${result_handler} cannot be resolved within ${where}: ${foreign.text}`);
  if (foreign?.kind === "python")
    common.say(warning(`${result_handler} within ${where} is a Python function, every result is accepted`));

  if (events.length === 0) {
    if (!reading.issues.has(section.name, "events"))
      mistake(scope, "events", `${where} section requires an "events" line`);
  }
  const names = new Set(events.map((name) => name.toUpperCase()));
  for (const name of names)
    if (!LISTENER_EVENTS.has(name))
      mistake(scope, "events", `Unknown event type ${name} in ${where} events`, name);
  const { redirect_stderr } = readOptions(scope, LISTENER_STDERR_OPTIONS);
  if (redirect_stderr)
    mistake(
      scope,
      "redirect_stderr",
      `${where} section sets redirect_stderr=true but this is not allowed because it will interfere with the eventlistener protocol`,
    );

  // The pool's name is not stripped and only checked with its processes: so it is in Supervisor.
  const name = nameOf(section);
  const processes = readProcesses(reading, section, { ...common, group: name, fcgi: null });
  return {
    kind: "eventlistener",
    name,
    priority,
    processes: distinct(processes, name, common),
    buffer_size,
    events: [...names].sort(compareText),
    result_handler,
    ...(handler === null ? {} : { handler }),
  };
}
