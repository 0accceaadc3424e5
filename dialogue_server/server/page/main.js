// The page: one wire, and the views that listen to it.
import { $, tabs } from "./dom.js";
import { Wire } from "./wire.js";
import { Talk } from "./talk.js";
import { StateEditor } from "./state.js";
import { PromptView } from "./prompt.js";
import { TimingView } from "./timing.js";
import { FilesView } from "./files.js";
import { CompareView } from "./compare.js";
import { RecordingsView } from "./recordings.js";

const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/`;
const wire = new Wire(url, token);
const work = tabs(document.querySelector("header [role=tablist]"), (panel) => {
  if (panel === "recordings") recordings.refresh();
});
const behind = tabs(document.querySelector("#behind [role=tablist]"));

const talk = new Talk(wire);
const files = new FilesView(wire, (panel) => work(panel));
const prompts = new PromptView(wire, talk, (file, key) => files.open(file, key));
const recordings = new RecordingsView(wire);
const views = [talk, new StateEditor(wire, talk), prompts, new TimingView(talk), files, new CompareView(wire), recordings];

/** Show what is behind the talk; in a narrow window it stands below it. */
function look(panel) {
  work("talk");
  behind(panel);
  $("behind").scrollIntoView({ block: "nearest" });
}

talk.addEventListener("prompt", (event) => {
  look("prompt");
  prompts.show(event.detail.turn.turn);
});

wire.addEventListener("welcome", ({ detail: { welcome, lost } }) => {
  $("status").textContent = welcome.server;
  if (!welcome.capabilities.includes("designer")) {
    $("banner").hidden = false;
    $("banner").textContent = "This server does not grant the designer's right to this page. Open it on the server's own machine, or put a designer's ticket behind the address: #token=…";
    return;
  }
  if (lost || !talk.conversation) wire.send({ type: "content", watch: true });
});
wire.addEventListener("closed", ({ detail: { reason, stop } }) => {
  $("status").textContent = stop ? `Closed: ${reason}` : `The server is away${reason ? ` (${reason})` : ""}; trying again …`;
});
wire.addEventListener("message", ({ detail: { message, at } }) => {
  if (message.type === "content_info") {
    $("world").textContent = message.world;
    document.title = `${message.world} · dialogue-server`;
    for (const view of views) view.content?.(message);
  } else if (message.type === "error" && !message.conversation && !message.turn) {
    $("banner").hidden = false;
    $("banner").textContent = `${message.code}: ${message.detail}`;
  }
  for (const view of views) view.receive?.(message, at);
});

$("help-button").onclick = () => $("help").showModal();
addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if (event.altKey && !event.ctrlKey && !event.metaKey) {
    // With Option, a Mac types another character (å, ¡): what the key says then counts, but not
    // where it is typed.
    const key = event.key.charCodeAt(0) < 128 || typing ? event.key : event.code.slice(-1).toLowerCase();
    const panel = ["talk", "compare", "files", "recordings"][key - 1];
    const side = ["state", "prompt", "timing"][key - 5];
    const act = { r: () => talk.regenerate(), a: () => $("advance").click(), s: () => $("suggest").click() }[key];
    if (panel) work(panel);
    else if (side) look(side);
    else if (act) act();
    else return;
    event.preventDefault();
  } else if (event.key === "Escape" && !$("help").open) talk.interrupt();
  else if (event.key === "/" && !typing) {
    event.preventDefault();
    work("talk");
    $("search").focus();
  } else if (event.key === "?" && !typing) $("help").showModal();
});
