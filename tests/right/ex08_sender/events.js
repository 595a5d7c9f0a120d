// An unconnected socket, one timer, and a promise for each segment.
'use strict';
const dgram = require('node:dgram');
const fs = require('node:fs');

const [, host, port] = /^\[?([^\]]*)\]?:(\d+)$/.exec(process.argv[2]);
const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4');

function segment(kind, number, payload = Buffer.alloc(0)) {
  const header = Buffer.alloc(7);
  header[0] = kind;
  header.writeUInt32BE(number, 1);
  header.writeUInt16BE(payload.length, 5);
  return Buffer.concat([header, payload]);
}

function exchange(bytes, answer) {
  return new Promise((resolve, reject) => {
    let left = 10;
    let timer = null;
    const heard = (datagram, from) => {
      if (from.port !== Number(port) || from.address !== host || !datagram.equals(answer)) return;
      clearTimeout(timer);
      socket.off('message', heard);
      resolve();
    };
    const send = () => {
      if (left === 0) {
        reject(new Error('no answer to ten transmissions'));
        return;
      }
      left -= 1;
      socket.send(bytes, Number(port), host, () => {});
      timer = setTimeout(send, 200);
    };
    socket.on('message', heard);
    send();
  });
}

async function main() {
  const file = fs.readFileSync(0);
  let number = 0;
  for (let at = 0; at < file.length; at += 1024) {
    const payload = file.subarray(at, at + 1024);
    await exchange(segment(1, number, payload), segment(2, number + 1));
    number += 1;
  }
  await exchange(segment(3, number), segment(4, number));
}

socket.on('error', () => {});
main().then(() => socket.close(), (err) => {
  process.stderr.write(`${err.message}\n`);
  process.exit(1);
});
