import { expect, test } from "vitest";

import { UsageError } from "../../src/errors.js";
import { defaultImage, parseSpec, wishFor } from "../../src/postgres/spec.js";

const parse = (text: string) => parseSpec({ text, from: "--postgres" });

test.each([
  ["embedded", { kind: "embedded" }],
  ["container", { kind: "container", image: defaultImage }],
  ["container:postgres:15-alpine", { kind: "container", image: "postgres:15-alpine" }],
  [
    "container:registry.test:5000/a/postgres@sha256:ab",
    { kind: "container", image: "registry.test:5000/a/postgres@sha256:ab" },
  ],
  ["postgres://h/d", { kind: "url", url: "postgres://h/d" }],
  ["postgresql://u:p@h:1/d?sslmode=disable", { kind: "url", url: "postgresql://u:p@h:1/d?sslmode=disable" }],
  ["/usr/lib/postgresql/15/bin", { kind: "directory", bin: "/usr/lib/postgresql/15/bin" }],
  ["./pg/bin", { kind: "directory", bin: `${process.cwd()}/pg/bin` }],
  ["pg/bin", { kind: "directory", bin: `${process.cwd()}/pg/bin` }],
])("%s is understood", (text, spec) => {
  expect(parse(text)).toEqual(spec);
});

test.each(["", "embeded", "15", "container:", "container:a b", "mysql://root:secret@h/d", "POSTGRES"])(
  "%j is refused, with all that would be accepted",
  (text) => {
    expect(() => parse(text)).toThrow(UsageError);
    expect(() => parse(text)).toThrow(/^--postgres .*container/s);
    expect(() => parse(text)).not.toThrow(/secret/);
  },
);

test("what is given counts first, then RACEPROOF_POSTGRES, then embedded", () => {
  const env = { RACEPROOF_POSTGRES: "container" };
  expect(wishFor("postgres://h/d", env)).toEqual({ text: "postgres://h/d", from: "--postgres" });
  expect(wishFor(undefined, env)).toEqual({ text: "container", from: "RACEPROOF_POSTGRES" });
  expect(wishFor(undefined, {}).text).toBe("embedded");
  expect(wishFor(undefined, { RACEPROOF_POSTGRES: "" }).text).toBe("embedded");
});

test("an error says that the environment variable is at fault when it is", () => {
  expect(() => parseSpec({ text: "nonsense", from: "RACEPROOF_POSTGRES" })).toThrow(
    /^RACEPROOF_POSTGRES is "nonsense"/,
  );
});
