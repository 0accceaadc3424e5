// The designers' files: what is wrong, and where a key stands.
import { $, h } from "./dom.js";

export class FilesView {
  constructor(wire, show) {
    this.wire = wire;
    this.show = show;
    this.list = h("div", { id: "problems" });
    this.view = h("div", { id: "file", tabindex: "0", role: "region", "aria-label": "File" }, h("p", { class: "notice" }, "Choose a problem, or a source in a prompt."));
    $("files").replaceChildren(this.list, this.view);
  }

  content(info) {
    const errors = info.problems.filter((problem) => problem.severity === "error");
    $("problem-count").hidden = !info.problems.length;
    $("problem-count").textContent = info.problems.length;
    $("banner").hidden = !errors.length;
    const shown = errors.slice(0, 3).map((problem) => `${place(problem)} ${problem.problem}`);
    if (errors.length > shown.length) shown.push(`… and ${errors.length - shown.length} more: Files (Alt+3).`);
    shown.push("The last good version of such a file stays in force, if there was one.");
    $("banner").textContent = shown.join("\n");
    this.list.replaceChildren(
      h("h2", {}, info.problems.length ? `${info.problems.length} to look at` : "No problems found"),
      h("p", { class: "notice" }, `Read ${info.revision} time${info.revision === 1 ? "" : "s"}; files are read again when you save them.`),
      ...info.problems.map((problem) => h("button", { class: "problem", onclick: () => this.open(problem.file, problem.place, problem.line) },
        h("span", { class: problem.severity }, problem.severity), ` ${place(problem)} `, h("br"), problem.problem)),
    );
    if (this.shown) this.open(...this.shown, false);
  }

  open(file, key, line = 0, turnTo = true) {
    this.shown = [file, key, line];
    this.wire.send({ type: "source", file, key: key ?? "" });
    if (turnTo) this.show("files");
  }

  receive(message) {
    if (message.type !== "source_text" || message.file !== this.shown?.[0]) return;
    const at = message.line || this.shown[2];
    const rows = message.text.split("\n").map((text, index) => h("span", { class: index + 1 === at ? "mark" : "" }, text || " "));
    this.view.replaceChildren(h("h2", {}, message.file + (at ? `, line ${at}` : "")), h("pre", { class: "code" }, ...rows));
    rows[at - 1]?.scrollIntoView({ block: "center" });
  }
}

const place = (problem) => `${problem.file}${problem.line ? `:${problem.line}` : ""}${problem.place ? ` ${problem.place}` : ""}:`;
