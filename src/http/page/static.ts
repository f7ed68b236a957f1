/** The few files of the page. They are part of the program, so they are as old as it is. */
import { STYLE } from "./style.js";

export interface StaticFile {
  readonly type: string;
  readonly body: string | Buffer;
}

const PIXEL = Buffer.from("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7", "base64");
const ICON = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAYAAAAf8/9hAAAAN0lEQVR42mNgoAXQqzX6jw1TpJkoQwhpxmsIsZqxGkKqZgxDRg2gggEURyNVEhJVkjJVMhOpAACu1CIgKNzeTQAAAABJRU5ErkJggg==",
  "base64",
);

const IMAGES = ["supervisor.gif", "rule.gif", "state0.gif", "state1.gif", "state2.gif", "state3.gif"];

export const STATIC_FILES: ReadonlyMap<string, StaticFile> = new Map([
  ["/stylesheets/supervisor.css", { type: "text/css", body: STYLE }],
  ["/images/icon.png", { type: "image/png", body: ICON }],
  ...IMAGES.map((name) => [`/images/${name}`, { type: "image/gif", body: PIXEL }] as const),
]);
