/**
 * Runs jobs, several at once, and yields the results in the order in which the jobs were handed out. With the same
 * results it is the same jobs, however fast each of them was.
 *
 * @param window Jobs handed out before the result of the first of them is awaited. What comes next may depend on results,
 *   and these are to be the same ones in every run: so it must not depend on lanes.
 * @param next The next job; undefined when there is none, at least until what is yielded next has been dealt with.
 */
export async function* inOrder<Job, Result>(
  next: () => Promise<Job | undefined> | Job | undefined,
  run: (job: Job) => Promise<Result>,
  window = 16,
): AsyncGenerator<{ readonly job: Job; readonly result: Result }> {
  const underway: { readonly job: Job; readonly result: Promise<Result> }[] = [];
  try {
    for (;;) {
      while (underway.length < window) {
        const job = await next();
        if (job === undefined) break;
        const result = run(job);
        // Its turn to be awaited comes later; until then a failure is not unhandled.
        result.catch(() => undefined);
        underway.push({ job, result });
      }
      const oldest = underway.shift();
      if (oldest === undefined) return;
      yield { job: oldest.job, result: await oldest.result };
    }
  } finally {
    await Promise.allSettled(underway.map(({ result }) => result));
  }
}
