/**
 * Reads the XML-RPC that clients and daemons really write, straight to values: no attributes, no comments, no
 * CDATA, nothing left out. Gives null for all else, and for whatever may be wrong; the XML parser then decides.
 */
import type { XmlRpcCall, XmlRpcResponse, XmlRpcValue } from "./xmlrpc.js";

/** What makes a document one for the XML parser: line ends to be unified, and characters that may not be there. */
const UNUSUAL = /[\u0000-\u0008\u000b-\u001f\ud800-\udfff\ufffe\uffff]|\]\]>/;
const PROLOG = /^<\?xml version=(?:"1\.0"|'1\.0')(?: encoding=(?:"utf-8"|'utf-8'))?\s*\?>/i;
const BLANK = /[ \n\t]*/y;
const NOT_BLANK = /[^ \n\t]/;
const UNKNOWN_REFERENCE = /&(?!(?:amp|lt|gt|quot|apos);)/;
/** No two parts of these can take the same character, so there is one way only to read a text. */
export const INT = /^\s*[+-]?\d+\s*$/;
export const DOUBLE = /^\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*$/;
const DEPTH_LIMIT = 64;

/** Thrown to get out of a document that is not as expected; made once, since its stack tells nothing. */
const UNEXPECTED = new Error("unexpected");

interface Scan {
  readonly xml: string;
  at: number;
  depth: number;
}

export function scanCall(xml: string): XmlRpcCall | null {
  return scan(xml, (doc) => {
    expect(doc, "<methodCall>");
    expect(doc, "<methodName>");
    const method = text(doc, "</methodName>").trim();
    const params = accept(doc, "<params>") ? readParams(doc) : [];
    if (params.length === 0) accept(doc, "<params/>");
    expect(doc, "</methodCall>");
    return { method, params };
  });
}

export function scanResponse(xml: string): XmlRpcResponse | null {
  return scan(xml, (doc) => {
    expect(doc, "<methodResponse>");
    expect(doc, "<params>");
    const value = readParams(doc)[0] ?? null;
    expect(doc, "</methodResponse>");
    return { ok: true, value };
  });
}

function scan<T>(xml: string, read: (doc: Scan) => T): T | null {
  if (UNUSUAL.test(xml)) return null;
  const doc: Scan = { xml, at: PROLOG.exec(xml)?.[0].length ?? 0, depth: 0 };
  // A document begins at its first character.
  if (xml[0] !== "<") return null;
  try {
    const result = read(doc);
    skip(doc);
    return doc.at === xml.length ? result : null;
  } catch (error) {
    if (error === UNEXPECTED) return null;
    throw error;
  }
}

function skip(doc: Scan): void {
  const code = doc.xml.charCodeAt(doc.at);
  // Most often there is nothing, or one line feed.
  if (code === 0x3c) return;
  if (code === 0x0a && doc.xml.charCodeAt(doc.at + 1) === 0x3c) {
    doc.at += 1;
    return;
  }
  BLANK.lastIndex = doc.at;
  doc.at += BLANK.exec(doc.xml)?.[0].length ?? 0;
}

function accept(doc: Scan, tag: string): boolean {
  skip(doc);
  if (!doc.xml.startsWith(tag, doc.at)) return false;
  doc.at += tag.length;
  return true;
}

function expect(doc: Scan, tag: string): void {
  if (!accept(doc, tag)) throw UNEXPECTED;
}

/** Up to the end tag, which is taken too. */
function text(doc: Scan, end: string): string {
  const { xml, at } = doc;
  const stop = xml.indexOf("<", at);
  if (stop < 0 || !xml.startsWith(end, stop)) throw UNEXPECTED;
  doc.at = stop + end.length;
  return plain(xml.slice(at, stop));
}

function plain(raw: string): string {
  if (!raw.includes("&")) return raw;
  if (UNKNOWN_REFERENCE.test(raw)) throw UNEXPECTED;
  return raw
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}

/** Behind `<params>`. */
function readParams(doc: Scan): readonly XmlRpcValue[] {
  const params: XmlRpcValue[] = [];
  while (accept(doc, "<param>")) {
    expect(doc, "<value>");
    params.push(readValue(doc));
    expect(doc, "</param>");
  }
  expect(doc, "</params>");
  return params;
}

/** Behind `<value>`, up to behind its end. */
function readValue(doc: Scan): XmlRpcValue {
  const { xml, at } = doc;
  const tag = xml.indexOf("<", at);
  if (tag < 0) throw UNEXPECTED;
  if (xml.startsWith("</value>", tag)) {
    doc.at = tag + "</value>".length;
    return plain(xml.slice(at, tag));
  }
  if (tag > at && NOT_BLANK.test(xml.slice(at, tag))) throw UNEXPECTED;
  const close = xml.indexOf(">", tag);
  doc.at = close + 1;
  doc.depth += 1;
  if (close < 0 || doc.depth > DEPTH_LIMIT) throw UNEXPECTED;
  const value = readTyped(doc, xml.slice(tag + 1, close));
  doc.depth -= 1;
  expect(doc, "</value>");
  return value;
}

function readTyped(doc: Scan, type: string): XmlRpcValue {
  switch (type) {
    case "string":
      return text(doc, "</string>");
    case "int":
      return number(text(doc, "</int>"), INT);
    case "i4":
      return number(text(doc, "</i4>"), INT);
    case "double":
      return number(text(doc, "</double>"), DOUBLE);
    case "boolean":
      return text(doc, "</boolean>").trim() === "1";
    case "nil/":
      return null;
    case "string/":
      return "";
    case "array":
      return readArray(doc);
    case "struct":
      return readStruct(doc);
    default:
      throw UNEXPECTED;
  }
}

function number(digits: string, shape: RegExp): number {
  if (!shape.test(digits)) throw UNEXPECTED;
  return Number(digits);
}

function readArray(doc: Scan): readonly XmlRpcValue[] {
  const values: XmlRpcValue[] = [];
  expect(doc, "<data>");
  while (accept(doc, "<value>")) values.push(readValue(doc));
  expect(doc, "</data>");
  expect(doc, "</array>");
  return values;
}

function readStruct(doc: Scan): { readonly [name: string]: XmlRpcValue } {
  // No prototype: a member may be called anything.
  const struct: Record<string, XmlRpcValue> = Object.create(null);
  while (accept(doc, "<member>")) {
    expect(doc, "<name>");
    const name = text(doc, "</name>");
    expect(doc, "<value>");
    struct[name] = readValue(doc);
    expect(doc, "</member>");
  }
  expect(doc, "</struct>");
  return struct;
}
