/**
 * Remembers what a function of a text came to. Texts that repeat are what it is for; when there are too many it forgets
 * them all, as programs that write values into their texts would fill the memory otherwise.
 *
 * @param kept How many are remembered at most.
 */
export function memo<T>(make: (text: string) => T, kept = 10_000): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined || known.has(text)) return found as T;
    if (known.size >= kept) known.clear();
    const made = make(text);
    known.set(text, made);
    return made;
  };
}
