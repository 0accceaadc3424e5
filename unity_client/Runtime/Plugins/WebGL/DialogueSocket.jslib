// The browser's WebSocket for WebGLTransport.cs. Emscripten replaces {{{ }}} when the game is built.
// Every callback's last argument is what C# has declared; strings and bytes live on the heap only
// while their callback runs.
var DialogueSocketLibrary = {
  $DialogueSockets: { last: 0, open: {} },

  DialogueSocketOpen: function (url, subprotocol, onOpened, onReceived, onClosed) {
    var id = ++DialogueSockets.last;
    var wanted = UTF8ToString(subprotocol);
    var socket;

    function closed(code, reason) {
      if (DialogueSockets.open[id] !== socket) return;
      delete DialogueSockets.open[id];
      var size = lengthBytesUTF8(reason) + 1;
      var text = _malloc(size);
      stringToUTF8(reason, text, size);
      {{{ makeDynCall('viii', 'onClosed') }}}(id, code, text);
      _free(text);
    }

    try {
      socket = new WebSocket(UTF8ToString(url), wanted);
    } catch (error) {
      // Such as ws:// from a page of https://. Later, like every other failure: C# has no id yet.
      socket = null;
      DialogueSockets.open[id] = socket;
      setTimeout(function () { closed(1006, String(error.message || error)); }, 0);
      return id;
    }
    DialogueSockets.open[id] = socket;
    socket.binaryType = 'arraybuffer';

    socket.onopen = function () {
      if (DialogueSockets.open[id] !== socket) return;
      if (socket.protocol !== wanted) {
        socket.close(1000, '');
        closed(1002, 'the server does not speak this protocol');
        return;
      }
      {{{ makeDynCall('vi', 'onOpened') }}}(id);
    };

    socket.onmessage = function (event) {
      if (DialogueSockets.open[id] !== socket) return;
      if (!(event.data instanceof ArrayBuffer)) {
        socket.close(4200, 'expected binary messages');
        closed(1003, 'expected binary messages');
        return;
      }
      var size = event.data.byteLength;
      var bytes = _malloc(size || 1);
      HEAPU8.set(new Uint8Array(event.data), bytes);
      {{{ makeDynCall('viii', 'onReceived') }}}(id, bytes, size);
      _free(bytes);
    };

    // Without a reason: a page may not know it. The standard has a close event follow at once, with
    // the code; where none does (Node 20), this counts.
    socket.onerror = function () {
      setTimeout(function () { closed(1006, ''); }, 0);
    };

    socket.onclose = function (event) {
      closed(event.code, event.reason || '');
    };

    return id;
  },

  DialogueSocketSend: function (id, bytes, length) {
    var socket = DialogueSockets.open[id];
    // A copy: the heap may move while the browser still sends.
    if (socket && socket.readyState === 1) socket.send(HEAPU8.slice(bytes, bytes + length));
  },

  DialogueSocketClose: function (id, code, reason) {
    var socket = DialogueSockets.open[id];
    delete DialogueSockets.open[id];
    if (!socket) return;
    // A page may say 1000 and 3000 to 4999, and 123 bytes of reason.
    var text = UTF8ToString(reason);
    while (lengthBytesUTF8(text) > 123) text = text.slice(0, -1);
    socket.close(code === 1000 || (code >= 3000 && code < 5000) ? code : 4200, text);
  },
};

autoAddDeps(DialogueSocketLibrary, '$DialogueSockets');
mergeInto(LibraryManager.library, DialogueSocketLibrary);
