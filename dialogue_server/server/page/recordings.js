// Recorded sessions: the list, one of them on a timeline, and the same said again today.
import { $, h, svg } from "./dom.js";
import { chip } from "./reveal.js";
import { parse, until } from "./recording.js";

const WIDTH = 600, ROW = 18, LABEL = 70;
const HUES = ["persona", "world", "state", "lore", "memory", "rules"];

export class RecordingsView {
  constructor(wire) {
    this.wire = wire;
    this.name = null;
    this.list = h("ul", { "aria-label": "Recordings" });
    this.player = h("div", { id: "played" }, h("p", { class: "notice" }, "Choose a recording."));
    this.report = h("div", { id: "rerun", "aria-live": "polite" });
    this.voice = h("select", { id: "rerun-voice" });
    this.again = h("button", { disabled: true, onclick: () => this.rerun() }, "Say it again");
    $("recordings").replaceChildren(
      h("aside", { "aria-label": "Recorded sessions" }, h("h2", {}, "Recorded sessions"), h("button", { onclick: () => this.refresh() }, "Read the list again"), this.list),
      this.player,
      h("aside", { "aria-label": "Today", tabindex: "0" }, h("h2", {}, "Say it again to today's world"),
        h("div", { class: "row" }, h("label", { for: "rerun-voice" }, "Answers"), this.voice), this.again, this.report),
    );
  }

  content(info) {
    const before = this.voice.options.length ? this.voice.value : "recorded";
    const voices = [["recorded", "those of then"], ["", "the server's model"], ...info.models.map((model) => [`:${model}`, model])];
    this.voice.replaceChildren(...voices.map(([value, label]) => h("option", { value }, label)));
    if (voices.some(([value]) => value === before)) this.voice.value = before;
  }

  /** The tab is shown. */
  refresh() {
    this.wire.send({ type: "recordings", last: 200 });
  }

  receive(message) {
    if (message.type === "recording_list") this.listed(message);
    else if (message.type === "recording_text" && message.name === this.name) this.piece(message);
    else if (message.type === "rerun_report" && message.name === this.name) this.compared(message);
    else if (message.type === "error" && !message.conversation && this.again.dataset.running) this.done(h("p", { class: "notice bad" }, message.detail));
  }

  listed({ recording, files }) {
    if (!files.length) {
      const none = recording ? "No session has been recorded yet." : "This server records nothing. Start it with --record DIR (or record.folder in dialogue.toml).";
      this.list.replaceChildren(h("li", { class: "notice" }, none));
      return;
    }
    this.list.replaceChildren(...files.map((file) => h("li", {}, h("button", {
      class: "recording", "aria-pressed": String(file.name === this.name), "data-name": file.name, onclick: () => this.open(file.name),
    }, when(file.name), h("span", { class: "mood" }, size(file.size))))));
  }

  open(name) {
    this.name = name;
    this.text = "";
    this.stop();
    this.again.disabled = true;
    this.report.replaceChildren();
    for (const button of this.list.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.dataset.name === name));
    this.player.replaceChildren(h("p", { class: "notice" }, "Reading …"));
    this.wire.send({ type: "read_recording", name, offset: 0 });
  }

  piece(message) {
    if (message.offset !== (this.next ?? 0) && message.offset) return; // of an earlier choice
    this.text = message.offset ? this.text + message.text : message.text;
    this.next = message.next;
    if (message.next) this.wire.send({ type: "read_recording", name: this.name, offset: message.next });
    else this.show(parse(this.text));
  }

  show(recording) {
    this.recording = recording;
    this.again.disabled = false;
    const answers = recording.items.filter((item) => item.kind === "npc");
    this.hues = new Map([...new Set(answers.map((item) => item.npc))].map((npc, at) => [npc, HUES[at % HUES.length]]));
    this.slider = h("input", { type: "range", id: "time", min: 0, max: Math.ceil(recording.end), value: Math.ceil(recording.end), step: "any",
      oninput: () => this.seek(Number(this.slider.value)) });
    this.clock = h("output", { for: "time" });
    this.play = h("button", { onclick: () => (this.timer ? this.stop() : this.start()) }, "Play");
    this.speed = h("select", { id: "play-speed" }, ...[1, 2, 4, 16].map((factor) => h("option", { value: factor }, `${factor}×`)));
    this.lines = h("ol", { "aria-label": "What was said", tabindex: "0" }, ...recording.items.map((item) => this.line(item)));
    this.player.replaceChildren(
      h("h2", {}, `${when(this.name)}, ${answers.length} answers in ${seconds(recording.end)}`),
      this.timeline(answers, recording.end),
      h("div", { class: "row" }, this.play, h("label", { for: "time" }, "Time"), this.slider, this.clock, h("label", { for: "play-speed" }, "Speed"), this.speed),
      this.lines,
    );
    this.seek(recording.end);
  }

  line(item) {
    item.body = h("p", { class: "said" }, item.text ?? "");
    const kinds = { player: "bubble player", npc: "bubble npc", world: "notice", bad: "notice bad" };
    const who = item.kind === "npc" ? h("div", { class: "who" }, h("b", {}, item.name), h("span", {}, timing(item))) : null;
    const prompt = item.prompt && h("details", {}, h("summary", {}, "Prompt"), ...item.prompt.messages.map((message) =>
      h("div", {}, h("h3", {}, message.role), h("pre", {}, message.content))));
    item.element = h("li", { class: kinds[item.kind] }, who, item.body, prompt);
    return item.element;
  }

  /** Show the session as it was at a time. */
  seek(time) {
    this.time = time;
    this.slider.value = time;
    this.clock.textContent = seconds(time);
    this.mark.setAttribute("x", this.x(time));
    let last = null;
    for (const item of this.recording.items) {
      item.element.hidden = item.at > time;
      if (item.at <= time) last = item.element;
      if (item.kind === "npc" && item.at <= time) draw(item, time);
    }
    if (last) this.lines.scrollTop = last.offsetTop + last.offsetHeight - this.lines.offsetTop - this.lines.clientHeight + 8;
  }

  start() {
    if (this.time >= this.recording.end) this.seek(0);
    this.play.textContent = "Pause";
    let before = performance.now();
    const step = (now) => {
      const passed = (now - before) * Number(this.speed.value);
      before = now;
      this.seek(Math.min(this.recording.end, this.time + passed));
      if (this.time < this.recording.end) this.timer = requestAnimationFrame(step);
      else this.stop();
    };
    this.timer = requestAnimationFrame(step);
  }

  stop() {
    cancelAnimationFrame(this.timer);
    this.timer = null;
    if (this.play) this.play.textContent = "Play";
  }

  x(time) {
    return LABEL + ((WIDTH - LABEL - 4) * time) / Math.max(1, this.recording.end);
  }

  /** A row an NPC: pale while it was waited for, full while it spoke. */
  timeline(answers, end) {
    const npcs = [...this.hues.keys()];
    const label = answers.map((item) => `${item.name} at ${seconds(item.asked)}: ${timing(item)}`).join("; ");
    const picture = svg("svg", { class: "chart", viewBox: `0 0 ${WIDTH} ${npcs.length * ROW + 4}`, role: "img", "aria-label": label || "Nobody speaks." });
    npcs.forEach((npc, row) => picture.append(svg("text", { x: 0, y: row * ROW + 13 }, answers.find((item) => item.npc === npc).name)));
    for (const item of answers) {
      const y = npcs.indexOf(item.npc) * ROW + 4, fill = `var(--hue-${this.hues.get(item.npc)})`;
      const first = item.pieces[0]?.[0] ?? item.at, last = item.end?.at ?? end;
      for (const [from, to, opacity] of [[item.asked, first, 0.35], [first, last, 1]])
        picture.append(svg("rect", { x: this.x(from), y, width: Math.max(1.5, this.x(to) - this.x(from)), height: ROW - 8, fill, opacity }));
    }
    this.mark = svg("rect", { x: 0, y: 0, width: 1, height: npcs.length * ROW, fill: "var(--ink)" });
    picture.append(this.mark);
    return picture;
  }

  rerun() {
    const voice = this.voice.value;
    this.again.disabled = true;
    this.again.dataset.running = "1";
    this.report.replaceChildren(h("p", { class: "notice" }, "The same is said again …"));
    this.wire.send({ type: "rerun", name: this.name, ask: voice !== "recorded", model: voice.startsWith(":") ? voice.slice(1) : "" });
  }

  done(...children) {
    delete this.again.dataset.running;
    this.again.disabled = false;
    this.report.replaceChildren(...children);
  }

  compared(report) {
    this.done(
      h("p", {}, h("b", {}, report.changed ? `${report.changed} of ${report.answers} answers are otherwise` : `All ${report.answers} answers are as then`)),
      ...report.notes.map((note) => h("p", { class: "tokens note" }, note)),
      ...report.first.map((each) => this.changed(each)),
      report.changed > report.first.length ? h("p", { class: "notice" }, `${report.changed - report.first.length} more`) : "",
    );
  }

  changed(each) {
    const same = each.before === each.now;
    return h("article", { class: "part", "aria-label": `Request ${each.place}` },
      h("div", { class: "who" }, h("b", {}, each.npc || "nobody"), each.what.join(", ")),
      h("p", { class: "asked" }, each.asked),
      ...(same ? [h("p", {}, each.now)] : [h("p", {}, h("del", {}, `− ${each.before}`)), h("p", {}, h("ins", {}, `+ ${each.now}`))]),
      ...each.sources.map((source) => h("p", { class: "tokens note" }, source)),
      each.prompt.length ? h("details", {}, h("summary", {}, "Difference of the prompts"), h("pre", {}, ...each.prompt.filter((line) => !line.startsWith("@@")).map((line) =>
        h({ "+": "ins", "-": "del" }[line[0]] ?? "span", {}, `${line}\n`)))) : "");
  }
}

function draw(item, time) {
  const { text, cues } = until(item, time);
  const points = [...text];
  const parts = [];
  let from = 0;
  for (const cue of cues) {
    parts.push(points.slice(from, cue.offset).join(""), chip(cue));
    from = cue.offset;
  }
  parts.push(points.slice(from).join(""));
  item.body.classList.toggle("caret", !item.end || item.end.at > time);
  item.body.replaceChildren(...parts);
}

/** "20261124-120911-58079c7c.jsonl" as a local time. */
function when(name) {
  const found = name.match(/^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)/);
  return found ? new Date(Date.UTC(found[1], found[2] - 1, ...found.slice(3))).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : name;
}

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

function timing({ end }) {
  if (!end) return "never ended";
  if (!end.reason) return "";
  return [end.reason === "complete" ? "" : end.reason, end.first_token_ms ? `first text ${end.first_token_ms} ms` : "", `whole ${end.total_ms} ms`].filter(Boolean).join(", ");
}
