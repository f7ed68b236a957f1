/**
 * How the page looks: one style sheet, light and dark, from a phone's width up. The colours of words and badges
 * stand out from what is behind them by at least 4.5 to 1.
 */
export const STYLE = `:root {
  color-scheme: light dark;
  --text: #1f2328; --quiet: #59636e; --page: #fff; --raised: #f6f8fa; --line: #d1d9e0; --link: #0550ae;
  --running: #1a7f37; --error: #c62828; --nominal: #59636e; --badge: #fff; --note: #ddf4ff; --note-line: #54aeff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6edf3; --quiet: #9198a1; --page: #0d1117; --raised: #161b22; --line: #3d444d; --link: #79c0ff;
    --running: #3fb950; --error: #ff7b72; --nominal: #9198a1; --badge: #0d1117; --note: #12233a; --note-line: #1f6feb;
  }
}
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); }
#wrapper { max-width: 76rem; margin: 0 auto; padding: 1rem 1.25rem 2rem; }
h1 { font-size: 1.35rem; line-height: 1.3; margin: .25rem 0 .75rem; overflow-wrap: anywhere; }
a { color: var(--link); text-underline-offset: .15em; }
.hidden { display: none; }
.status_msg {
  margin: 0 0 1rem; padding: .5rem .8rem; overflow-wrap: anywhere;
  background: var(--note); border: 1px solid var(--note-line); border-radius: 6px;
}
.actions { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; align-items: center; gap: .4rem; }
#buttons, div.actions { margin-bottom: 1rem; }
form { display: inline; margin: 0; }
button, .actions a {
  display: inline-block; padding: .2rem .7rem; font: inherit; line-height: 1.4; text-decoration: none; white-space: nowrap;
  color: var(--text); background: var(--raised); border: 1px solid var(--line); border-radius: 6px; cursor: pointer;
}
td .actions a { color: var(--link); background: none; }
button:hover, .actions a:hover { border-color: var(--quiet); }
:focus-visible { outline: 3px solid var(--note-line); outline-offset: 2px; }
table { width: 100%; border-collapse: collapse; border: 1px solid var(--line); }
th { text-align: left; font-size: .85rem; color: var(--quiet); background: var(--raised); }
th, td { padding: .45rem .7rem; border-bottom: 1px solid var(--line); vertical-align: middle; }
td { overflow-wrap: anywhere; }
td.name { min-width: 8rem; }
tr.shade td { background: var(--raised); }
.statusrunning, .statuserror, .statusnominal {
  display: inline-block; min-width: 5.2rem; padding: .1rem .55rem; border-radius: 1rem; text-align: center;
  font-size: .85rem; font-weight: 600; color: var(--badge); background: var(--nominal);
}
.statusrunning { background: var(--running); }
.statuserror { background: var(--error); }
pre {
  margin: 0 0 1rem; padding: .8rem; background: var(--raised); border: 1px solid var(--line); border-radius: 6px;
  font: .85rem/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere;
}
#footer { margin-top: 1.5rem; color: var(--quiet); font-size: .85rem; }
@media (min-width: 66rem) {
  td.action { width: 1%; }
  td .actions { flex-wrap: nowrap; gap: .3rem; }
  td button, td .actions a { padding: .15rem .5rem; }
}
@media (max-width: 46rem) {
  #wrapper { padding: .75rem; }
  table, tbody, tr, td { display: block; }
  table { border: 0; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr {
    display: grid; grid-template-columns: 1fr auto; gap: .3rem .6rem; align-items: center;
    margin-bottom: .7rem; padding: .7rem; border: 1px solid var(--line); border-radius: 6px;
  }
  td { padding: 0; border: 0; }
  td.name { order: 1; font-weight: 600; }
  td.status { order: 2; }
  td.desc { order: 3; grid-column: 1 / -1; color: var(--quiet); }
  td.action { order: 4; grid-column: 1 / -1; }
  tr.shade td { background: none; }
  button, .actions a { padding: .45rem .8rem; }
}
`;
