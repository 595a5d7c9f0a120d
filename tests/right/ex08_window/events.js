// Events, one timer, and all of the window again when it is over.
'use strict';
const dgram = require('node:dgram');
const fs = require('node:fs');

const [, host, port] = /^\[?([^\]]*)\]?:(\d+)$/.exec(process.argv[2]);
const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4');
const FIRST = 4294967290;
const file = fs.readFileSync(0);
const count = Math.ceil(file.length / 1024);
let base = 0;
let next = 0;
let expiries = 0;
let timer = null;

function send(kind, place, payload = Buffer.alloc(0)) {
  const header = Buffer.alloc(7);
  header[0] = kind;
  header.writeUInt32BE((FIRST + place) >>> 0, 1);
  header.writeUInt16BE(payload.length, 5);
  socket.send(Buffer.concat([header, payload]), Number(port), host, () => {});
}

function fill() {
  if (base === count) {
    if (next === count) {
      send(3, count);
      next += 1;
    }
    return;
  }
  for (; next < Math.min(base + 8, count); next += 1) {
    send(1, next, file.subarray(next * 1024, next * 1024 + 1024));
  }
}

function waits() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    expiries += 1;
    if (expiries === 8) {
      process.stderr.write('eight waits without progress\n');
      process.exit(1);
    }
    next = base;
    fill();
    waits();
  }, 300);
}

socket.on('message', (datagram, from) => {
  if (from.port !== Number(port) || from.address !== host) return;
  if (datagram.length !== 7 || datagram.readUInt16BE(5) !== 0) return;
  const advance = (datagram.readUInt32BE(1) - FIRST - base) >>> 0;
  if (base === count) {
    if (datagram[0] === 4 && advance === 0) {
      clearTimeout(timer);
      socket.close();
    }
    return;
  }
  if (datagram[0] !== 2 || advance === 0 || advance > next - base) return;
  base += advance;
  expiries = 0;
  fill();
  waits();
});
socket.on('error', () => {});
fill();
waits();
