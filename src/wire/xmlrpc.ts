/** XML-RPC as Supervisor speaks it: tolerant of what it reads, and byte for byte in what it writes. */
import { isPassage, type Passage } from "../core/passage.js";
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

/** Values of an answer: also passages of logs, in place of their text. */
export type XmlRpcResult =
  | XmlRpcValue
  | Passage
  | readonly XmlRpcResult[]
  | { readonly [name: string]: XmlRpcResult };

/** An answer with passages, or a long one: texts that are ready to be sent, and what is still to be read. */
export type XmlRpcParts = readonly (string | Passage)[];

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
let last: { readonly value: XmlRpcResult; readonly text: string } | null = null;

/** In parts only when there are passages. Frozen means all through: who freezes an answer freezes what is in it. */
export function encodeResponse(value: XmlRpcValue): string;
export function encodeResponse(value: XmlRpcResult): string | XmlRpcParts;
export function encodeResponse(value: XmlRpcResult): string | XmlRpcParts {
  if (last?.value === value && typeof value === "object") return last.text;
  const pieces = startAnswer();
  addValue(pieces, value);
  const answer = endAnswer(pieces, Number.POSITIVE_INFINITY);
  if (typeof answer === "string" && Array.isArray(value) && Object.isFrozen(value))
    last = { value, text: answer };
  return answer;
}

/** As `encodeResponse`, with a stop after each element of a list; in parts also when all is too long for one text. */
export function* encodeInSteps(value: XmlRpcResult): Generator<void, string | XmlRpcParts> {
  if (!isList(value)) return encodeResponse(value);
  const pieces = startAnswer();
  pieces.loose.push(ARRAY_START);
  for (const each of value) {
    addValue(pieces, each);
    yield;
  }
  pieces.loose.push(ARRAY_END);
  return endAnswer(pieces, MOST_TEXT);
}

export function encodeFault(code: number, text: string): string {
  return `${HEAD}<methodResponse>\n<fault>\n${encodeValue({ faultCode: code, faultString: text })}</fault>\n</methodResponse>\n`;
}

/** Pieces of a text, joined in lots: a text put together with `+` is thousands of halves until it is sent. */
interface Pieces {
  readonly loose: string[];
  readonly joined: (string | Passage)[];
}

const LOT = 1000;
/** A text of more characters ends a lot. */
const LONG_TEXT = 10_000;
/** An answer of more characters is sent in parts where that is possible. */
const MOST_TEXT = 1 << 20;
const ARRAY_START = "<value><array><data>\n";
const ARRAY_END = "</data></array></value>\n";

function startAnswer(): Pieces {
  return { loose: [`${HEAD}<methodResponse>\n<params>\n<param>\n`], joined: [] };
}

function endAnswer(pieces: Pieces, mostText: number): string | XmlRpcParts {
  pieces.loose.push("</param>\n</params>\n</methodResponse>\n");
  joinLoose(pieces);
  const { joined } = pieces;
  if (!joined.every((part) => typeof part === "string")) return joined;
  return joined.reduce((sum, text) => sum + text.length, 0) > mostText ? joined : joined.join("");
}

function encodeValue(value: XmlRpcValue): string {
  const pieces: Pieces = { loose: [], joined: [] };
  addValue(pieces, value);
  joinLoose(pieces);
  return pieces.joined.join("");
}

function joinLoose({ loose, joined }: Pieces): void {
  joined.push(loose.join(""));
  loose.length = 0;
}

function addPassage(pieces: Pieces, passage: Passage): void {
  pieces.loose.push("<value><string>");
  joinLoose(pieces);
  pieces.joined.push(passage);
  pieces.loose.push("</string></value>\n");
}

function addValue(pieces: Pieces, value: XmlRpcResult): void {
  const { loose } = pieces;
  if (loose.length >= LOT) joinLoose(pieces);
  switch (typeof value) {
    case "string":
      loose.push("<value><string>", escapeText(value), "</string></value>\n");
      if (value.length > LONG_TEXT) joinLoose(pieces);
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
      else if (isPassage(value)) addPassage(pieces, value);
      else addStruct(pieces, value);
  }
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}

function addArray(pieces: Pieces, values: readonly XmlRpcResult[]): void {
  pieces.loose.push(ARRAY_START);
  for (const value of values) addValue(pieces, value);
  pieces.loose.push(ARRAY_END);
}

function addStruct(pieces: Pieces, struct: { readonly [name: string]: XmlRpcResult }): void {
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

/** Characters that XML has no way to say. */
const FORBIDDEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** Whether all of it is plain ASCII without markup, as nearly every text is. */
function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 0x7e || (code < 0x20 && code !== 0x0a) || code === 0x26 || code === 0x3c || code === 0x3e)
      return false;
  }
  return true;
}

/** Text as it stands in XML. */
export function escapeText(text: string): string {
  if (isPlain(text)) return text;
  // One replaceAll for each character: a single pass with a callback for each match takes ten times as long.
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replace(FORBIDDEN, "\ufffd");
}

/** Throws `XmlRpcParseError`. The document must begin at its first character. */
export function decodeCall(xml: string): XmlRpcCall {
  return scanCall(xml) ?? parseCall(xml);
}

/** A parser needs a hundred times the room of a small element for what it makes of it. */
const MOST_ELEMENTS = 100_000;

/** As `decodeCall`, whatever the document looks like. */
export function parseCall(xml: string): XmlRpcCall {
  return guarded(() => {
    const call = expectNode(parseXml(xml, MOST_ELEMENTS), "methodCall");
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
