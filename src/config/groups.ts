/** Sections to process groups, in the order Supervisor looks at them. */
import type { GroupConfig, ProcessConfig } from "../core/config.js";
import { byPriority } from "../core/order.js";
import type { Section } from "./conf.js";
import { processOrGroupName } from "./convert.js";
import { readFcgi } from "./fcgi.js";
import { readListener } from "./listener.js";
import { type Common, distinct, warning } from "./members.js";
import { GROUP_OPTIONS, HOMOGENEOUS_OPTIONS } from "./options.js";
import { headerMistake, nameOf, readProcesses } from "./program.js";
import { mistake, type Reading, readOptions, sectionScope } from "./scope.js";

/** All groups, by priority and name. */
export function readGroups(reading: Reading, common: Common): readonly GroupConfig[] {
  const { sections } = reading.conf;
  const groups: GroupConfig[] = [];
  const members = new Set<Section>();
  const of = (kind: string): readonly Section[] =>
    [...sections.values()].filter(({ name }) => name.startsWith(`${kind}:`));

  for (const section of of("group")) groups.push(readGroup(reading, section, members, common));
  for (const section of of("program"))
    if (!members.has(section)) groups.push(rememberedProgram(reading, section, common));
  for (const section of of("eventlistener")) groups.push(readListener(reading, section, common));
  for (const section of of("fcgi-program"))
    if (!members.has(section)) groups.push(...readFcgiProgram(reading, section, common));

  const unique = new Map<string, GroupConfig>();
  for (const group of groups.sort(byPriority)) {
    if (unique.has(group.name))
      common.say(warning(`Two groups are named ${group.name}, only the first is used`));
    else unique.set(group.name, group);
  }
  return [...unique.values()];
}

function checkedName(reading: Reading, section: Section): string {
  const name = processOrGroupName(nameOf(section));
  if (name.ok) return name.value;
  headerMistake(sectionScope(reading, section), name.text);
  return nameOf(section);
}

function readGroup(reading: Reading, section: Section, members: Set<Section>, common: Common): GroupConfig {
  const { sections } = reading.conf;
  const name = checkedName(reading, section);
  const scope = sectionScope(reading, section);
  const { programs, priority } = readOptions(scope, GROUP_OPTIONS);
  const processes: ProcessConfig[] = [];
  for (const program of programs) {
    const plain = sections.get(`program:${program}`);
    const fcgi = sections.get(`fcgi-program:${program}`);
    const member = plain ?? fcgi;
    if (member === undefined) {
      const text = `[${section.name}] names unknown program or fcgi-program ${program}`;
      mistake(scope, "programs", text, program);
      continue;
    }
    if (plain !== undefined && fcgi !== undefined) {
      const text = `[${section.name}] name ${program} is ambiguous (exists as program and fcgi-program)`;
      mistake(scope, "programs", text, program);
    }
    members.add(member);
    const read = readProcesses(reading, member, { ...common, group: name, fcgi: null });
    // Supervisor forgets the socket of a member here; its processes need it as much as any.
    const listen = member === fcgi ? readFcgi(reading, member) : null;
    processes.push(...read.map((process) => ({ ...process, fcgi: listen })));
  }
  return { kind: "program", name, priority, processes: distinct(processes, name, common) };
}

/** Whatever is to be said about a section is said at each reading, so only silent ones are remembered. */
function rememberedProgram(reading: Reading, section: Section, common: Common): GroupConfig {
  const { issues, memory } = reading;
  const known = memory?.recall(section) ?? null;
  if (known !== null || memory === undefined) return known ?? readProgram(reading, section, common);
  const mistakes = issues.list.length;
  let silent = true;
  const say: Common["say"] = (message) => {
    silent = false;
    common.say(message);
  };
  return memory.keep(
    section,
    () => readProgram({ ...reading, say }, section, { ...common, say }),
    () => silent && issues.list.length === mistakes,
  );
}

function readProgram(reading: Reading, section: Section, common: Common): GroupConfig {
  const name = checkedName(reading, section);
  const { priority } = readOptions(sectionScope(reading, section), HOMOGENEOUS_OPTIONS);
  const processes = readProcesses(reading, section, { ...common, group: name, fcgi: null });
  return { kind: "program", name, priority, processes: distinct(processes, name, common) };
}

/** No group, but mistakes noted, when its socket can't be read. */
function readFcgiProgram(reading: Reading, section: Section, common: Common): readonly GroupConfig[] {
  const name = checkedName(reading, section);
  const { priority } = readOptions(sectionScope(reading, section), HOMOGENEOUS_OPTIONS);
  const fcgi = readFcgi(reading, section);
  const processes = readProcesses(reading, section, { ...common, group: name, fcgi });
  if (fcgi === null) return [];
  return [{ kind: "fcgi", name, priority, processes: distinct(processes, name, common), ...fcgi }];
}
