/** XML-RPC as Supervisor speaks it: tolerant of what it reads, and byte for byte in what it writes. */
import { parseXml, type XmlNode } from "./xml-tree.js";
import { scanCall, scanResponse } from "./xmlrpc-scan.js";

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

export function encodeResponse(value: XmlRpcValue): string {
  return `${HEAD}<methodResponse>\n<params>\n<param>\n${encodeValue(value)}</param>\n</params>\n</methodResponse>\n`;
}

export function encodeFault(code: number, text: string): string {
  return `${HEAD}<methodResponse>\n<fault>\n${encodeValue({ faultCode: code, faultString: text })}</fault>\n</methodResponse>\n`;
}

function encodeValue(value: XmlRpcValue): string {
  switch (typeof value) {
    case "string":
      return `<value><string>${escapeText(value)}</string></value>\n`;
    case "number":
      return Number.isSafeInteger(value)
        ? `<value><int>${value}</int></value>\n`
        : `<value><double>${value}</double></value>\n`;
    case "boolean":
      return value ? "<value><boolean>1</boolean></value>\n" : "<value><boolean>0</boolean></value>\n";
    default:
      if (value === null) return "<value><nil/></value>\n";
      return isList(value) ? once(value, encodeItems) : once(value, encodeMembers);
  }
}

function isList(value: XmlRpcValue): value is readonly XmlRpcValue[] {
  return Array.isArray(value);
}

/**
 * What is frozen reads the same whenever it comes again: clients ask for the same hundred processes over and over.
 * (Frozen through and through, that is; who freezes an answer freezes what is in it.)
 */
const written = new WeakMap<object, string>();

function once<T extends object>(value: T, encode: (value: T) => string): string {
  if (!Object.isFrozen(value)) return encode(value);
  const known = written.get(value);
  if (known !== undefined) return known;
  const text = encode(value);
  written.set(value, text);
  return text;
}

function encodeItems(values: readonly XmlRpcValue[]): string {
  let items = "";
  for (const value of values) items += encodeValue(value);
  return `<value><array><data>\n${items}</data></array></value>\n`;
}

function encodeMembers(struct: { readonly [name: string]: XmlRpcValue }): string {
  let members = "";
  for (const name of Object.keys(struct))
    members += `<member>\n<name>${escapeText(name)}</name>\n${encodeValue(struct[name] ?? null)}</member>\n`;
  return `<value><struct>\n${members}</struct></value>\n`;
}

/** What must be replaced: markup, and characters that XML has no way to say. */
const SPECIAL =
  /[&<>\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

function escapeText(text: string): string {
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
      return toNumber(text, /^\s*[+-]?\d+\s*$/);
    case "double":
      return toNumber(text, /^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$/);
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
