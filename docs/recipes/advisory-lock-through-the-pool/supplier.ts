import { yieldPoint } from "raceproof";

/** Somebody who is asked over the network. */
export interface Supplier {
  price(product: number): Promise<number>;
  /** How many pieces will come. */
  order(product: number, price: number): Promise<number>;
}

/** A stand-in for tests, with a step where the real one takes its time. */
export const supplier: Supplier = {
  async price() {
    await yieldPoint("ask for the price");
    return 5;
  },
  async order() {
    await yieldPoint("order ten pieces");
    return 10;
  },
};
