// `import "raceproof/register"`, or `node --import raceproof/register`: what an actor does through any copy of `pg` in this
// process becomes steps.
import { hearSockets } from "./session/sockets.js";
import { interceptPg } from "./session/intercept.js";

interceptPg();
hearSockets();
