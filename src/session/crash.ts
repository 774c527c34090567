import { currentActor } from "./context.js";

let listening = false;

/**
 * Hears of promises that reject while nobody awaits them. One that an actor has forgotten would have ended the process
 * that the code is written for; here it is that actor's crash. Any other ends this process, as it would without us.
 */
export function hearCrashes(): void {
  if (listening) return;
  listening = true;
  process.on("unhandledRejection", (error) => {
    // Node calls this on behalf of whoever made the promise.
    const context = currentActor();
    if (context !== undefined) context.gate.crashed(context, error);
    else if (process.listenerCount("unhandledRejection") === 1) throw error;
  });
}
