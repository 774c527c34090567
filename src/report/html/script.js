// Adds to a page that reads without it: one counterexample at a time, stepping through it, and folding.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const entry = document.getElementById("verdict");
  const articles = [...document.querySelectorAll("article")];
  const keys = document.getElementById("keys");
  let shown = null;

  /** A counterexample with its steps, made interactive when it is first shown. */
  class Walk {
    constructor(article) {
      this.article = article;
      this.id = article.id;
      this.last = Number(article.dataset.steps);
      this.step = null;
      this.rows = new Map();
      for (const row of article.querySelectorAll("tr[data-step]")) this.rows.set(Number(row.dataset.step), row);
      this.first = this.rows.has(0) ? 0 : 1;
      this.boxes = new Map();
      for (const box of article.querySelectorAll("a.box")) this.boxes.set(Number(box.dataset.step), box);
      this.edges = [...article.querySelectorAll("path.edge")];
      this.inspector = article.querySelector(".inspector");
      this.build();
      this.foldable();
      article.addEventListener("click", (event) => this.clicked(event));
      const copy = article.querySelector("button.copy");
      if (navigator.clipboard !== undefined) {
        copy.hidden = false;
        copy.addEventListener("click", () => {
          const text = copy.parentElement.querySelector("code").textContent;
          const said = (word) => () => (copy.textContent = word);
          navigator.clipboard.writeText(text).then(said("Copied"), said("Not copied"));
        });
      }
    }

    build() {
      const button = (text, label, by) => {
        const made = document.createElement("button");
        made.type = "button";
        made.textContent = text;
        made.setAttribute("aria-label", label);
        made.addEventListener("click", () => this.move(by));
        return made;
      };
      this.back = button("←", "One step back", -1);
      this.forward = button("→", "One step forward", 1);
      this.at = document.createElement("p");
      this.at.className = "at";
      this.at.setAttribute("aria-live", "polite");
      const bar = document.createElement("div");
      bar.className = "bar";
      bar.append(this.back, this.at, this.forward);
      this.content = document.createElement("div");
      this.inspector.append(bar, this.content);
      this.inspector.hidden = false;
    }

    /** Steps that tell nothing can be folded away; a row says what they were. */
    foldable() {
      this.dull = [...this.article.querySelectorAll("tr.dull")];
      if (this.dull.length === 0) return;
      this.folds = [...this.article.querySelectorAll("tr.fold")];
      this.fold = document.createElement("button");
      this.fold.type = "button";
      this.fold.textContent = `Fold ${this.dull.length} steps that tell nothing`;
      this.fold.setAttribute("aria-pressed", "false");
      this.fold.addEventListener("click", () => this.toggleFold());
      const bar = document.createElement("div");
      bar.className = "fold-bar";
      bar.append(this.fold);
      this.article.querySelector(".walk").before(bar);
    }

    toggleFold() {
      if (this.fold === undefined) return;
      const folded = this.fold.getAttribute("aria-pressed") !== "true";
      this.fold.setAttribute("aria-pressed", String(folded));
      for (const row of this.dull) row.hidden = folded;
      for (const row of this.folds) row.hidden = !folded;
      if (folded && this.rows.get(this.step)?.hidden === true) this.move(1);
    }

    clicked(event) {
      if (event.target.closest("a, button, summary, .inspector") !== null || String(getSelection()) !== "") return;
      const row = event.target.closest("tr[data-step]");
      if (row !== null) this.select(Number(row.dataset.step), true);
    }

    /** To the next step in that direction that is not folded away. */
    move(by) {
      let step = this.step + by;
      while (this.rows.get(step)?.hidden === true) step += by;
      if (this.rows.has(step)) this.select(step, true);
    }

    select(step, follow) {
      const row = this.rows.get(step);
      if (row === undefined) return;
      this.rows.get(this.step)?.classList.remove("current");
      this.rows.get(this.step)?.removeAttribute("aria-current");
      this.boxes.get(this.step)?.classList.remove("current");
      this.step = step;
      row.hidden = false;
      row.classList.add("current");
      row.setAttribute("aria-current", "step");
      const box = this.boxes.get(step);
      box?.classList.add("current");
      for (const edge of this.edges)
        edge.classList.toggle("current", [edge.dataset.from, edge.dataset.to].includes(String(step)));
      this.back.disabled = step <= this.first;
      this.forward.disabled = step >= this.last;
      this.inspect(row);
      if (!follow) return;
      history.replaceState(null, "", `#${this.id}-s${step}`);
      row.scrollIntoView({ block: "nearest" });
      if (box !== undefined) {
        const picture = this.article.querySelector(".picture");
        const { left, right } = box.getBoundingClientRect();
        const frame = picture.getBoundingClientRect();
        if (left < frame.left + 160) picture.scrollLeft -= frame.left + 160 - left;
        if (right > frame.right - 40) picture.scrollLeft += right - frame.right + 40;
      }
    }

    inspect(row) {
      const actor = row.querySelector("td.own")?.dataset.actor;
      this.at.textContent = this.step === 0 ? "Before the first step" : `Step ${this.step} of ${this.last}: ${actor}`;
      const detail = row.querySelector(".detail");
      this.content.replaceChildren(...(detail === null ? [] : [...detail.cloneNode(true).childNodes]));
      const unchanged = this.content.querySelector("p.unchanged");
      if (unchanged !== null) this.recall(unchanged);
      const same = this.content.querySelector("p.same-code");
      const code = same && this.rows.get(Number(same.dataset.as))?.querySelector("pre.code");
      if (code) same.replaceWith(code.cloneNode(true));
      this.inspector.scrollTop = 0;
    }

    /** Tables that did not change stand with the step behind which they were seen last. */
    recall(unchanged) {
      const seen = this.rows.get(Number(unchanged.dataset.as))?.querySelector(".seen");
      const tables = seen?.querySelector(":scope > .tables")?.cloneNode(true);
      if (tables === undefined) return;
      tables.classList.add("stale-copy");
      const heading = document.createElement("h4");
      heading.textContent = "As committed (unchanged)";
      unchanged.replaceWith(heading, tables);
    }
  }

  const walks = new Map();

  function walkOf(article) {
    if (!walks.has(article)) walks.set(article, new Walk(article));
    return walks.get(article);
  }

  /** Shows what the address names: the verdict, a counterexample, or one of its steps. */
  function show(focus) {
    const [, id, step] = /^#(c\d+)(?:-s(\d+))?$/.exec(location.hash) ?? [];
    const article = articles.find((each) => each.id === id) ?? (entry === null ? articles[0] : undefined);
    if (entry !== null) entry.hidden = article !== undefined;
    for (const each of articles) each.hidden = each !== article;
    keys.hidden = article === undefined;
    const changed = article !== shown;
    shown = article ?? null;
    if (article !== undefined) {
      const walk = walkOf(article);
      walk.select(step === undefined ? (walk.step ?? walk.first) : Number(step), step !== undefined);
    }
    if (!changed || !focus) return;
    if (step === undefined) scrollTo(0, 0);
    (article ?? entry)?.querySelector("h2")?.focus({ preventScroll: true });
  }

  addEventListener("hashchange", () => show(true));
  addEventListener("keydown", (event) => {
    if (shown === null || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target instanceof HTMLElement && event.target.closest("input, textarea, select") !== null) return;
    const walk = walkOf(shown);
    const actions = {
      ArrowRight: () => walk.move(1),
      ArrowLeft: () => walk.move(-1),
      j: () => walk.move(1),
      k: () => walk.move(-1),
      Home: () => walk.select(walk.first, true),
      End: () => walk.select(walk.last, true),
      f: () => walk.toggleFold(),
      Escape: () => entry !== null && (location.hash = "verdict"),
    };
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  });
  show(false);
})();
