/** XML-RPC as Supervisor speaks it: tolerant of what it reads, and byte for byte in what it writes. */
import { parseXml, type XmlNode } from "./xml-tree.js";
import { DOUBLE, INT, scanCall, scanResponse } from "./xmlrpc-scan.js";

/** Whole numbers are ints, other numbers doubles. */
export type XmlRpcValue =
  | string
  | number
  | boolean
  | null
  | readonly XmlRpcValue[]
  | { readonly [name: string]: XmlRpcValue };

/** What came is no XML-RPC. */
export class XmlRpcParseError extends Error {
  override readonly name = "XmlRpcParseError";
}

export type XmlRpcResponse =
  | { readonly ok: true; readonly value: XmlRpcValue }
  | { readonly ok: false; readonly code: number; readonly text: string };

export interface XmlRpcCall {
  /** Empty when the call names none. */
  readonly method: string;
  readonly params: readonly XmlRpcValue[];
}

const HEAD = "<?xml version='1.0'?>\n";

export function encodeCall(method: string, params: readonly XmlRpcValue[]): string {
  let list = "";
  for (const value of params) list += `<param>\n${encodeValue(value)}</param>\n`;
  return `${HEAD}<methodCall>\n<methodName>${escapeText(method)}</methodName>\n<params>\n${list}</params>\n</methodCall>\n`;
}

/** The answer that was written last, if it was a frozen one: clients ask for the same thousand processes again. */
let last: { readonly value: XmlRpcValue; readonly text: string } | null = null;

/** Frozen means all through: who freezes an answer freezes what is in it. */
export function encodeResponse(value: XmlRpcValue): string {
  if (last?.value === value && typeof value === "object") return last.text;
  const text = encodeAnswer(value);
  if (Array.isArray(value) && Object.isFrozen(value)) last = { value, text };
  return text;
}

function encodeAnswer(value: XmlRpcValue): string {
  return `${HEAD}<methodResponse>\n<params>\n<param>\n${encodeValue(value)}</param>\n</params>\n</methodResponse>\n`;
}

export function encodeFault(code: number, text: string): string {
  return `${HEAD}<methodResponse>\n<fault>\n${encodeValue({ faultCode: code, faultString: text })}</fault>\n</methodResponse>\n`;
}

/** Pieces of a text, joined in lots: a text put together with `+` is thousands of halves until it is sent. */
interface Pieces {
  readonly loose: string[];
  readonly joined: string[];
}

const LOT = 1000;

function encodeValue(value: XmlRpcValue): string {
  const pieces: Pieces = { loose: [], joined: [] };
  addValue(pieces, value);
  return pieces.joined.join("") + pieces.loose.join("");
}

function addValue(pieces: Pieces, value: XmlRpcValue): void {
  const { loose, joined } = pieces;
  if (loose.length >= LOT) {
    joined.push(loose.join(""));
    loose.length = 0;
  }
  switch (typeof value) {
    case "string":
      loose.push("<value><string>", escapeText(value), "</string></value>\n");
      break;
    case "number":
      if (Number.isSafeInteger(value)) loose.push("<value><int>", String(value), "</int></value>\n");
      else loose.push("<value><double>", String(value), "</double></value>\n");
      break;
    case "boolean":
      loose.push(value ? "<value><boolean>1</boolean></value>\n" : "<value><boolean>0</boolean></value>\n");
      break;
    default:
      if (value === null) loose.push("<value><nil/></value>\n");
      else if (isList(value)) addArray(pieces, value);
      else addStruct(pieces, value);
  }
}

function isList(value: XmlRpcValue): value is readonly XmlRpcValue[] {
  return Array.isArray(value);
}

function addArray(pieces: Pieces, values: readonly XmlRpcValue[]): void {
  pieces.loose.push("<value><array><data>\n");
  for (const value of values) addValue(pieces, value);
  pieces.loose.push("</data></array></value>\n");
}

function addStruct(pieces: Pieces, struct: { readonly [name: string]: XmlRpcValue }): void {
  pieces.loose.push("<value><struct>\n");
  for (const name of Object.keys(struct)) {
    pieces.loose.push(memberHead(name));
    addValue(pieces, struct[name] ?? null);
    pieces.loose.push("</member>\n");
  }
  pieces.loose.push("</struct></value>\n");
}

/** The names of members are few, and come again with every struct. */
const heads = new Map<string, string>();
const MOST_HEADS = 500;

function memberHead(name: string): string {
  const known = heads.get(name);
  if (known !== undefined) return known;
  const head = `<member>\n<name>${escapeText(name)}</name>\n`;
  if (heads.size < MOST_HEADS) heads.set(name, head);
  return head;
}

/** What must be replaced: markup, and characters that XML has no way to say. */
const SPECIAL =
  /[&<>\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Whether all of it is plain ASCII without markup, as nearly every text is. */
function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 0x7e || (code < 0x20 && code !== 0x0a) || code === 0x26 || code === 0x3c || code === 0x3e)
      return false;
  }
  return true;
}

function escapeText(text: string): string {
  if (isPlain(text)) return text;
  return text.replace(SPECIAL, (char) => {
    if (char === "&") return "&amp;";
    if (char === "<") return "&lt;";
    return char === ">" ? "&gt;" : "\ufffd";
  });
}

/** Throws `XmlRpcParseError`. The document must begin at its first character. */
export function decodeCall(xml: string): XmlRpcCall {
  return scanCall(xml) ?? parseCall(xml);
}

/** As `decodeCall`, whatever the document looks like. */
export function parseCall(xml: string): XmlRpcCall {
  return guarded(() => {
    const call = expectNode(parseXml(xml), "methodCall");
    return { method: child(call, "methodName")?.text.trim() ?? "", params: decodeParams(call) };
  });
}

/** Throws `XmlRpcParseError`. */
export function decodeResponse(xml: string): XmlRpcResponse {
  return scanResponse(xml) ?? parseResponse(xml);
}

/** As `decodeResponse`, whatever the document looks like. */
export function parseResponse(xml: string): XmlRpcResponse {
  return guarded(() => {
    const response = expectNode(parseXml(xml), "methodResponse");
    const fault = child(response, "fault");
    if (fault === undefined) return { ok: true, value: decodeParams(response)[0] ?? null };
    const struct = decodeValue(child(fault, "value"));
    if (typeof struct !== "object" || struct === null || isList(struct))
      throw new Error("fault without struct");
    return { ok: false, code: Number(struct["faultCode"]), text: String(struct["faultString"]) };
  });
}

function guarded<T>(decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    throw new XmlRpcParseError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function decodeParams(parent: XmlNode): XmlRpcValue[] {
  const params = child(parent, "params")?.children ?? [];
  return params.filter(({ name }) => name === "param").map((param) => decodeValue(child(param, "value")));
}

function decodeValue(node: XmlNode | undefined): XmlRpcValue {
  if (node === undefined) throw new Error("value expected");
  const type = node.children[0];
  if (type === undefined) return node.text;
  const { text } = type;
  switch (type.name) {
    case "int":
    case "i4":
      return toNumber(text, INT);
    case "double":
      return toNumber(text, DOUBLE);
    case "boolean":
      return text.trim() === "1";
    case "nil":
      return null;
    case "base64":
      return Buffer.from(text, "base64").toString("utf8");
    case "array":
      return (child(type, "data")?.children ?? []).filter(isValue).map(decodeValue);
    case "struct":
      return decodeStruct(type);
    default:
      // string, dateTime.iso8601, and whatever else there may be: its text
      return text;
  }
}

function decodeStruct(node: XmlNode): { readonly [name: string]: XmlRpcValue } {
  // No prototype: a member may be called anything.
  const struct: Record<string, XmlRpcValue> = Object.create(null);
  for (const member of node.children) {
    if (member.name !== "member") continue;
    struct[child(member, "name")?.text ?? ""] = decodeValue(child(member, "value"));
  }
  return struct;
}

function isValue(node: XmlNode): boolean {
  return node.name === "value";
}

function toNumber(text: string, shape: RegExp): number {
  if (!shape.test(text)) throw new Error(`not a number: ${JSON.stringify(text)}`);
  return Number(text);
}

function child(node: XmlNode, name: string): XmlNode | undefined {
  return node.children.find((each) => each.name === name);
}

function expectNode(node: XmlNode, name: string): XmlNode {
  if (node.name !== name) throw new Error(`${name} expected, ${node.name} found`);
  return node;
}
