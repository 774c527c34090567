/** What a step begins with in which nothing happens but that time passes. */
export const passing = "time passes: ";

/** Whether a step is a timer that is due. */
export function isTimer({ kind, text }: { readonly kind: string; readonly text: string }): boolean {
  return kind === "yield" && text.startsWith(passing);
}
