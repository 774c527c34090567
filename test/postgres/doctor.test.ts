import { expect, test } from "vitest";

import { examine, type Finding } from "../../src/postgres/doctor.js";
import { openServer } from "../../src/postgres/open.js";
import { directoryOf, patient, stopping } from "./support.js";

const find = (findings: readonly Finding[], what: string): Finding | undefined =>
  findings.find((finding) => finding.what === what);

test(
  "says what would be used, what that rests on, and that it works",
  async () => {
    const { works, findings } = await examine("embedded");
    expect(works).toBe(true);
    expect(find(findings, "choice")).toMatchObject({ state: "ok", detail: "embedded (by --postgres)" });
    for (const what of ["binaries", "install scripts", "account", "storage", "cache"]) {
      expect(find(findings, what)).toMatchObject({ needed: true });
    }
    expect(find(findings, "container engine")).toMatchObject({ needed: false });
    expect(find(findings, "server")).toMatchObject({
      state: "ok",
      detail: expect.stringMatching(/^PostgreSQL \d+.*up in \d+ ms/),
    });
  },
  patient.timeout,
);

test("a wish that cannot be understood is a finding, not an error", async () => {
  const { works, findings } = await examine("nonsense");
  expect(works).toBe(false);
  expect(findings).toEqual([
    { what: "choice", state: "missing", needed: true, detail: expect.stringMatching(/"nonsense"/) },
  ]);
});

test("a server that cannot be reached is a finding, without the password", async () => {
  const { works, findings } = await examine("postgres://u:s3cret@127.0.0.1:1/d");
  expect(works).toBe(false);
  expect(find(findings, "server")).toMatchObject({
    state: "missing",
    needed: true,
    detail: expect.stringMatching(/ECONNREFUSED/),
  });
  expect(find(findings, "binaries")).toMatchObject({ needed: false });
  expect(JSON.stringify(findings)).not.toMatch(/s3cret/);
});

test("binaries that are not there are a finding", async () => {
  const { works, findings } = await examine("/no/where");
  expect(works).toBe(false);
  expect(find(findings, "binaries")).toMatchObject({ state: "missing", needed: true });
});

test(
  "databases that may be ours and are not marked are pointed out",
  async () => {
    const host = stopping(await openServer("embedded", { prefix: "raceproof" }));
    const socket = await directoryOf(host);
    const { works, findings } = await examine(`postgres://postgres@/postgres?host=${socket}`);
    expect(works).toBe(true);
    expect(find(findings, "databases")).toMatchObject({
      state: "warn",
      detail: expect.stringMatching(/raceproof_[0-9a-f]{8}_1/),
    });
  },
  patient.timeout,
);
