// A turn as it is revealed: letters one after another, cues where they belong in the text.
import { h } from "./dom.js";

const SLOWEST = 45; // code points a second
const CATCH_UP = 0.35; // seconds in which a backlog is to be shown

/** One turn on the screen. Offsets are code points, as on the wire. */
export class Reveal {
  constructor(turn, onShown = () => {}) {
    this.turn = turn;
    this.points = [];
    this.cues = [];
    this.shown = 0;
    this.filler = "";
    this.end = null;
    this.arrivals = [];
    this.onShown = onShown;
    this.element = h("p", { class: "said caret" });
    this.last = 0;
    this.frame = null;
  }

  take(message, at) {
    if (message.type === "delta") {
      this.points.push(...message.text);
      this.arrivals.push([at, this.points.length]);
    } else if (message.type === "cue" && message.kind === "filler") this.filler = message.args.text;
    else if (message.type === "cue") this.cues.push(message);
    else if (message.type === "turn_end") this.end = message;
    this.frame ??= requestAnimationFrame((now) => this.step(now));
  }

  step(now) {
    const passed = this.last ? (now - this.last) / 1000 : 1 / 60;
    this.last = now;
    const backlog = this.points.length - this.shown;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const speed = still ? Infinity : Math.max(SLOWEST, backlog / CATCH_UP);
    this.exact = Math.min(this.points.length, (this.exact ?? 0) + speed * passed);
    this.shown = Math.floor(this.exact);
    this.draw();
    const done = this.shown === this.points.length;
    if (!done) this.frame = requestAnimationFrame((next) => this.step(next));
    else {
      this.frame = null;
      this.last = 0;
      if (this.end) this.finish();
    }
  }

  finish() {
    this.element.classList.remove("caret");
    this.onShown(this);
  }

  draw() {
    const parts = [];
    let from = 0;
    for (const cue of this.cues) {
      if (cue.offset > this.shown) break;
      parts.push(this.points.slice(from, cue.offset).join(""), chip(cue));
      from = cue.offset;
    }
    parts.push(this.points.slice(from, this.shown).join(""));
    if (!this.shown && this.filler && !this.end) parts.push(h("i", {}, this.filler));
    this.element.replaceChildren(...parts);
  }

  get text() {
    return this.points.join("");
  }
}

/** What happens at a place in the text, as a small label. */
export function chip(cue) {
  const args = { ...cue.args };
  const strength = cue.kind === "mood" && args.intensity ? ` ${args.intensity}` : "";
  if (cue.kind === "mood") delete args.intensity;
  const details = Object.entries(args).map(([key, value]) => `${key}=${value}`).join(" ");
  const sign = { mood: "☺", action: "→", pause: "…" }[cue.kind] ?? "";
  const text = [sign, cue.name + strength, details].filter(Boolean).join(" ");
  return h("span", { class: `cue ${cue.kind}`, title: `${cue.kind} at ${cue.offset}` }, text);
}
