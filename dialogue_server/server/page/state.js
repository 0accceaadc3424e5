// The game's state as a tree to edit, and what a change switches on and off.
import { $, h } from "./dom.js";

export class StateEditor {
  constructor(wire, talk) {
    this.wire = wire;
    this.talk = talk;
    this.state = {};
    this.revision = 0;
    this.hints = {};
    this.effects = h("div", { "aria-live": "polite" });
    this.before = null;
    this.kept = new Map(); // by checkpoint
    talk.addEventListener("saved", (event) => this.kept.set(event.detail, structuredClone(this.state)));
    talk.addEventListener("load", (event) => this.back(event.detail));
    talk.addEventListener("opened", (event) => this.opened(event.detail));
    talk.addEventListener("ended", () => {
      this.before = null; // the talk has changed what it knows: compare from here on
      this.look();
    });
  }

  content(info) {
    this.hints = info.hints;
    this.initial = info.state;
    if (!this.edited) this.state = structuredClone(info.state);
    this.draw();
  }

  /** The state of a checkpoint, as the server has it again: else the next line would overwrite it. */
  back(checkpoint) {
    if (!this.kept.has(checkpoint)) return;
    this.state = structuredClone(this.kept.get(checkpoint));
    this.draw();
  }

  /** A new conversation starts with the state as it stands here. */
  opened(opened) {
    this.revision = opened.revision;
    this.before = null;
    this.look();
    if (this.edited) this.send();
  }

  send() {
    this.revision += 1;
    this.wire.send({ type: "state", conversation: this.talk.conversation, revision: this.revision, snapshot: this.state });
  }

  /** Ask for the prompt of a line that says nothing: what the NPC knows now. */
  look() {
    if (this.talk.cast.length)
      this.wire.send({ type: "inspect", conversation: this.talk.conversation, npc: this.talk.cast[0], text: "…" });
  }

  change(path, value) {
    let here = this.state;
    for (const key of path.slice(0, -1)) here = here[key] = { ...(isMap(here[key]) ? here[key] : {}) };
    if (value === undefined) delete here[path.at(-1)];
    else here[path.at(-1)] = value;
    this.edited = true;
    this.send();
    this.look();
    this.draw();
  }

  receive(message) {
    if (message.type === "inspected" && message.turn === 0 && message.conversation === this.talk.conversation) {
      const now = new Map(message.parts.filter(isGated).map((part) => [part.source + part.text, part]));
      if (this.before) this.show(this.before, now);
      this.before = now;
    }
    if (message.type === "error" && message.code.startsWith("state_"))
      this.effects.replaceChildren(h("p", { class: "notice bad" }, message.detail));
  }

  show(before, now) {
    const on = [...now].filter(([key]) => !before.has(key)).map(([, part]) => part);
    const off = [...before].filter(([key]) => !now.has(key)).map(([, part]) => part);
    this.effects.replaceChildren(
      h("h3", {}, `What changed for ${this.talk.name(this.talk.cast[0])}`),
      ...on.map((part) => h("p", { class: "on" }, `+ ${said(part)} `, h("span", { class: "tokens" }, part.source))),
      ...off.map((part) => h("p", { class: "off" }, `− ${said(part)} `, h("span", { class: "tokens" }, part.source))),
      on.length + off.length ? null : h("p", { class: "notice" }, "Nothing that it is told."),
    );
  }

  draw() {
    const focus = document.activeElement?.dataset?.path;
    $("state").replaceChildren(
      h("p", { class: "notice" }, "Change a value: the next line uses it."),
      this.tree(this.state, []),
      this.missing() ?? "",
      this.adder(),
      this.effects,
    );
    if (focus) $("state").querySelector(`[data-path="${CSS.escape(focus)}"]`)?.focus();
  }

  tree(map, path) {
    return h("div", { class: path.length ? "tree" : "" }, ...Object.entries(map).map(([key, value]) => {
      const here = [...path, key];
      if (isMap(value)) return h("div", {}, h("h3", {}, key), this.tree(value, here));
      return this.row(here, value);
    }));
  }

  row(path, value) {
    const name = path.join(".");
    const id = `state-${name}`;
    const hints = this.hints[name] ?? [];
    const field = typeof value === "boolean"
      ? h("input", { id, type: "checkbox", "data-path": name, checked: value, onchange: (event) => this.change(path, event.target.checked) })
      : h("input", {
          id, "data-path": name, value: typeof value === "string" ? value : JSON.stringify(value), list: hints.length ? `hints-${name}` : undefined,
          onchange: (event) => this.change(path, read(event.target.value, value)),
        });
    return h("div", {},
      h("div", { class: "row" }, h("label", { for: id }, path.at(-1)), field,
        h("button", { "aria-label": `Remove ${name}`, onclick: () => this.change(path, undefined) }, "✕")),
      hints.length ? h("datalist", { id: `hints-${name}` }, ...hints.map((hint) => h("option", { value: String(hint) }))) : null,
      hints.length ? h("div", { class: "tools" }, ...hints.map((hint) => h("button", {
        "aria-pressed": String(hint === value), "aria-label": `${name}: ${hint}`, onclick: () => this.change(path, hint),
      }, String(hint)))) : null,
    );
  }

  /** Paths that conditions look at and the state does not have. */
  missing() {
    const absent = Object.entries(this.hints).filter(([name]) => at(this.state, name.split(".")) === undefined);
    if (!absent.length) return null;
    return h("div", {}, h("h3", {}, "Conditions also look at"), ...absent.map(([name, values]) =>
      h("div", { class: "row" }, h("span", {}, name), h("span", { class: "tools" }, ...(values.length ? values : [true]).map((value) =>
        h("button", { "aria-label": `Set ${name} to ${value}`, onclick: () => this.change(name.split("."), value) }, String(value)))))));
  }

  adder() {
    const path = h("input", { "aria-label": "New path", placeholder: "quest.key" });
    const value = h("input", { "aria-label": "New value", placeholder: "value" });
    return h("form", { class: "row", onsubmit: (event) => {
      event.preventDefault();
      if (path.value.trim()) this.change(path.value.trim().split("."), read(value.value));
    } }, path, value, h("button", {}, "Add"));
  }
}

const said = (part) => part.text.replace(/^- /, "");
const isMap = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const at = (map, path) => path.reduce((here, key) => (isMap(here) ? here[key] : undefined), map);
const isGated = (part) => !/^(rules|player|scene|history|advance|event)/.test(part.source);

/** What was typed, as JSON where it is JSON; a text stays a text where one stood. */
function read(typed, before) {
  if (typeof before === "string") return typed;
  try {
    return JSON.parse(typed);
  } catch {
    return typed;
  }
}
