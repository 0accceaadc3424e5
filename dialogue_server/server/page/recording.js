// The file of a recorded session (docs/recording.md) as things that happened, each with its time.

const REQUESTS = {
  open: (m) => `${m.player?.name || "The player"} meets ${m.npcs.join(", ")}${m.scene ? ` (${m.scene})` : ""}`,
  state: (m) => `state ${JSON.stringify(m.snapshot ?? m.patch)}`,
  event: (m) => `event: ${m.text}`,
  script: (m) => `${m.npc || "player"} is given the line: ${m.text}`,
  advance: () => "the talk goes on",
  action_result: (m) => `action ${m.accepted ? "done" : "refused"}: ${m.text}`,
  regenerate: () => "answered anew",
  save: () => "saved", load: () => "loaded",
};

/** Lines of JSON to {end, items}: player, world, npc and bad ones; an npc's has pieces, cues, end and prompt. */
export function parse(text) {
  const items = [], turns = new Map(), names = new Map(), prompts = new Map();
  let end = 0, asked = 0;
  const add = (item) => items.push(item);
  for (const line of text.split("\n")) {
    const entry = decode(line);
    if (!entry || entry.at === undefined) continue;
    const at = entry.at;
    end = Math.max(end, at);
    if (entry.client) {
      const message = entry.client;
      asked = at;
      if (message.type === "say") add({ kind: "player", at, text: message.text });
      else if (REQUESTS[message.type]) add({ kind: "world", at, text: REQUESTS[message.type](message) });
    }
    if (entry.prompt && !prompts.has(entry.prompt.turn)) prompts.set(entry.prompt.turn, entry.prompt);
    for (const [when, turn, piece] of entry.deltas ?? []) {
      turns.get(turn)?.pieces.push([when, piece]);
      end = Math.max(end, when);
    }
    if (entry.server) told(entry.server, at);
  }
  for (const [number, turn] of turns) turn.prompt = prompts.get(number);
  return { end, items: items.sort((a, b) => a.at - b.at) };

  function told(message, at) {
    const turn = turns.get(message.turn);
    switch (message.type) {
      case "opened":
        for (const npc of message.npcs) names.set(npc.id, npc.name);
        if (message.greeting) add({ kind: "npc", at, asked: at, npc: message.npcs[0].id, name: message.npcs[0].name, pieces: [[at, message.greeting]], cues: [], end: { at } });
        return;
      case "turn": {
        const begun = { kind: "npc", at, asked, npc: message.npc, name: names.get(message.npc) ?? message.npc, pieces: [], cues: [], end: null };
        turns.set(message.turn, begun);
        return add(begun);
      }
      case "cue":
        if (turn && message.kind !== "filler") turn.cues.push({ ...message, at });
        return;
      case "turn_end":
        if (turn) turn.end = { ...message, at };
        return;
      case "error": return add({ kind: "bad", at, text: `${message.code}: ${message.detail}` });
      case "noted": return add({ kind: "world", at, text: "nobody answers" });
      case "trigger": return add({ kind: "world", at, text: `trigger ${message.name}${message.stage ? ` → ${message.stage}` : ""}` });
    }
  }
}

/** A line's object; null for one that is cut, since the session may still go on. */
function decode(line) {
  try {
    return line.trim() ? JSON.parse(line) : null;
  } catch {
    return null;
  }
}

/** What of an answer was there at a time: its text and the cues so far. */
export function until(item, time) {
  const text = item.pieces.filter(([at]) => at <= time).map(([, piece]) => piece).join("");
  return { text, cues: item.cues.filter((cue) => cue.at <= time) };
}
