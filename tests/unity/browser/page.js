// The page of runtime.js in Node, whose WebSocket is written to the browsers' standard. The game's
// side, WebGLSocket.cs beside this file, speaks to it in lines of JSON over standard input and output.
//
//     node page.js DialogueSocket.jslib
'use strict';
const fs = require('fs');
const readline = require('readline');
const startPage = require('./runtime.js');

if (typeof WebSocket === 'undefined') throw new Error('this Node has no WebSocket: 22 or newer is needed');
const call = startPage(
  fs.readFileSync(process.argv[2], 'utf8'), (message) => process.stdout.write(JSON.stringify(message) + '\n'));
readline.createInterface({ input: process.stdin })
  .on('line', (line) => call(JSON.parse(line)))
  .on('close', () => process.exit(0));
