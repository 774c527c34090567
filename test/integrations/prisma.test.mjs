import { PrismaPg } from "@prisma/adapter-pg";
import { PrismaClient } from "./generated/prisma/client.js";
import { findsTheLostUpdate, nowhere } from "./lost-update.mjs";

const prisma = new PrismaClient({ adapter: new PrismaPg(nowhere) });

findsTheLostUpdate((lock) =>
  prisma.$transaction(async (tx) => {
    if (lock) await tx.$queryRaw`select 1 from counter where id = 1 for update`;
    const { n } = await tx.counter.findUniqueOrThrow({ where: { id: 1 } });
    await tx.counter.update({ where: { id: 1 }, data: { n: n + 1 } });
  }),
);
