// The exact prompt of a turn: its parts by source, their cost, what was left out, what is new.
import { $, h } from "./dom.js";
import { lines as diffLines } from "./diff.js";

const KINDS = [
  ["rules", /^rules/], ["world", /^world\.toml:(description|essence|name|scenes)|^scene/], ["lore", /^world\.toml:lore|^lore\//],
  ["memory", /^memory/], ["history", /^history/], ["state", /^state|^mood|^tone/], ["player", /^(player|event|advance)/], ["persona", /^personas\//],
];

export const kindOf = (source) => KINDS.find(([, pattern]) => pattern.test(source))?.[0] ?? "rules";

export class PromptView {
  constructor(wire, talk, openSource) {
    this.wire = wire;
    this.talk = talk;
    this.openSource = openSource;
    this.known = new Map(); // inspected, by turn number
    talk.addEventListener("ended", (event) => this.ask(event.detail));
    talk.addEventListener("began", () => this.clear());
    this.clear();
  }

  clear() {
    this.known.clear();
    this.chosen = null;
    $("prompt").replaceChildren(h("p", { class: "notice" }, "Say something: the exact prompt of each turn stands here."));
  }

  ask(reveal) {
    this.wire.send({ type: "inspect", conversation: this.talk.conversation, turn: reveal.turn.turn });
  }

  receive(message) {
    if (message.type !== "inspected" || !message.turn || message.conversation !== this.talk.conversation) return;
    this.known.set(message.turn, message);
    this.show(message.turn);
  }

  show(turn) {
    const prompt = this.known.get(turn);
    if (!prompt) return;
    this.chosen = turn;
    const numbers = [...this.known.keys()];
    const before = this.known.get(numbers[numbers.indexOf(turn) - 1]);
    const old = new Set(before?.parts.map((part) => part.source + part.text));
    const choice = h("select", { id: "prompt-turn", onchange: (event) => this.show(Number(event.target.value)) },
      ...numbers.map((number) => h("option", { value: number, selected: number === turn }, `turn ${number}`)));
    $("prompt").replaceChildren(
      h("div", { class: "row" }, h("label", { for: "prompt-turn" }, "Prompt of"), choice),
      h("p", {}, `About ${prompt.tokens} of ${prompt.budget} tokens, layout ${prompt.layout}, for ${this.talk.name(prompt.npc)}.`),
      ...this.costs(prompt),
      h("h2", {}, "Parts, in their order"),
      ...prompt.parts.map((part) => this.part(part, before && !old.has(part.source + part.text))),
      h("h2", {}, `Left out (${prompt.dropped.length})`),
      ...prompt.dropped.map((part) => this.part(part, false)),
      h("details", {}, h("summary", {}, "The messages as the model gets them"),
        ...prompt.messages.map((message) => h("div", {}, h("h3", {}, [message.role, message.name].filter(Boolean).join(" · ")), h("pre", {}, message.content)))),
      before ? h("details", { id: "prompt-diff" }, h("summary", {}, "Difference to the turn before"), this.difference(before, prompt)) : "",
    );
  }

  costs(prompt) {
    const sums = new Map();
    for (const part of prompt.parts) sums.set(kindOf(part.source), (sums.get(kindOf(part.source)) ?? 0) + part.tokens);
    const total = [...sums.values()].reduce((sum, tokens) => sum + tokens, 0) || 1;
    const label = [...sums].map(([kind, tokens]) => `${kind} ${tokens}`).join(", ");
    return [
      h("div", { class: "bar", role: "img", "aria-label": `Tokens by source: ${label}` },
        ...[...sums].map(([kind, tokens]) => h("span", { style: `width: ${(100 * tokens) / total}%; background: var(--hue-${kind})`, title: `${kind}: ${tokens}` }))),
      h("div", { class: "legend" }, ...[...sums].map(([kind, tokens]) =>
        h("span", {}, h("span", { class: "swatch", style: `background: var(--hue-${kind})` }), `${kind} ${tokens}`))),
    ];
  }

  part(part, isNew) {
    const file = part.source.includes(".toml:");
    const [name, key] = part.source.split(/:(.*)/);
    return h("div", { class: `part ${isNew ? "new" : ""} ${part.why ? "dropped" : ""}`, style: `--hue: var(--hue-${kindOf(part.source)})` },
      h("div", { class: "source" },
        file ? h("button", { onclick: () => this.openSource(name, key) }, part.source) : h("b", {}, part.source),
        h("span", { class: "tokens" }, `${part.tokens} tokens${isNew ? " · new" : ""}${part.why ? ` · ${part.why}` : ""}`)),
      h("p", {}, part.text));
  }

  difference(before, now) {
    const text = (prompt) => prompt.messages.map((message) => `— ${message.role} —\n${message.content}`).join("\n");
    return h("pre", {}, ...diffLines(text(before), text(now)).map(([kind, line]) =>
      kind === "+" ? h("ins", {}, `+ ${line}\n`) : kind === "-" ? h("del", {}, `− ${line}\n`) : `  ${line}\n`));
  }
}
