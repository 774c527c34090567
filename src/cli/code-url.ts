import path from "node:path";

/**
 * Where the files of the project can be seen: at the commit, in the jobs of GitHub and GitLab; else where they are.
 *
 * @param page The file that links there.
 */
export function codeUrlOf(page: string, env: NodeJS.ProcessEnv = process.env): string {
  const { GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_SHA, GITHUB_WORKSPACE } = env;
  if (GITHUB_SERVER_URL && GITHUB_REPOSITORY && GITHUB_SHA && GITHUB_WORKSPACE)
    return `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/blob/${GITHUB_SHA}/${from(GITHUB_WORKSPACE)}`;
  const { CI_PROJECT_URL, CI_COMMIT_SHA, CI_PROJECT_DIR } = env;
  if (CI_PROJECT_URL && CI_COMMIT_SHA && CI_PROJECT_DIR)
    return `${CI_PROJECT_URL}/-/blob/${CI_COMMIT_SHA}/${from(CI_PROJECT_DIR)}`;
  return from(path.dirname(path.resolve(page))) || "./";
}

/** From a folder to where we are, as a url with a slash at its end; empty where that is the same. */
function from(folder: string): string {
  const way = path.relative(folder, process.cwd()).split(path.sep);
  return way.map((name) => (name === "" ? "" : `${encodeURIComponent(name)}/`)).join("");
}
