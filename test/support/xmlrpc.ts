/** XML-RPC as the tests speak it. Written apart from src/wire on purpose: it judges what src/wire says. */
import { request, type Target } from "./http.js";

export type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value };

export class Fault extends Error {
  override readonly name = "Fault";
  readonly code: number;
  readonly text: string;
  constructor(code: number, text: string) {
    super(`${code} ${text}`);
    this.code = code;
    this.text = text;
  }
}

/** Calls one method and gives its result; a fault or a status other than 200 is thrown. */
export async function call(target: Target, method: string, params: readonly Value[] = []): Promise<Value> {
  const answer = await request(target, "POST", "/RPC2", {
    headers: { "Content-Type": "text/xml" },
    body: encodeCall(method, params),
  });
  if (answer.status !== 200) throw new Error(`${method} answered HTTP ${answer.status}`);
  return decodeResponse(answer.body.toString("utf8"));
}

export function encodeCall(method: string, params: readonly Value[]): string {
  const list = params.map((value) => `<param><value>${encode(value)}</value></param>`).join("");
  return `<?xml version='1.0'?><methodCall><methodName>${quoteXml(method)}</methodName><params>${list}</params></methodCall>`;
}

function encode(value: Value): string {
  if (value === null) return "<nil/>";
  if (typeof value === "string") return `<string>${quoteXml(value)}</string>`;
  if (typeof value === "number") return `<int>${value}</int>`;
  if (typeof value === "boolean") return `<boolean>${value ? 1 : 0}</boolean>`;
  if (isArray(value)) {
    return `<array><data>${value.map((item) => `<value>${encode(item)}</value>`).join("")}</data></array>`;
  }
  const members = Object.entries(value).map(
    ([name, item]) => `<member><name>${quoteXml(name)}</name><value>${encode(item)}</value></member>`,
  );
  return `<struct>${members.join("")}</struct>`;
}

function isArray(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

function quoteXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

interface Element {
  readonly tag: string;
  readonly children: Element[];
  text: string;
}

export function decodeResponse(xml: string): Value {
  const root = parse(xml);
  const fault = find(root, "fault");
  if (fault !== undefined) {
    const { faultCode, faultString } = decode(only(fault)) as { faultCode: number; faultString: string };
    throw new Fault(faultCode, faultString);
  }
  const param = find(root, "param");
  if (param === undefined) throw new Error(`Cannot find a result in ${xml}`);
  return decode(only(param));
}

function find(element: Element, tag: string): Element | undefined {
  if (element.tag === tag) return element;
  for (const child of element.children) {
    const found = find(child, tag);
    if (found !== undefined) return found;
  }
  return undefined;
}

function only(element: Element): Element {
  const child = element.children[0];
  if (child === undefined) throw new Error(`Cannot find anything in <${element.tag}>`);
  return child;
}

function decode(value: Element): Value {
  const inner = value.children[0];
  if (inner === undefined) return value.text;
  switch (inner.tag) {
    case "string":
      return inner.text;
    case "int":
    case "i4":
      return Number.parseInt(inner.text, 10);
    case "double":
      return Number(inner.text);
    case "boolean":
      return inner.text === "1";
    case "array":
      return only(inner).children.map(decode);
    case "struct":
      return Object.fromEntries(
        inner.children.map((member) => {
          const [name, item] = member.children;
          if (name === undefined || item === undefined) throw new Error("Cannot read a struct member");
          return [name.text, decode(item)];
        }),
      );
    default:
      throw new Error(`Cannot read a value of type <${inner.tag}>`);
  }
}

function parse(xml: string): Element {
  const root: Element = { tag: "", children: [], text: "" };
  const open = [root];
  for (const [, closing, tag, empty, text] of xml.matchAll(
    /<\?[^>]*\?>|<(\/?)([a-zA-Z0-9.]+)[^>]*?(\/?)>|([^<]+)/g,
  )) {
    const top = open.at(-1);
    if (top === undefined) throw new Error("Cannot match an end tag");
    if (text !== undefined) top.text += plainText(text);
    else if (tag === undefined) continue;
    else if (closing === "/") open.pop();
    else {
      const element: Element = { tag, children: [], text: "" };
      top.children.push(element);
      if (empty !== "/") open.push(element);
    }
  }
  return root;
}

function plainText(text: string): string {
  return text
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}
