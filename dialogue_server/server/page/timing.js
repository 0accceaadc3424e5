// Where the time of each turn went, and how the session goes.
import { $, h, svg } from "./dom.js";

const WIDTH = 360, ROW = 16, LABEL = 165;

/** The steps of a turn, each with the moment that ends it, and its colour. What has no moment is not drawn. */
const STEPS = [
  ["prompt", "prompt", "rules"], ["queue", "placed", "state"], ["connect", "connected", "history"],
  ["model, to its first text", "model_text", "persona"], ["guards hold it", "first_token", "memory"], ["text", "total", "world"],
];

export class TimingView {
  constructor(talk) {
    this.talk = talk;
    this.turns = [];
    talk.addEventListener("ended", (event) => {
      const reveal = event.detail;
      this.turns.push({ reveal, end: reveal.end, arrivals: reveal.arrivals });
      this.draw();
    });
    talk.addEventListener("began", () => {
      this.turns = [];
      this.draw();
    });
    this.draw();
  }

  receive(message) {
    if (message.type !== "inspected" || !message.turn) return;
    const turn = this.turns.find((each) => each.reveal.turn.turn === message.turn);
    if (turn) {
      turn.timings = message.timings;
      this.draw();
    }
  }

  draw() {
    if (!this.turns.length) {
      $("timing").replaceChildren(h("p", { class: "notice" }, "Say something: the time of each turn stands here."));
      return;
    }
    const sum = (name) => this.turns.reduce((total, turn) => total + turn.end[name], 0);
    const costs = this.turns.map(({ timings }) => timings?.dollars ?? 0);
    const cost = costs.reduce((total, each) => total + each, 0);
    $("timing").replaceChildren(
      h("h2", {}, "The newest turn"),
      this.waterfall(this.turns.at(-1)),
      h("h2", {}, "All turns"),
      h("table", {},
        h("thead", {}, h("tr", {}, ...["turn", "first text", "whole", "in", "cached", "out", "cost", "end"].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, ...this.turns.map(({ reveal, end, timings }) => h("tr", {},
          h("td", {}, String(reveal.turn.turn)), number(end.first_token_ms, "ms"), number(end.total_ms, "ms"),
          number(end.input_tokens), number(end.cached_tokens), number(end.output_tokens), h("td", { class: "number" }, dollars(timings?.dollars)), h("td", {}, end.reason))))),
      h("p", {}, `Together ${sum("input_tokens")} tokens in (${sum("cached_tokens")} cached), ${sum("output_tokens")} out, ${(sum("total_ms") / 1000).toFixed(1)} s${cost ? `, ${dollars(cost)}` : ""}.`),
      h("h2", {}, "Time to the first text"), chart(this.turns.map(({ end }) => end.first_token_ms), "ms"),
      ...(sum("input_tokens") ? [h("h2", {}, "Tokens in"), chart(this.turns.map(({ end }) => end.input_tokens), "")] : []),
      ...(cost ? [h("h2", {}, "Cost"), chart(costs.map((each) => Math.round(each * 1e6)), "millionths of a dollar")] : []),
      h("h2", {}, "Moods"), this.moods(),
    );
  }

  waterfall({ reveal, end, timings, arrivals }) {
    const total = Math.max(end.total_ms, 1);
    const spans = spansOf({ first_token: end.first_token_ms || undefined, total, ...timings });
    const picture = svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${(spans.length + 1) * ROW + 8}`, role: "img",
      "aria-label": spans.map(([name, from, to]) => `${name}: ${from.toFixed(0)} to ${to.toFixed(0)} ms`).join("; ") });
    const x = (at) => LABEL + (WIDTH - LABEL - 5) * Math.min(1, Math.max(0, at / total));
    spans.forEach(([name, from, to, hue], at) => {
      picture.append(svg("rect", { x: x(from), y: at * ROW + 3, width: Math.max(1.5, x(to) - x(from)), height: ROW - 6, fill: `var(--hue-${hue})` }),
        svg("text", { x: 0, y: at * ROW + 12 }, `${name} ${(to - from).toFixed(to - from < 10 ? 1 : 0)} ms`));
    });
    const began = reveal.beganAt;
    picture.append(svg("text", { x: 0, y: spans.length * ROW + 12 }, `${arrivals.length} frames`));
    for (const [at] of arrivals)
      picture.append(svg("rect", { x: x(at - began), y: spans.length * ROW + 4, width: 1, height: ROW - 8, fill: "var(--ink)" }));
    return picture;
  }

  /** The mood that each turn ended in. */
  moods() {
    const moods = this.turns.map(({ reveal }) => reveal.cues.filter((cue) => cue.kind === "mood").at(-1)?.name ?? "");
    const counts = new Map();
    for (const mood of moods.filter(Boolean)) counts.set(mood, (counts.get(mood) ?? 0) + 1);
    if (!counts.size) return h("p", { class: "notice" }, "No mood has changed yet.");
    return h("table", {}, h("tbody", {}, ...[...counts].map(([mood, count]) => h("tr", {}, h("td", {}, mood), number(count),
      h("td", {}, moods.map((each) => (each === mood ? "■" : "·")).join(""))))));
  }
}

/** [name, from, to, hue] for each step that took place. */
function spansOf(moments) {
  const spans = [];
  let from = 0;
  for (const [name, moment, hue] of STEPS) {
    if (moments[moment] === undefined) continue;
    spans.push([name, from, Math.max(from, moments[moment]), hue]);
    from = Math.max(from, moments[moment]);
  }
  return spans;
}

/** US dollars, as short as they can be told; "–" where it is free or not known. */
const dollars = (value) => (!value ? "–" : value < 0.01 ? `$${value.toFixed(5)}` : `$${value.toFixed(3)}`);

const number = (value, unit = "") => h("td", { class: "number" }, value ? `${value} ${unit}`.trim() : "–");

/** A line over the turns, with its highest value. */
export function chart(values, unit) {
  const top = Math.max(...values, 1), height = 60;
  const x = (at) => (values.length > 1 ? (at * (WIDTH - 20)) / (values.length - 1) : 0) + 10;
  const points = values.map((value, at) => `${x(at).toFixed(1)},${(height - (value / top) * (height - 16)).toFixed(1)}`);
  return svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${height + 4}`, role: "img", "aria-label": `${values.join(", ")} ${unit}` },
    svg("polyline", { points: points.join(" "), fill: "none", stroke: "var(--accent)", "stroke-width": 2 }),
    ...points.map((point) => svg("circle", { cx: point.split(",")[0], cy: point.split(",")[1], r: 2.5, fill: "var(--accent)" })),
    svg("text", { x: 10, y: 10 }, `${top} ${unit}`.trim()));
}
