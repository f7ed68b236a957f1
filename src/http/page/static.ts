/** The few files of the page. They are part of the program, so they are as old as it is. */
export interface StaticFile {
  readonly type: string;
  readonly body: string | Buffer;
}

const PIXEL = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64");
const ICON = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAYAAAAf8/9hAAAAN0lEQVR42mNgoAXQqzX6jw1TpJkoQwhpxmsIsZqxGkKqZgxDRg2gggEURyNVEhJVkjJVMhOpAACu1CIgKNzeTQAAAABJRU5ErkJggg==",
  "base64",
);

const STYLE = `body { margin: 0; font: 14px/1.5 system-ui, sans-serif; color: #222; background: #fff; }
#wrapper { max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.3rem; }
table { width: 100%; border-collapse: collapse; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #ddd; vertical-align: middle; }
tr.shade { background: #f6f7f8; }
.hidden { display: none; }
.status_msg { padding: .5rem .8rem; margin: .8rem 0; background: #e8f0fe; border: 1px solid #b6cdf5; }
.statusrunning, .statuserror, .statusnominal { padding: .1rem .5rem; border-radius: .3rem; color: #fff; }
.statusrunning { background: #2e7d32; }
.statuserror { background: #c62828; }
.statusnominal { background: #60666d; }
ul.actions { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: .4rem; }
form { display: inline; }
button { font: inherit; padding: .1rem .6rem; cursor: pointer; }
pre { overflow-x: auto; background: #f6f7f8; padding: .8rem; }
#footer { margin-top: 2rem; color: #666; font-size: .85em; }
`;

const IMAGES = ["supervisor.gif", "rule.gif", "state0.gif", "state1.gif", "state2.gif", "state3.gif"];

export const STATIC_FILES: ReadonlyMap<string, StaticFile> = new Map([
  ["/stylesheets/supervisor.css", { type: "text/css", body: STYLE }],
  ["/images/icon.png", { type: "image/png", body: ICON }],
  ...IMAGES.map((name) => [`/images/${name}`, { type: "image/gif", body: PIXEL }] as const),
]);
