/** What is still to be done, the cheapest first; of equal cost, what was put in first. A binary heap. */
export class Frontier<T> {
  readonly #heap: { readonly cost: number; readonly number: number; readonly item: T }[] = [];
  #number = 0;

  get size(): number {
    return this.#heap.length;
  }

  push(cost: number, item: T): void {
    this.#heap.push({ cost, number: this.#number++, item });
    let at = this.#heap.length - 1;
    for (let parent = (at - 1) >> 1; at > 0 && this.#isLess(at, parent); parent = (at - 1) >> 1) {
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): T | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first === undefined || last === undefined) return undefined;
    if (this.#heap.length === 0) return first.item;
    this.#heap[0] = last;
    for (let at = 0; ;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < this.#heap.length && this.#isLess(child, least)) least = child;
      if (least === at) return first.item;
      this.#swap(at, least);
      at = least;
    }
  }

  #isLess(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a]!, this.#heap[b]!];
    return one.cost < other.cost || (one.cost === other.cost && one.number < other.number);
  }

  #swap(a: number, b: number): void {
    [this.#heap[a], this.#heap[b]] = [this.#heap[b]!, this.#heap[a]!];
  }
}
