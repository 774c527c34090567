import path from "node:path";
import { API, type Project, SymbolFlags, type Symbol as TsSymbol } from "typescript/unstable/sync";
import { root } from "./pages.js";

/** What a name that is exported is declared by: its docstring, and the declarations as TypeScript has them. */
export interface Exported {
  readonly name: string;
  readonly doc: string;
  /** Without `export` and `declare`; docstrings of members are still in it. Empty for what another package declares. */
  readonly code: string;
}

/**
 * What the modules of the package export, read from the declarations that the build has made.
 *
 * @param modules Paths below `dist`, without their extension.
 */
export function exportsOf(modules: readonly string[]): Exported[][] {
  const api = new API({ cwd: root });
  try {
    const config = path.join(root, "test/docs/tsconfig.api.json");
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config)!;
    return modules.map((module) => {
      const source = project.program.getSourceFile(path.join(root, `dist/${module}.d.ts`));
      if (source === undefined) throw new Error(`there is no dist/${module}.d.ts; npm run build makes it`);
      const symbol = project.checker.getSymbolAtLocation(source);
      return [...(symbol?.getExports().values() ?? [])].map((each) => exported(project, each));
    });
  } finally {
    api.close();
  }
}

function exported(project: Project, symbol: TsSymbol): Exported {
  const declared = symbol.flags & SymbolFlags.Alias ? project.checker.getAliasedSymbol(symbol) : symbol;
  const texts = declared.declarations
    .map((handle) => handle.resolve(project)!)
    .filter((node) => node.getSourceFile().fileName.startsWith(path.join(root, "dist")))
    // What a variable is declared by begins behind `const`.
    .map((node) => (symbol.name === node.getText().split(/\W/)[0] ? node.parent.parent : node))
    .map((node) => ({ doc: docstring(node.getFullText()), code: node.getText() }));
  return {
    name: symbol.name,
    doc: texts.find(({ doc }) => doc !== "")?.doc ?? "",
    code: texts.map(({ code }) => tidied(code)).join("\n"),
  };
}

/** The docstring in front of a declaration, without its stars. */
function docstring(text: string): string {
  const [, doc = ""] = /^\s*(?:\/\/.*\n\s*)*\/\*\*([^]*?)\*\//.exec(text) ?? [];
  return doc.replaceAll(/^ *\* ?/gm, "").trim();
}

function tidied(code: string): string {
  return code
    .replace(/^export (default )?/, "")
    .replace(/^declare /, "")
    .replaceAll(/^ *(#private|private .*|\/\/ oxlint-.*)\n/gm, "")
    .replaceAll(/^(?: {4})+/gm, (indent) => " ".repeat(indent.length / 2));
}

/** A docstring as Markdown: its text, then what there is to say of parameters, results and errors. */
export function markdownOf(doc: string): string {
  const [text = "", ...tags] = doc.split(/^@/m);
  const items = tags.map((tag) => {
    const [, kind = "", rest = ""] = /^(\w+)\s*([^]*)/.exec(tag.replaceAll(/\s+/g, " ").trim()) ?? [];
    if (kind === "param") return `- ${rest.replace(/^(\S+)/, "`$1`:")}`;
    if (kind === "returns") return `- Returns: ${rest}`;
    if (kind === "throws") return `- Throws ${rest.replace(/^\{(\w+)\}/, "`$1`:")}`;
    return `- ${kind}: ${rest}`;
  });
  return [text.trim(), items.join("\n")].filter(Boolean).join("\n\n");
}
