import type { Program } from "../execution/program.js";
import type { ProgramList } from "./programs.js";

/** Strands of an exploration: at least, at most, and where only its time is limited. */
const strands = { least: 12, most: 240, timed: 24 };

/** Executions for each strand, where there are enough of them. */
const executionsPerStrand = 200;

/** Executions under way in one strand, and in all together: the more there are, the less has been learnt when one is begun. */
const underway = { least: 2, most: 16, together: 32 };

/** A part of what is to be explored, for a machine of its own. */
export interface Shard {
  /** From 1. */
  readonly number: number;
  readonly of: number;
}

/**
 * A part of an exploration that depends on no other: its own programs, searched one after the other, and its own share of
 * the budget. What all strands do is one and the same whether they are run by one process or by many, together or apart.
 */
export interface Strand {
  readonly index: number;
  /** How many executions it may take, all shards together. */
  readonly executions: number;
  /** The next program, with a name of its own; undefined where there are no more. */
  readonly nextProgram: () => { readonly program: Program; readonly name: string } | undefined;
}

/** How an exploration is divided. */
export interface Division {
  /** How many strands there are in all. */
  readonly count: number;
  /** Executions of one strand that are under way at once, so many that there is enough to do for all lanes together. */
  readonly window: number;
  /** Whether there are fewer strands than shards, and each has a part of all of them. */
  readonly isSplit: boolean;
  /** Those that are to be run here. */
  readonly strands: readonly Strand[];
}

/**
 * Deals programs and budget out: the first program to the first strand, and so on round and round, so that examples come
 * first in their strands. There are more strands where there is more to spend, and no more than programs.
 *
 * @param examples How many of the programs come first.
 * @param canSplit Whether shards can have parts of one program, where there are fewer programs than shards.
 * @param shard Which strands are to be run; default: all. @param offset Where dealing strands out to shards begins, so that
 *   those that are left over do not always go to the same ones.
 */
export function divide(
  programs: ProgramList,
  examples: number,
  executions: number,
  canSplit = false,
  shard: Shard = { number: 1, of: 1 },
  offset = 0,
): Division {
  const wanted = Number.isFinite(executions)
    ? Math.min(strands.most, Math.max(strands.least, Math.floor(executions / executionsPerStrand)))
    : strands.timed;
  const count = programs.count(Math.max(examples, wanted));
  const window = Math.min(underway.most, Math.max(underway.least, Math.ceil(underway.together / count)));
  const isSplit = canSplit && count < shard.of;
  const all = [...Array(count).keys()];
  const indices = isSplit ? all : all.filter((index) => (index + offset) % shard.of === shard.number - 1);
  return { count, window, isSplit, strands: indices.map((index) => strandOf(programs, index, count, executions)) };
}

function strandOf(programs: ProgramList, index: number, count: number, executions: number): Strand {
  let next = index;
  return {
    index,
    executions: Number.isFinite(executions)
      ? Math.floor(executions / count) + Number(index < executions % count)
      : Infinity,
    nextProgram: () => {
      const program = programs.at(next);
      const name = String(next);
      next += count;
      return program === undefined ? undefined : { program, name };
    },
  };
}
