import type { AnyModel } from "../../src/execution/model.js";
import { defineModel, fc, yieldPoint, type OperationContext } from "../../src/index.js";

interface Initial {
  readonly start: number;
  readonly others: readonly number[];
}

type Context = OperationContext<Initial, { readonly locks: string }, { added: number }>;

/** A counter that is read and then written, with or without a lock, and what could distract from that. */
export function counterModel(more: Partial<AnyModel> = {}): AnyModel {
  return {
    ...defineModel<Initial, { readonly locks: string }, { added: number }, { look: null; add: { by: number } }>({
      name: "counter",
      schema: "create table counter (id int primary key, n int not null)",
      implementations: {
        careless: { expect: { violates: ["nothing is lost"] }, create: () => ({ locks: "" }) },
        careful: { create: () => ({ locks: "for update" }) },
      },
      initial: fc.record({ start: fc.nat(5), others: fc.array(fc.nat(9), { maxLength: 3 }) }),
      seed: ({ start, others }) => ({ counter: [start, ...others].map((n, id) => ({ id, n })) }),
      world: () => ({ added: 0 }),
      operations: {
        look: {
          parameters: fc.constant(null),
          run: async ({ pool }: Context) => (await pool.query("select n from counter where id = 0")).rows,
        },
        add: { parameters: fc.record({ by: fc.integer({ min: 1, max: 9 }) }), run: add },
      },
      actors: { a: ["look", "add"], b: ["look", "add"], c: ["look", "add"] },
      state: { counter: "select n from counter where id = 0" },
      invariants: {
        "nothing is lost": ({ counter }, { initial, world }) => {
          const [{ n }] = counter as [{ n: number }];
          const due = initial.start + world.added;
          return n === due ? undefined : { way: n < due ? "too low" : "too high", message: `${n}, not ${due}` };
        },
      },
    }),
    ...more,
  };
}

async function add({ pool, implementation: { locks }, world }: Context, { by }: { by: number }): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const { rows } = await client.query<{ n: number }>(`select n from counter where id = 0 ${locks}`);
    await yieldPoint("think");
    await client.query("update counter set n = $1 where id = 0", [rows[0]!.n + by]);
    await client.query("commit");
    world.added += by;
  } finally {
    client.release();
  }
}
