import { describeStep } from "../lines.js";
import { pictureOf, type Picture, type WaitSpan } from "../lanes.js";
import { oneLine, visible } from "../text.js";
import type { Counterexample } from "../../shrink/counterexample.js";
import { html, type Content, type Html } from "./markup.js";
import { hueOf } from "./hue.js";

/** Measures of the picture, in CSS pixels. */
const size = { lane: 46, gutter: 150, step: 40, narrowStep: 26, box: 24, head: 12 };

/** From so many steps on they stand closer to each other. */
const many = 80;

/**
 * The execution as a picture: a lane for each session, a box for each step from left to right, transactions as bands, waits
 * as hatched bars with an arrow to whoever held them up, and arcs from step to step where one had to come before the other.
 * It shows nothing that the table below does not say, so screen readers skip it.
 */
export function picture(counterexample: Counterexample, id: string): Html {
  const layout = pictureOf(counterexample);
  const { steps } = counterexample.trace;
  const at = placesOf(steps.length);
  const width = at.x(steps.length) + 8;
  const height = at.y(layout.lanes.length) + 8;
  return html`<div
    class="picture"
    tabindex="0"
    role="group"
    aria-label="Picture of the timeline; the table below says the same"
  >
    <svg aria-hidden="true" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
      <defs>
        <pattern id="${id}-wait" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect class="wait-back" width="6" height="6" />
          <rect class="wait-line" width="2" height="6" />
        </pattern>
        <marker
          id="${id}-arrow"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="7"
          markerHeight="7"
          orient="auto-start-reverse"
        >
          <path class="arrow" d="M0 0 8 4 0 8z" />
        </marker>
      </defs>
      ${layout.lanes.map(({ session, actor }, lane) => laneOf(session, hueOf(counterexample, actor), at, lane, width))}
      ${layout.transactions.map(
        ({ lane, from, to, failed }) =>
          html`<rect
            class="transaction${failed ? " failed" : ""}"
            x="${at.x(from) - 3}"
            y="${at.y(lane) + 5}"
            width="${at.x(to) - at.x(from) + at.box + 6}"
            height="${size.lane - 10}"
            rx="7"
            >${titled(`transaction of ${layout.lanes[lane]!.session}, steps ${from + 1} to ${to + 1}${failed ? ", failed" : ""}`)}</rect
          >`,
      )}
      ${layout.waits.map((wait) => waitOf(wait, layout, at, id))}
      ${layout.edges.map(({ from, to, reason }) => edgeOf(from, to, oneLine(reason), layout, at, id))}
      ${steps.map(
        (step) =>
          html`<a
            class="box ${kindOf(step)} ${hueOf(counterexample, step.actor)}"
            href="#${id}-s${step.index + 1}"
            data-step="${step.index + 1}"
            tabindex="-1"
            >${titled(`${step.index + 1} ${describeStep(step)}`)}<rect
              x="${at.x(step.index)}"
              y="${at.y(layout.steps[step.index]!) + (size.lane - size.box) / 2}"
              width="${at.box}"
              height="${size.box}"
              rx="5"
            /><text
              x="${at.x(step.index) + at.box / 2}"
              y="${at.y(layout.steps[step.index]!) + size.lane / 2 + 4}"
              text-anchor="middle"
              >${step.index + 1}</text
            ></a
          >`,
      )}
    </svg>
  </div>`;
}

/** What a mouse that rests on it is told. */
function titled(text: string): Html {
  return html`<title>${oneLine(text)}</title>`;
}

interface Places {
  /** Width of a step's box. */
  readonly box: number;
  /** Left side of a step's box. */
  readonly x: (step: number) => number;
  /** Upper side of a lane. */
  readonly y: (lane: number) => number;
}

function placesOf(steps: number): Places {
  const pitch = steps > many ? size.narrowStep : size.step;
  return { box: pitch - 6, x: (step) => size.gutter + step * pitch, y: (lane) => size.head + lane * size.lane };
}

function laneOf(session: string, hue: string, at: Places, lane: number, width: number): Html {
  const middle = at.y(lane) + size.lane / 2;
  const name = visible(session);
  return html`<text class="lane ${hue}" x="4" y="${middle + 4}"
      >${name.length > 18 ? `${name.slice(0, 17)}…` : name}${titled(name)}</text
    ><line class="axis" x1="${size.gutter - 8}" y1="${middle}" x2="${width - 4}" y2="${middle}" />`;
}

function waitOf({ lane, from, to, holders }: WaitSpan, { lanes }: Picture, at: Places, id: string): Content {
  const y = at.y(lane) + size.lane / 2;
  const x = at.x(from) + at.box;
  const end = Math.max(at.x(to) + at.box / 2, x + 4);
  const whom = holders.map((holder) => lanes[holder]!.session).join(", ");
  return html`<rect class="wait" x="${x}" y="${y - 7}" width="${end - x}" height="14" fill="url(#${id}-wait)"
      >${titled(`${lanes[lane]!.session} waits${whom === "" ? "" : ` for ${whom}`} from step ${from + 1} to step ${to + 1}`)}</rect
    >${holders.map(
      (holder) =>
        html`<line
          class="held"
          x1="${x + 4}"
          y1="${y}"
          x2="${x + 4}"
          y2="${at.y(holder) + size.lane / 2 + (holder < lane ? 13 : -13)}"
          marker-end="url(#${id}-arrow)"
        />`,
    )}`;
}

function edgeOf(from: number, to: number, reason: string, { steps }: Picture, at: Places, id: string): Html {
  const [x1, x2] = [at.x(from) + at.box / 2, at.x(to) + at.box / 2];
  const down = steps[from]! < steps[to]!;
  const y1 = at.y(steps[from]!) + size.lane / 2 + (down ? 13 : -13);
  const y2 = at.y(steps[to]!) + size.lane / 2 + (down ? -13 : 13);
  const bend = (y1 + y2) / 2;
  return html`<path
    class="edge"
    data-from="${from + 1}"
    data-to="${to + 1}"
    d="M${x1} ${y1}C${x1} ${bend} ${x2} ${bend} ${x2} ${y2}"
    marker-end="url(#${id}-arrow)"
    >${titled(`step ${from + 1} before step ${to + 1}: ${reason}`)}</path
  >`;
}

function kindOf({ kind, fault, outcome }: Counterexample["trace"]["steps"][number]): string {
  if (kind === "crash" || fault !== undefined || outcome.kind === "error") return "bad";
  return kind === "yield" ? "yields" : "statement";
}
