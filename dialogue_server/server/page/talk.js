// The conversation: who is there, what is said, branches and checkpoints.
import { $, h, unique } from "./dom.js";
import { Reveal, chip } from "./reveal.js";

export class Talk extends EventTarget {
  constructor(wire) {
    super();
    this.wire = wire;
    this.cast = [];
    this.npcs = new Map();
    this.moods = new Map();
    this.reveals = new Map(); // by turn number
    this.turns = []; // reveals, oldest first
    this.running = null;
    this.checkpoints = [];
    this.last = null; // the newest reveal, for Alt+R
    this.asked = new Map(); // when each line was sent
    this.bind();
  }

  bind() {
    $("say").addEventListener("submit", (event) => {
      event.preventDefault();
      this.say($("line").value);
    });
    $("stop").onclick = () => this.interrupt();
    $("advance").onclick = () => this.request("advance", {});
    $("suggest").onclick = () => this.request("suggest", { count: 4 });
    $("restart").onclick = () => this.begin();
    $("save").onclick = () => this.wire.send({ type: "save", conversation: this.conversation });
    $("search").addEventListener("input", () => this.list());
    $("search").addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") $("npcs").querySelector("button")?.focus();
      if (event.key === "Enter") $("npcs").querySelector("button")?.click();
    });
    $("npcs").addEventListener("keydown", (event) => {
      const buttons = [...$("npcs").querySelectorAll("button")];
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) buttons[buttons.indexOf(document.activeElement) + step]?.focus();
    });
    for (const id of ["scene", "model", "player-name"]) $(id).addEventListener("change", () => this.begin());
  }

  /** New content: the list changes, the talk goes on. */
  content(info) {
    this.npcs = new Map(info.npcs.map((npc) => [npc.id, npc]));
    this.cast = this.cast.filter((id) => this.npcs.has(id));
    options($("scene"), info.scenes, "no scene");
    options($("model"), info.models, "the server's");
    this.list();
    if (!this.cast.length && info.npcs.length) {
      this.cast = [info.npcs[0].id];
      this.begin();
    }
  }

  list() {
    const wanted = $("search").value.trim().toLowerCase();
    const found = [...this.npcs.values()].filter((npc) => `${npc.id} ${npc.name}`.toLowerCase().includes(wanted));
    const items = found.map((npc) =>
      h("li", {}, h("button", {
        "aria-pressed": String(this.cast.includes(npc.id)),
        title: "Click: talk to this one. Ctrl-click: take part as well, or leave.",
        onclick: (event) => this.choose(npc.id, event.ctrlKey || event.metaKey || event.shiftKey),
      }, npc.name, h("span", { class: "mood" }, this.moodText(npc)))));
    $("npcs").replaceChildren(...(items.length ? items : [h("li", { class: "notice" }, "Nobody of that name.")]));
  }

  moodText(npc) {
    const now = this.moods.get(npc.id) ?? { mood: npc.mood, intensity: npc.intensity };
    return now.intensity ? `${now.mood} ${now.intensity}` : now.mood;
  }

  choose(id, besides) {
    if (!besides) this.cast = [id];
    else if (!this.cast.includes(id)) this.cast = [...this.cast, id];
    else if (this.cast.length > 1) this.cast = this.cast.filter((other) => other !== id);
    this.begin();
  }

  /** A conversation from its beginning, with whoever is chosen. */
  begin() {
    if (!this.cast.length) return;
    if (this.conversation) this.wire.send({ type: "close", conversation: this.conversation });
    this.conversation = `dev-${unique()}`;
    this.moods.clear();
    this.reveals.clear();
    this.asked.clear();
    this.turns = [];
    this.checkpoints = [];
    this.running = this.last = null;
    $("lines").replaceChildren();
    $("checkpoints").replaceChildren();
    $("suggestions").replaceChildren();
    this.busy(false);
    this.wire.send({
      type: "open", conversation: this.conversation, npcs: this.cast, scene: $("scene").value,
      model: $("model").value, player: { id: this.wire.player, name: $("player-name").value || "Traveller" },
    });
    this.list();
    this.dispatchEvent(new Event("began"));
  }

  say(text) {
    if (!text.trim() || this.running) return;
    $("line").value = "";
    this.bubble("player", $("player-name").value, h("p", { class: "said" }, text.trim()));
    this.request("say", { text });
  }

  request(type, fields) {
    $("suggestions").replaceChildren();
    const line = unique();
    this.asked.set(line, performance.now());
    this.wire.send({ type, conversation: this.conversation, line, ...fields });
  }

  interrupt() {
    if (this.running) this.wire.send({ type: "interrupt", turn: this.running.turn.turn, seen: this.running.shown });
  }

  regenerate(reveal = this.last) {
    if (!reveal || this.running) return;
    this.branch = reveal;
    if (reveal === this.last && !reveal.checkpoint) {
      // So that the talk can come back to this answer.
      this.pending = [...(this.pending ?? []), reveal];
      this.wire.send({ type: "save", conversation: this.conversation });
    }
    this.request("regenerate", { id: reveal.turn.id });
  }

  receive(message, at) {
    if (message.conversation && message.conversation !== this.conversation) return;
    switch (message.type) {
      case "opened": return this.opened(message);
      case "turn": return this.begun(message, at);
      case "delta": case "cue": case "turn_end": {
        const reveal = this.reveals.get(message.turn);
        if (!reveal) return;
        reveal.take(message, at);
        if (message.type === "cue" && message.kind === "mood") {
          this.moods.set(reveal.turn.npc, { mood: message.name, intensity: message.args.intensity });
          this.list();
        }
        if (message.type === "turn_end") this.ended(reveal, message);
        return;
      }
      case "trigger": return this.note("trigger", `⚑ ${message.name}${message.stage ? ` → ${message.stage}` : ""}`);
      case "saved": return this.saved(message);
      case "suggestions": return this.suggestions(message.texts);
      case "error": return this.error(message);
    }
  }

  opened(opened) {
    for (const npc of opened.npcs) this.moods.set(npc.id, npc);
    this.list();
    if (opened.greeting) this.bubble("npc", this.name(opened.npcs[0].id), h("p", { class: "said" }, opened.greeting));
    this.dispatchEvent(new CustomEvent("opened", { detail: opened }));
  }

  begun(turn, at) {
    const reveal = new Reveal(turn, () => this.dispatchEvent(new CustomEvent("shown", { detail: reveal })));
    reveal.beganAt = this.asked.get(turn.line) ?? at;
    this.reveals.set(turn.turn, reveal);
    this.turns.push(reveal);
    this.running = this.last = reveal;
    const bubble = this.made("npc", this.name(turn.npc), reveal.element);
    reveal.bubble = bubble;
    const sibling = this.branch?.bubble;
    if (sibling) this.beside(sibling, bubble, this.branch);
    else $("lines").append(h("li", {}, h("div", { class: "branches" }, bubble)));
    this.branch = null;
    this.busy(true);
    bubble.scrollIntoView({ block: "nearest" });
    this.dispatchEvent(new CustomEvent("turn", { detail: reveal }));
  }

  /** A regenerated answer stands beside the old one, which the talk can go back to. */
  beside(sibling, bubble, old) {
    sibling.classList.add("aside");
    sibling.parentElement.append(bubble);
    if (!sibling.querySelector(".back"))
      sibling.querySelector(".tools").append(h("button", {
        class: "back",
        onclick: () => {
          this.load(old.checkpoint);
          for (const other of sibling.parentElement.children) other.classList.toggle("aside", other !== sibling);
          this.last = old;
        },
      }, "Go on from this one"));
  }

  ended(reveal, end) {
    const notes = [];
    if (end.reason !== "complete") notes.push(`${end.reason}${end.detail ? `: ${end.detail}` : ""}`);
    if (end.reason === "interrupted") {
      reveal.points = reveal.points.slice(0, end.length);
      reveal.exact = Math.min(reveal.exact ?? 0, end.length);
    }
    for (const note of notes) reveal.bubble.append(h("p", { class: `notice ${end.reason === "failed" ? "bad" : ""}` }, note));
    reveal.bubble.append(h("div", { class: "tools" },
      h("button", { onclick: () => this.regenerate(reveal), title: "Answer anew (Alt+R)" }, "Anew"),
      h("button", { onclick: () => this.dispatchEvent(new CustomEvent("prompt", { detail: reveal })) }, "Prompt"),
    ));
    if (this.running === reveal) this.running = null;
    this.busy(false);
    this.dispatchEvent(new CustomEvent("ended", { detail: reveal }));
  }

  /** Memory, moods and state go back; whoever shows them hears of it first. */
  load(checkpoint) {
    this.dispatchEvent(new CustomEvent("load", { detail: checkpoint }));
    this.wire.send({ type: "load", conversation: this.conversation, checkpoint });
  }

  saved(message) {
    this.dispatchEvent(new CustomEvent("saved", { detail: message.checkpoint }));
    const reveal = this.pending?.shift();
    if (reveal) {
      reveal.checkpoint = message.checkpoint;
      return;
    }
    const label = `${new Date().toLocaleTimeString()} · ${this.turns.length} turns`;
    this.checkpoints.push(message.checkpoint);
    $("checkpoints").append(h("li", {}, h("button", {
      onclick: () => {
        this.load(message.checkpoint);
        this.note("event", `Back to the checkpoint of ${label}`);
      },
    }, label)));
  }

  suggestions(texts) {
    $("suggestions").replaceChildren(...texts.map((text) => h("li", {}, h("button", {
      onclick: () => {
        $("line").value = text;
        $("line").focus();
      },
    }, text))));
    if (!texts.length) this.note("event", "No suggestions.");
  }

  error(error) {
    if (error.conversation === this.conversation || error.turn) {
      this.note("bad", `${error.code}: ${error.detail}`);
      this.branch = null;
    }
  }

  name(id) {
    return this.npcs.get(id)?.name ?? id;
  }

  made(kind, who, content) {
    return h("div", { class: `bubble ${kind}` }, h("div", { class: "who" }, h("b", {}, who)), content);
  }

  bubble(kind, who, content) {
    const bubble = this.made(kind, who, content);
    $("lines").append(h("li", { style: "display: contents" }, bubble));
    bubble.scrollIntoView({ block: "nearest" });
    return bubble;
  }

  note(kind, text) {
    const content = kind === "trigger" ? chip({ kind, name: text, args: {}, offset: 0 }) : text;
    $("lines").append(h("li", { class: `notice ${kind}` }, content));
    $("lines").lastChild.scrollIntoView({ block: "nearest" });
  }

  busy(busy) {
    $("stop").disabled = !busy;
    $("send").disabled = $("advance").disabled = busy;
  }
}

function options(select, values, none) {
  const before = select.value;
  select.replaceChildren(h("option", { value: "" }, none), ...values.map((value) => h("option", { value }, value)));
  select.value = values.includes(before) ? before : "";
}
