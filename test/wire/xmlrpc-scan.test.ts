/** The quick reader never says other than the XML parser says; at most it says nothing. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  encodeCall,
  encodeFault,
  encodeResponse,
  parseCall,
  parseResponse,
  type XmlRpcValue,
} from "../../src/wire/xmlrpc.js";
import { scanCall, scanResponse } from "../../src/wire/xmlrpc-scan.js";

const { value: anyValue } = fc.letrec<{ value: XmlRpcValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: "binary" }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(fc.string(), tie("value"), { maxKeys: 5 }),
  ),
}));

function quiet<T>(read: () => T): T | "refused" {
  try {
    return read();
  } catch {
    return "refused";
  }
}

describe("what is common is read without a parser", () => {
  test.each([
    [
      "Python's client",
      "<?xml version='1.0'?>\n<methodCall>\n<methodName>supervisor.startProcess</methodName>\n<params>\n<param>\n<value><string>a:b</string></value>\n</param>\n<param>\n<value><boolean>1</boolean></value>\n</param>\n</params>\n</methodCall>\n",
    ],
    [
      "another client, with a declared encoding and blanks between",
      '<?xml version="1.0" encoding="UTF-8"?><methodCall> <methodName>supervisor.startProcess</methodName>\n\t<params> <param> <value>a:b</value> </param><param><value> <boolean>1</boolean> </value></param></params></methodCall>',
    ],
  ])("%s", (_who, xml) => {
    expect(scanCall(xml)).toEqual({ method: "supervisor.startProcess", params: ["a:b", true] });
  });

  test("calls without params", () => {
    const head = "<methodCall><methodName>a.b</methodName>";
    for (const params of ["", "<params></params>", "<params/>", "<params>\n</params>"])
      expect(scanCall(`${head}${params}</methodCall>`), params).toEqual({ method: "a.b", params: [] });
  });

  test("every kind of value, and markup in texts", () => {
    const value = [
      "a & b < c > d \" '",
      "",
      1,
      -2,
      1.5,
      true,
      false,
      null,
      [],
      [[]],
      { "a&b": { c: ["é", 1] } },
    ];
    expect(scanResponse(encodeResponse(value))).toEqual({ ok: true, value });
    expect(scanCall(encodeCall("a.b", [value]))).toEqual({ method: "a.b", params: [value] });
  });
});

test("a fault is left to the parser", () => {
  expect(scanResponse(encodeFault(10, "BAD_NAME: x"))).toBe(null);
});

test("what is written is read as the parser reads it, or not at all", () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const response = encodeResponse(value);
      expect([null, JSON.stringify(parseResponse(response))]).toContain(json(scanResponse(response)));
      const call = encodeCall("a.b", [value]);
      expect([null, JSON.stringify(parseCall(call))]).toContain(json(scanCall(call)));
    }),
  );
});

/** Pieces that make documents nearly right. */
const piece = fc.constantFrom(
  ..."<methodCall> </methodCall> <methodName> </methodName> <params> </params> <params/> <param> </param>".split(
    " ",
  ),
  ..."<value> </value> <string> </string> <string/> <int> </int> <i8> <nil/> <nil> <array> </array>".split(
    " ",
  ),
  ..."<data> </data> <struct> </struct> <member> </member> <name> </name> <boolean> </boolean>".split(" "),
  ..."<double> </double> &amp; &lt; &bogus; &#65; & ]]> <!--x--> <![CDATA[x]]> <?pi?> < > a 1 1.5 -".split(
    " ",
  ),
  " ",
  "\n",
  "\r\n",
  "\u0000",
);

test("what is nearly right is read as the parser reads it, or not at all", () => {
  const call = encodeCall("a.b", ["x", 1, [true, null], { y: "z" }]);
  const spoiled = fc
    .tuple(fc.nat(call.length), fc.nat(30), fc.array(piece, { maxLength: 4 }))
    .map(([at, gone, pieces]) => call.slice(0, at) + pieces.join("") + call.slice(at + gone));
  const heap = fc
    .array(piece, { maxLength: 12 })
    .map(
      (pieces) =>
        `<methodCall><methodName>m</methodName><params><param><value>${pieces.join("")}</value></param></params></methodCall>`,
    );
  fc.assert(
    fc.property(fc.oneof(spoiled, heap), (xml) => {
      const scanned = scanCall(xml);
      if (scanned !== null) expect(json(scanned)).toBe(json(quiet(() => parseCall(xml))));
    }),
    { numRuns: 2000 },
  );
});

function json(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}
