// Fails when a server of ours outlived the process that started it. Servers of other runs that are under way are theirs.
import { serverAccount } from "../dist/src/postgres/identity.js";
import { runDirectories } from "../dist/src/postgres/sweep.js";

const left = runDirectories(serverAccount()).filter(({ standing }) => standing === "left over");
for (const { run } of left) console.error(`left behind: ${run}`);
process.exitCode = left.length === 0 ? 0 : 1;
