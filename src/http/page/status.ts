/** The status page: every process, what it is doing, and what can be done about it. */
import { describeProcess } from "../../core/describe.js";
import { makeNamespec } from "../../core/namespec.js";
import type { StateName } from "../../core/process.js";
import { utcOffset } from "../../logs/local-time.js";
import type { Daemon, ProcessHandle } from "../../rpc/daemon.js";
import { allByName } from "../../rpc/lookup.js";
import { document, escapeHtml, escapeText, quoteUrl } from "./html.js";

interface Button {
  readonly action: string;
  readonly label: string;
}

const UP: readonly Button[] = [
  { action: "restart", label: "Restart" },
  { action: "stop", label: "Stop" },
];
const DOWN: readonly Button[] = [{ action: "start", label: "Start" }];
const COLUMNS = ["State", "Description", "Name", "Action"]
  .map((column) => `<th scope="col">${column}</th>`)
  .join("");
const CLEAR: Button = { action: "clearlog", label: "Clear Log" };

/** `token` makes the page's own buttons known as such. */
export function statusPage(daemon: Daemon, message: string, token: string): string {
  const handles = allByName(daemon);
  const now = daemon.now();
  const rows = handles.map((handle, index) => row(handle, index % 2 === 1, now, token)).join("\n");
  const table = `<table cellspacing="0">
<thead><tr>${COLUMNS}</tr></thead>
<tbody>
${rows}
</tbody>
</table>`;
  return document(
    "Supervisor Status",
    `<h1>Supervisor status</h1>
<div class="${message === "" ? "hidden" : "status_msg"}" role="status">${escapeText(message)}</div>
<ul id="buttons" class="actions">
<li><a href="index.html?action=refresh">Refresh</a></li>
<li>${button("index.html?action=restartall", "Restart All", token)}</li>
<li>${button("index.html?action=stopall", "Stop All", token)}</li>
</ul>
${handles.length === 0 ? "<p>No programs to manage</p>" : table}
<div id="footer"><a href="http://supervisord.org">Supervisor</a> ${escapeText(daemon.version)}, as supervisord-ts has it</div>`,
  );
}

function row(handle: ProcessHandle, shaded: boolean, now: number, token: string): string {
  const { group, name, process } = handle;
  const state = process.state.name;
  const namespec = makeNamespec(group, name);
  const quoted = quoteUrl(namespec);
  const actions = [...buttonsFor(state), CLEAR]
    .map(({ action, label }) => `<li>${button(actionUrl(quoted, action), label, token, namespec)}</li>`)
    .join("");
  const tails = [
    { href: `logtail/${quoted}`, label: "Tail -f Stdout" },
    { href: `logtail/${quoted}/stderr`, label: "Tail -f Stderr" },
  ]
    .map(
      ({ href, label }) =>
        `<li><a href="${href}" target="_blank"${called(label, namespec)}>${label}</a></li>`,
    )
    .join("");
  return `<tr${shaded ? ' class="shade"' : ""}>
<td class="status"><span class="${stateClass(state)}">${state.toLowerCase()}</span></td>
<td class="desc">${escapeText(describeProcess(group, name, process, now, utcOffset, handle.run?.saved.lost))}</td>
<td class="name"><a href="tail.html?processname=${quoted}" target="_blank">${escapeText(namespec)}</a></td>
<td class="action"><ul class="actions">${actions}${tails}</ul></td>
</tr>`;
}

function buttonsFor(state: StateName): readonly Button[] {
  if (state === "RUNNING") return UP;
  return state === "STOPPED" || state === "EXITED" || state === "FATAL" ? DOWN : [];
}

function stateClass(state: StateName): string {
  if (state === "RUNNING") return "statusrunning";
  return state === "FATAL" || state === "BACKOFF" ? "statuserror" : "statusnominal";
}

/** Already quoted for use inside an attribute. */
export function actionUrl(quotedName: string, action: string): string {
  return `index.html?processname=${quotedName}&amp;action=${action}`;
}

/** A form of one button: works without JavaScript, and can't be forged from elsewhere. `of` is what it acts on. */
export function button(url: string, label: string, token: string, of?: string): string {
  const name = of === undefined ? "" : called(label, of);
  return `<form method="post" action="${url}"><input type="hidden" name="token" value="${escapeHtml(token)}" /><button type="submit"${name}>${escapeText(label)}</button></form>`;
}

/** For those who hear the page: which of the many equal words in the table this one is. */
function called(label: string, of: string): string {
  return ` aria-label="${escapeHtml(`${label}: ${of}`)}"`;
}
