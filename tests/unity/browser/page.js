// A page with a Unity game in it, as far as DialogueSocket.jslib can tell: Emscripten's runtime with
// a heap, and Node's WebSocket, which is written to the browsers' standard. The game's side,
// WebGLSocket.cs beside this file, speaks to it in lines of JSON over standard input and output.
//
//     node page.js DialogueSocket.jslib
'use strict';
const fs = require('fs');
const readline = require('readline');
const vm = require('vm');

if (typeof WebSocket === 'undefined') throw new Error('this Node has no WebSocket: 22 or newer is needed');

// ---------------------------------------------------------------- the heap

// Small, so that it has to grow in mid-game: then every view of it is replaced, as in Emscripten.
const heap = { bytes: new Uint8Array(1024), top: 8, live: new Map() };

function malloc(size) {
  const address = heap.top;
  heap.top += (size + 7) & ~7;
  if (heap.top > heap.bytes.length) {
    const grown = new Uint8Array(heap.top * 2);
    grown.set(heap.bytes);
    heap.bytes.fill(0xdd); // who still holds the old view reads rubbish
    heap.bytes = grown;
  }
  heap.live.set(address, size);
  return address;
}

function free(address) {
  if (!heap.live.delete(address)) throw new Error('freed what was not allocated: ' + address);
  if (heap.live.size === 0) heap.top = 8;
}

function textAt(address) {
  const end = heap.bytes.indexOf(0, address);
  return Buffer.from(heap.bytes.subarray(address, end)).toString('utf8');
}

function withText(text, use) {
  const bytes = Buffer.from(text + '\0', 'utf8');
  const address = malloc(bytes.length);
  heap.bytes.set(bytes, address);
  try {
    return use(address);
  } finally {
    free(address);
  }
}

// ---------------------------------------------------------------- what C# passes as callbacks

const tell = (message) => process.stdout.write(JSON.stringify(message) + '\n');
const table = {
  1: ['vi', (id) => tell({ event: 'opened', id })],
  2: ['viii', (id, address, size) =>
    tell({ event: 'received', id, bytes: Buffer.from(heap.bytes.subarray(address, address + size)).toString('base64') })],
  3: ['viii', (id, code, reason) => tell({ event: 'closed', id, code, reason: textAt(reason) })],
};

function dynCall(signature, pointer) {
  const [declared, callback] = table[pointer];
  if (declared !== signature) throw new Error(`callback ${pointer} is ${declared}, called as ${signature}`);
  return (...values) => {
    if (values.length !== signature.length - 1) throw new Error(`${signature} takes not ${values.length} values`);
    for (const value of values) if (!Number.isInteger(value)) throw new Error(`${value} is no integer`);
    callback(...values);
  };
}

// ---------------------------------------------------------------- the library, as Emscripten reads it

const library = {};
const dependencies = [];
const runtime = {
  LibraryManager: { library },
  mergeInto: (target, functions) => Object.assign(target, functions),
  autoAddDeps: (functions, name) => dependencies.push(name),
  UTF8ToString: textAt,
  lengthBytesUTF8: (text) => Buffer.byteLength(text, 'utf8'),
  stringToUTF8: (text, address, size) => {
    const bytes = Buffer.from(text + '\0', 'utf8');
    if (bytes.length > size) throw new Error('the text does not fit');
    heap.bytes.set(bytes, address);
  },
  _malloc: malloc,
  _free: free,
  dynCall,
  WebSocket,
  ArrayBuffer,
  Uint8Array,
  setTimeout,
  get HEAPU8() {
    return heap.bytes;
  },
};
const page = vm.createContext(runtime);
const source = fs
  .readFileSync(process.argv[2], 'utf8')
  .replace(/\{\{\{ makeDynCall\('(\w+)', '(\w+)'\) \}\}\}/g, "dynCall('$1', $2)");
vm.runInContext(source, page, { filename: process.argv[2] });
for (const name of dependencies) page[name.slice(1)] = library[name];

// ---------------------------------------------------------------- what the game calls

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const call = JSON.parse(line);
  switch (call.call) {
    case 'open':
      withText(call.url, (url) => withText(call.subprotocol, (subprotocol) =>
        tell({ event: 'returned', id: library.DialogueSocketOpen(url, subprotocol, 1, 2, 3) })));
      break;
    case 'send': {
      const bytes = Buffer.from(call.bytes, 'base64');
      const address = malloc(bytes.length || 1);
      heap.bytes.set(bytes, address);
      library.DialogueSocketSend(call.id, address, bytes.length);
      heap.bytes.fill(0xdd, address, address + bytes.length); // C# may reuse it at once
      free(address);
      break;
    }
    case 'close':
      withText(call.reason, (reason) => library.DialogueSocketClose(call.id, call.code, reason));
      break;
    case 'count':
      tell({ event: 'returned', id: heap.live.size + Object.keys(page.DialogueSockets.open).length });
      break;
  }
}).on('close', () => process.exit(0));
