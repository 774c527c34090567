import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll } from "vitest";

/** Debian's package, and what others call theirs. */
const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

const executable = [process.env["RACEPROOF_CHROMIUM"] ?? "", ...places].find((file) => file !== "" && existsSync(file));

/**
 * Why pages cannot be looked at here; undefined where they can.
 *
 * @throws Where they must be: in CI a test that looks at nothing proves nothing.
 */
export function noBrowser(): string | undefined {
  if (executable !== undefined) return undefined;
  const message = "there is no Chromium (apt-get install chromium, or RACEPROOF_CHROMIUM=/path/to/it)";
  if (process.env["RACEPROOF_BROWSER"] === "required") throw new Error(message);
  return message;
}

export interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
  readonly scripts?: boolean;
  /** What stands behind the file's name, e.g. `#c1-s2`. */
  readonly hash?: string;
}

/** A page that is open, and what went wrong with it. */
export interface Opened {
  readonly page: Page;
  /** Errors, refusals of the content policy, dialogs, and whatever was asked of the network. */
  readonly trouble: string[];
}

/** Opens pages in one browser for the tests of a file. */
export function browserForFile(): (html: string, look?: Look) => Promise<Opened> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "raceproof-page-"));
  let browser: Browser | undefined;
  let number = 0;
  beforeAll(async () => {
    if (executable === undefined) return;
    browser = await chromium.launch({ executablePath: executable, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return async (html, { width = 1400, height = 900, dark = false, scripts = true, hash = "" } = {}) => {
    const file = path.join(folder, `${++number}.html`);
    writeFileSync(file, html);
    const page = await browser!.newPage({
      viewport: { width, height },
      colorScheme: dark ? "dark" : "light",
      javaScriptEnabled: scripts,
      // axe is put in by a script of its own, which the page's policy would refuse.
      bypassCSP: false,
    });
    const trouble: string[] = [];
    page.on("console", (message) => trouble.push(message.text()));
    page.on("pageerror", (error) => trouble.push(error.message));
    page.on("dialog", (dialog) => {
      trouble.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("request", (request) => {
      if (request.url().split("#")[0] !== pathToFileURL(file).href) trouble.push(`asked for ${request.url()}`);
    });
    await page.goto(pathToFileURL(file).href + hash);
    return { page, trouble };
  };
}
