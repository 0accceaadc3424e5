// One line to two NPCs or models, side by side.
import { $, h, unique } from "./dom.js";
import { Reveal } from "./reveal.js";

export class CompareView {
  constructor(wire) {
    this.wire = wire;
    this.sides = ["left", "right"].map((side) => new Side(wire, side));
    this.line = h("input", { id: "compare-line", placeholder: "One line to both …", autocomplete: "off", style: "flex: 1" });
    $("compare").replaceChildren(
      h("form", { class: "row", onsubmit: (event) => {
        event.preventDefault();
        if (this.line.value.trim()) this.sides.forEach((side) => side.say(this.line.value));
        this.line.select();
      } }, h("label", { for: "compare-line" }, "Line"), this.line, h("button", {}, "Say to both")),
      h("div", { class: "columns" }, ...this.sides.map((side) => side.element)),
    );
  }

  content(info, state) {
    this.sides.forEach((side, index) => side.content(info, index));
  }

  receive(message, at) {
    this.sides.forEach((side) => side.receive(message, at));
  }
}

class Side {
  constructor(wire, name) {
    this.wire = wire;
    this.name = name;
    this.npc = h("select", { id: `compare-npc-${name}`, onchange: () => this.leave() });
    this.model = h("select", { id: `compare-model-${name}`, onchange: () => this.leave() });
    this.lines = h("div", { "aria-live": "polite" });
    this.element = h("section", { class: "column", "aria-label": name },
      h("div", { class: "row" }, h("label", { for: this.npc.id }, "NPC"), this.npc),
      h("div", { class: "row" }, h("label", { for: this.model.id }, "Model"), this.model), this.lines);
  }

  content(info, index) {
    fill(this.npc, info.npcs.map((npc) => [npc.id, npc.name]), index);
    fill(this.model, [["", "the server's"], ...info.models.map((model) => [model, model])], 0);
  }

  leave() {
    if (this.conversation) this.wire.send({ type: "close", conversation: this.conversation });
    this.conversation = null;
  }

  say(text) {
    if (!this.conversation) {
      this.conversation = `compare-${unique()}`;
      this.lines.replaceChildren();
      this.wire.send({ type: "open", conversation: this.conversation, npcs: [this.npc.value], model: this.model.value, player: { id: this.wire.player, name: "Traveller" } });
    }
    this.lines.append(h("p", { class: "bubble player" }, text));
    this.wire.send({ type: "say", conversation: this.conversation, line: unique(), text });
  }

  receive(message, at) {
    if (message.type === "turn" && message.conversation === this.conversation) {
      this.reveal = new Reveal(message);
      this.lines.append(h("div", { class: "bubble npc" }, this.reveal.element));
    } else if (message.turn && message.turn === this.reveal?.turn.turn && ["delta", "cue", "turn_end"].includes(message.type)) {
      this.reveal.take(message, at);
      if (message.type === "turn_end")
        this.lines.append(h("p", { class: "tokens" }, `${message.reason} · first text ${message.first_token_ms} ms · whole ${message.total_ms} ms · ${message.output_tokens} tokens out`));
    } else if (message.type === "error" && message.conversation === this.conversation) {
      this.lines.append(h("p", { class: "notice bad" }, `${message.code}: ${message.detail}`));
    }
  }
}

function fill(select, values, index) {
  const before = select.value;
  select.replaceChildren(...values.map(([value, label]) => h("option", { value }, label)));
  const known = values.some(([value]) => value === before);
  select.value = before && known ? before : (values[Math.min(index, values.length - 1)]?.[0] ?? "");
}
