// Events and two timers; nothing early is kept.
'use strict';
const dgram = require('node:dgram');

const [, host, port] = /^\[?([^\]]*)\]?:(\d+)$/.exec(process.argv[2]);
const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4');
let sender = null;
let expected = 0;
let ended = false;
let timer = null;

function waits(ms, then) {
  clearTimeout(timer);
  timer = setTimeout(then, ms);
}

function leaves(status, words) {
  if (words) process.stderr.write(`${words}\n`);
  process.exitCode = status;
  socket.close();
}

socket.on('message', (datagram, from) => {
  if (datagram.length < 7) return;
  const [kind, number, length] = [datagram[0], datagram.readUInt32BE(1), datagram.readUInt16BE(5)];
  const payload = datagram.subarray(7);
  if ((kind !== 1 && kind !== 3) || length !== payload.length || length > 1024) return;
  const peer = `${from.address} ${from.port}`;
  if (sender === null && number === 0) sender = peer;
  if (sender !== peer) return;
  let answer = 2;
  let then = (done) => done();
  if (kind === 1 && number === expected && !ended) {
    expected += 1;
    const copy = Buffer.from(payload);
    then = (done) => process.stdout.write(copy, done);
  } else if (kind === 3 && number === expected) {
    ended = true;
    answer = 4;
  }
  if (!ended) waits(10000, () => leaves(1, 'ten seconds of silence'));
  else if (kind === 3) waits(1000, () => leaves(0));
  const reply = Buffer.alloc(7);
  reply[0] = answer;
  reply.writeUInt32BE(expected, 1);
  then(() => socket.send(reply, from.port, from.address, () => {}));
});
socket.on('error', () => {});
socket.bind(Number(port), host, () => {
  const at = socket.address();
  process.stdout.write(`listening on ${at.address}:${at.port}\n`);
});
