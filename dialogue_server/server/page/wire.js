// The public protocol (protocol/spec.md) in JSON: one session, resumed after a drop, every message
// handed to whoever listens. There is no other way into the server from this page.

const FIRST_UNSEQUENCED = new Set(["welcome", "pong", "go_away"]);
const ACK_AFTER = 64;
/** Messages that are kept for a resume: far more than ever wait for an answer. */
const KEPT = 256;

export class Wire extends EventTarget {
  constructor(url, token) {
    super();
    this.url = url;
    this.token = token;
    this.player = playerOf(token);
    this.seq = 0;
    this.session = null;
    this.outbox = [];
    this.sent = 0;
    this.attempt = 0;
    this.open = false;
    this.opens = new Map();
    this.lastAck = 0;
    this.connect();
  }

  connect() {
    const socket = (this.socket = new WebSocket(this.url, ["dialogue.v1.json"]));
    socket.onopen = () => socket.send(JSON.stringify(this.hello()));
    socket.onmessage = (event) => this.receive(JSON.parse(event.data), performance.now());
    socket.onclose = (event) => this.closed(event);
  }

  hello() {
    const resume = this.session && { session: this.session, epoch: this.epoch, seq: this.seq };
    return {
      type: "hello", version: 1, client: "dev page", token: this.token,
      capabilities: ["designer"], resume,
    };
  }

  /** Send a message; while the socket is away it is kept. */
  send(message) {
    if (message.type === "open") this.opens.set(message.conversation, { ...message });
    if (message.type === "close") this.opens.delete(message.conversation);
    this.outbox.push([++this.sent, message]);
    if (this.outbox.length > KEPT) this.outbox.shift();
    if (this.open) this.socket.send(JSON.stringify(message));
  }

  receive(message, at) {
    if (message.type === "welcome") return this.welcomed(message);
    if (!FIRST_UNSEQUENCED.has(message.type)) {
      this.seq += 1;
      if (this.seq - this.lastAck >= ACK_AFTER && this.open) {
        this.lastAck = this.seq;
        this.socket.send(JSON.stringify({ type: "ack", seq: this.seq }));
      }
    }
    this.dispatchEvent(new CustomEvent("message", { detail: { message, at } }));
  }

  welcomed(welcome) {
    this.attempt = 0;
    this.lastAck = this.seq;
    const lost = this.session !== null && !welcome.resumed;
    [this.session, this.epoch, this.seq] = [welcome.session, welcome.epoch, welcome.seq];
    if (welcome.resumed) this.outbox = this.outbox.filter(([number]) => number > welcome.received);
    this.open = true;
    if (lost) {
      // The session is gone, the conversations are not: open them again.
      const reopened = [...this.opens.values()].map((open) => ({ ...open, checkpoint: "" }));
      this.outbox = [];
      this.sent = 0;
      reopened.forEach((open) => this.send(open));
    } else {
      this.outbox.forEach(([, message]) => this.socket.send(JSON.stringify(message)));
    }
    this.dispatchEvent(new CustomEvent("welcome", { detail: { welcome, lost } }));
  }

  closed(event) {
    this.open = false;
    const stop = (event.code >= 4200 && event.code < 4300 && event.code !== 4203) || event.code === 1002;
    if (event.code >= 4100 && event.code < 4200) this.session = null;
    const wait = Math.random() * Math.min(30000, 500 * 2 ** this.attempt++);
    this.dispatchEvent(new CustomEvent("closed", { detail: { reason: event.reason, stop } }));
    if (!stop) setTimeout(() => this.connect(), wait);
  }
}

/** Whom a ticket lets in (its `sub`): nobody else may open a conversation with it. */
function playerOf(token) {
  try {
    return JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).sub || "designer";
  } catch { // none, or one that the server will refuse
    return "designer";
  }
}
