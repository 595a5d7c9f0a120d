// node:dgram with an interval of its own for the tries of each text.

const dgram = require("dgram");

const [addr, ...texts] = process.argv.slice(2);
if (texts.length === 0 || texts.some((text) => Buffer.byteLength(text) > 1200)) {
  console.error("usage: events.js ADDR TEXT [TEXT...]");
  process.exit(2);
}
const at = addr.lastIndexOf(":");
const host = addr.slice(0, at);
const port = Number(addr.slice(at + 1));
const socket = dgram.createSocket("udp4");
let due = null;
let done = null;

socket.on("error", (error) => console.error(error.message));
socket.on("message", (datagram, peer) => {
  const isPeer = peer.address === host && peer.port === port;
  if (isPeer && due !== null && datagram.equals(due)) done();
});

const exchange = (id, text) =>
  new Promise((resolve) => {
    const name = Buffer.alloc(4);
    name.writeUInt32BE(id);
    const request = Buffer.concat([name, Buffer.from(text)]);
    const timers = [];
    due = Buffer.concat([name, Buffer.from("ACK")]);
    done = () => {
      timers.forEach(clearTimeout);
      due = null;
      resolve();
    };
    socket.send(request, port, host);
    timers.push(setTimeout(() => socket.send(request, port, host), 300));
    timers.push(setTimeout(() => socket.send(request, port, host), 600));
    timers.push(
      setTimeout(() => {
        console.error(`${addr} has not acknowledged ${text}`);
        process.exit(1);
      }, 900),
    );
  });

socket.bind(async () => {
  let id = Math.floor(Math.random() * 2 ** 31);
  for (const text of texts) {
    await exchange(id++, text);
    console.log("acknowledged");
  }
  socket.close();
});
