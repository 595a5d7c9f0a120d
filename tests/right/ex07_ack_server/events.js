// node:dgram; what is known is a Map, in the order in which it came, to the promise of its line.

const dgram = require("dgram");
const fs = require("fs");

const at = process.argv[2].lastIndexOf(":");
const socket = dgram.createSocket("udp4");
const known = new Map();
socket.on("error", (error) => console.error(error.message));
socket.on("listening", () => {
  const { address, port } = socket.address();
  fs.writeSync(1, `listening on ${address}:${port}\n`);
});
socket.on("message", (datagram, peer) => {
  if (datagram.length < 4 || datagram.length > 1204) return;
  const id = datagram.readUInt32BE(0);
  const ack = Buffer.concat([datagram.subarray(0, 4), Buffer.from("ACK")]);
  const answer = () => socket.send(ack, peer.port, peer.address);
  const name = `${peer.address} ${peer.port} ${id}`;
  let written = known.get(name);
  if (!written) {
    const line = `${id} ${datagram.length - 4}\n`;
    // Kept when the line has left this process: a full pipe holds it back.
    written = new Promise((resolve) => process.stdout.write(line, resolve));
    known.set(name, written);
    if (known.size > 65536) known.delete(known.keys().next().value);
  }
  written.then(answer);
});
socket.bind(Number(process.argv[2].slice(at + 1)), process.argv[2].slice(0, at));
