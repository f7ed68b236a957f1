/** XML to a small tree, by way of saxes. For requests and answers of a few kilobytes, not for documents. */
import { createRequire } from "node:module";

type Saxes = typeof import("saxes");

export interface XmlNode {
  readonly name: string;
  readonly children: XmlNode[];
  /** Its own text, without that of its children. */
  text: string;
}

/** Deeper than any honest call nests its values. */
const DEPTH_LIMIT = 256;

let saxes: Saxes | null = null;

/** Most processes never meet a document that needs it. */
function load(): Saxes {
  saxes ??= createRequire(import.meta.url)("saxes") as Saxes;
  return saxes;
}

/** The root element. Throws an Error for what is not well-formed, nested beyond reason, or of too many elements. */
export function parseXml(xml: string, mostElements = Number.POSITIVE_INFINITY): XmlNode {
  const { SaxesParser } = load();
  const parser = new SaxesParser();
  const root: XmlNode = { name: "", children: [], text: "" };
  const open: XmlNode[] = [root];
  let top = root;
  parser.on("error", (error) => {
    throw error;
  });
  // Attributes say nothing here, and cost as much.
  let elements = 0;
  const count = (): void => {
    elements += 1;
    if (elements > mostElements) throw new Error("too many elements");
  };
  parser.on("attribute", count);
  parser.on("opentag", ({ name }) => {
    count();
    const node: XmlNode = { name, children: [], text: "" };
    if (open.length > DEPTH_LIMIT) throw new Error("nested too deeply");
    top.children.push(node);
    open.push(node);
    top = node;
  });
  const addText = (text: string): void => {
    top.text += text;
  };
  parser.on("text", addText);
  parser.on("cdata", addText);
  parser.on("closetag", () => {
    open.pop();
    top = open.at(-1) ?? root;
  });
  parser.write(xml).close();
  const first = root.children[0];
  if (first === undefined) throw new Error("no element");
  return first;
}
