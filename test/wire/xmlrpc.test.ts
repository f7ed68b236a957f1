import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { passage } from "../../src/core/passage.js";
import {
  decodeCall,
  decodeResponse,
  encodeCall,
  encodeFault,
  encodeInSteps,
  encodeResponse,
  XmlRpcParseError,
  type XmlRpcResult,
  type XmlRpcValue,
} from "../../src/wire/xmlrpc.js";

describe("writing", () => {
  test("a struct, as the reference sends it", () => {
    expect(encodeResponse({ statecode: 1, statename: "RUNNING" })).toBe(
      "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><struct>\n<member>\n<name>statecode</name>\n<value><int>1</int></value>\n</member>\n<member>\n<name>statename</name>\n<value><string>RUNNING</string></value>\n</member>\n</struct></value>\n</param>\n</params>\n</methodResponse>\n",
    );
  });

  test("nested empty arrays, as the reference sends them", () => {
    expect(encodeResponse([[[], [], []]])).toHaveLength(318);
  });

  test("a fault, as the reference sends it", () => {
    expect(encodeFault(10, "BAD_NAME: c<at")).toHaveLength(273);
  });

  test("characters that XML can't hold are replaced", () => {
    const sent = encodeResponse("\u001b[31m\u0000 \ud800 ok é 🎉\n\t");
    expect(decodeResponse(sent)).toEqual({ ok: true, value: "\ufffd[31m\ufffd \ufffd ok é 🎉\n\t" });
  });
});

describe("reading", () => {
  const value = (inner: string): unknown => {
    const xml = `<?xml version="1.0"?><methodCall><methodName>m</methodName><params><param><value>${inner}</value></param></params></methodCall>`;
    return decodeCall(xml).params[0];
  };

  test.each([
    ["plain text", "plain text"],
    ["", ""],
    ["<string>a &lt; b</string>", "a < b"],
    ["<string><![CDATA[a < b]]></string>", "a < b"],
    ["<int> 12 </int>", 12],
    ["<i4>-3</i4>", -3],
    ["<i8>5</i8>", "5"],
    ["<double>1.5</double>", 1.5],
    ["<boolean>1</boolean>", true],
    ["<boolean>0</boolean>", false],
    ["<boolean>true</boolean>", false],
    ["<nil/>", null],
    ["<base64>aMOp</base64>", "hé"],
    ["<dateTime.iso8601>20260101T00:00:00</dateTime.iso8601>", "20260101T00:00:00"],
    ["<array><data> <value>a</value> <value><int>1</int></value> </data></array>", ["a", 1]],
  ])("%s", (inner, expected) => {
    expect(value(inner)).toEqual(expected);
  });

  test("a call without params, or without a method", () => {
    expect(decodeCall("<methodCall><methodName>a.b</methodName></methodCall>")).toEqual({
      method: "a.b",
      params: [],
    });
    expect(decodeCall("<methodCall></methodCall>").method).toBe("");
  });

  test("a member may be called anything", () => {
    const struct = value(
      "<struct><member><name>__proto__</name><value><int>1</int></value></member></struct>",
    ) as object;
    expect(Object.keys(struct)).toEqual(["__proto__"]);
    expect(({} as Record<string, unknown>)["int"]).toBe(undefined);
  });

  test.each([
    "",
    "junk",
    " <?xml version='1.0'?><methodCall/>",
    "<methodCall><methodName>a</methodCall>",
    "<other/>",
    "<methodCall><params><param><value><int>x</int></value></param></params></methodCall>",
    "<!DOCTYPE a [<!ENTITY b 'c'>]><methodCall><methodName>&b;</methodName></methodCall>",
    `<methodCall><params><param>${"<value><array><data>".repeat(500)}`,
  ])("%#: what is no call is refused", (xml) => {
    expect(() => decodeCall(xml)).toThrow(XmlRpcParseError);
  });
});

const text = fc.string({ unit: "binary" }).map((s) =>
  // What XML can hold, with \r as \n: that is how XML reads line ends.
  s.replaceAll(/[\u0000-\u0008\u000b-\u001f\ufffe\uffff]|[\ud800-\udfff]/g, "x"),
);
const { value: anyValue } = fc.letrec<{ value: XmlRpcValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => n !== 0 || !Object.is(n, -0)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(text, tie("value"), { maxKeys: 5 }),
  ),
}));

test("what is written is read back the same", () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const call = decodeCall(encodeCall("a.b", [value]));
      expect(JSON.stringify(call)).toBe(JSON.stringify({ method: "a.b", params: [value] }));
      expect(JSON.stringify(decodeResponse(encodeResponse(value)))).toBe(JSON.stringify({ ok: true, value }));
    }),
  );
});

test("no bytes break the reader", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (junk) => {
      for (const xml of [junk, `<methodCall>${junk}</methodCall>`]) {
        try {
          decodeCall(xml);
        } catch (error) {
          expect(error).toBeInstanceOf(XmlRpcParseError);
        }
      }
    }),
  );
});

test("an answer that is encoded in steps says the same, in parts when it is long", () => {
  const steps = (value: XmlRpcValue): readonly [number, unknown] => {
    const going = encodeInSteps(value);
    for (let count = 0; ; count += 1) {
      const step = going.next();
      if (step.done === true) return [count, step.value];
    }
  };
  for (const value of ["a&b", [], [1, "x", { y: [true] }]]) {
    const count = Array.isArray(value) ? value.length : 0;
    expect(steps(value)).toEqual([count, encodeResponse(value)]);
  }
  const long = Array.from({ length: 100 }, (_, index) => `${index}${"<".repeat(20_000)}`);
  const [count, parts] = steps(long) as readonly [number, readonly string[]];
  expect([count, parts.join("") === encodeResponse(long)]).toEqual([100, true]);
  expect(Math.max(...parts.map((part) => part.length))).toBeLessThan(1 << 20);
});

test("a passage stands in an answer where its text will be", () => {
  const there = passage("/a.log", 1, 2);
  const value: XmlRpcResult = [{ a: there }, "x"];
  const parts = encodeResponse(value);
  const [before, , after] = encodeResponse([{ a: "cut" }, "x"]).split(/(cut)/);
  expect(parts).toEqual([before, there, after]);
});

test("a call of more elements or attributes than it can mean is refused, an answer is not", () => {
  const call = (inside: string): string => `<methodCall><methodName>a</methodName>${inside}</methodCall>`;
  expect(decodeCall(call("<a/>".repeat(99_000)))).toEqual({ method: "a", params: [] });
  expect(() => decodeCall(call("<a/>".repeat(101_000)))).toThrow("too many elements");
  const attributes = Array.from({ length: 101_000 }, (_, at) => `a${at}=''`).join(" ");
  expect(() => decodeCall(call(`<a ${attributes}/>`))).toThrow("too many elements");
  const values = "<value><a/>x</value>".repeat(101_000);
  const answer = decodeResponse(
    `<methodResponse><params><param><value><array><data>${values}</data></array></value></param></params></methodResponse>`,
  );
  expect(answer.ok && (answer.value as readonly unknown[]).length).toBe(101_000);
});
