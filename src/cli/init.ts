import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { exitCode, UsageError } from "../errors.js";

const config = `import { defineConfig } from "raceproof";

// Every flag of the command line has a key here, and counts for race tests, too.
export default defineConfig({
  // What \`npx raceproof check\` checks.
  model: "races/transfer.model.ts",
  // The same seed gives the same programs, schedules and verdict.
  seed: "raceproof",
  // Where counterexamples are written.
  reports: "reports",
});
`;

const example = `import pg from "pg";
import { defineModel, fc } from "raceproof";

// The code under test: it has a pool of its own, and knows nothing of raceproof. Put yours in its place.
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });

async function transfer(from: number, to: number, amount: number): Promise<boolean> {
  const { rows } = await pool.query("SELECT balance FROM account WHERE id = $1", [from]);
  if (rows[0].balance < amount) return false;
  await pool.query("UPDATE account SET balance = $2 WHERE id = $1", [from, rows[0].balance - amount]);
  await pool.query("UPDATE account SET balance = balance + $2 WHERE id = $1", [to, amount]);
  return true;
}

export default defineModel({
  name: "transfer",
  schema: "CREATE TABLE account (id int PRIMARY KEY, balance int NOT NULL)",
  implementations: { current: { expect: "holds", create: () => transfer } },
  // Where programs begin: fast-check arbitraries, and the rows they stand for.
  initial: fc.array(fc.constantFrom(50, 100), { minLength: 2, maxLength: 3 }),
  seed: (balances) => ({ account: balances.map((balance, i) => ({ id: i + 1, balance })) }),
  // What actors do, with which parameters.
  operations: {
    transfer: {
      parameters: (balances: number[]) => {
        const id = fc.integer({ min: 1, max: balances.length });
        return fc.record({ from: id, to: id, amount: fc.constantFrom(10, 50) });
      },
      run: ({ implementation }, { from, to, amount }) => implementation(from, to, amount),
    },
  },
  actors: { alice: ["transfer"], bob: ["transfer"] },
  // What is looked at once everybody is done, and what must be true of it.
  state: { account: "SELECT id, balance FROM account ORDER BY id" },
  invariants: {
    "money is conserved": ({ account = [] }, { initial }) => {
      const before = initial.reduce((sum, balance) => sum + balance, 0);
      const after = account.reduce((sum, { balance }) => sum + balance, 0);
      return before === after ? undefined : \`there is \${after}, and there was \${before}\`;
    },
  },
});
`;

const files = { "raceproof.config.ts": config, "races/transfer.model.ts": example };

/** `raceproof init` */
export async function initCommand(): Promise<number> {
  const there = Object.keys(files).find((file) => existsSync(file));
  if (there !== undefined) throw new UsageError(`${there} is there already; nothing was written`);
  for (const [file, text] of Object.entries(files)) {
    try {
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, text, { flag: "wx" });
    } catch (error) {
      throw new UsageError(`${file} cannot be written: ${(error as Error).message}`);
    }
    process.stdout.write(`wrote ${file}\n`);
  }
  process.stdout.write(next);
  return exitCode.ok;
}

const next = `
Next:
  npx raceproof check    finds the race in races/transfer.model.ts
  In vitest:             import { raceTest } from "raceproof/vitest"
  In node:test or jest:  import { assertNoRace } from "raceproof"
`;
