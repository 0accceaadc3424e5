// A page with a Unity game in it, as far as DialogueSocket.jslib can tell: a heap that moves, C#'s
// callbacks in a table, and the library merged as Emscripten merges one. The same in Node (page.js)
// and in a browser (chromium.py); the WebSocket is theirs.
'use strict';

/**
 * Merges the library. The function that it returns takes what the game calls, an object as
 * WebGLSocket.cs beside this file writes it; `tell` takes what the game is told.
 */
function startPage(source, tell) {
  // -------------------------------------------------------------- the heap
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

  const encoded = (text) => new TextEncoder().encode(text);
  const textAt = (address) =>
    new TextDecoder().decode(heap.bytes.slice(address, heap.bytes.indexOf(0, address)));

  function withBytes(bytes, use) {
    const address = malloc(bytes.length || 1);
    heap.bytes.set(bytes, address);
    try {
      return use(address);
    } finally {
      heap.bytes.fill(0xdd, address, address + bytes.length); // C# may reuse it at once
      free(address);
    }
  }

  const withText = (text, use) => withBytes(encoded(text + '\0'), use);

  function base64(bytes) {
    let text = '';
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return btoa(text);
  }

  // -------------------------------------------------------------- what C# passes as callbacks
  const table = {
    1: ['vi', (id) => tell({ event: 'opened', id })],
    2: ['viii', (id, address, size) =>
      tell({ event: 'received', id, bytes: base64(heap.bytes.subarray(address, address + size)) })],
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

  // -------------------------------------------------------------- the library, as Emscripten reads it
  const library = {};
  const dependencies = [];
  new Function('LibraryManager', 'mergeInto', 'autoAddDeps',
    source.replace(/\{\{\{ makeDynCall\('(\w+)', '(\w+)'\) \}\}\}/g, "dynCall('$1', $2)"))(
    { library }, Object.assign, (functions, name) => dependencies.push(name));
  for (const name of dependencies) if (!(name in library)) throw new Error('no ' + name + ' in the library');

  // Each function goes into the game's program by itself, as text: of the file around it nothing is left.
  const lines = Object.entries(library).map(([name, value]) =>
    `var ${name[0] === '$' ? name.slice(1) : '_' + name} = ${typeof value === 'function' ? value : JSON.stringify(value)};`);
  Object.defineProperty(globalThis, 'HEAPU8', { get: () => heap.bytes });
  const runtime = {
    UTF8ToString: textAt,
    lengthBytesUTF8: (text) => encoded(text).length,
    stringToUTF8: (text, address, size) => {
      const bytes = encoded(text + '\0');
      if (bytes.length > size) throw new Error('the text does not fit');
      heap.bytes.set(bytes, address);
    },
    _malloc: malloc,
    _free: free,
    dynCall,
  };
  const names = Object.keys(library).filter((name) => name[0] !== '$').map((name) => `${name}: _${name}`);
  const game = new Function(...Object.keys(runtime),
    lines.join('\n') + `\nreturn { ${names.join(', ')}, sockets: DialogueSockets };`)(...Object.values(runtime));

  // -------------------------------------------------------------- what the game calls
  return (call) => {
    switch (call.call) {
      case 'open':
        withText(call.url, (url) => withText(call.subprotocol, (subprotocol) =>
          tell({ event: 'returned', id: game.DialogueSocketOpen(url, subprotocol, 1, 2, 3) })));
        break;
      case 'send': {
        const bytes = Uint8Array.from(atob(call.bytes), (c) => c.charCodeAt(0));
        withBytes(bytes, (address) => game.DialogueSocketSend(call.id, address, bytes.length));
        break;
      }
      case 'close':
        withText(call.reason, (reason) => game.DialogueSocketClose(call.id, call.code, reason));
        break;
      case 'count':
        tell({ event: 'returned', id: heap.live.size + Object.keys(game.sockets.open).length });
        break;
    }
  };
}

if (typeof module !== 'undefined') module.exports = startPage;
