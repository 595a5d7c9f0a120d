// node:dgram; the keys of the map are the bytes as latin1, one character each.

const dgram = require("dgram");

const at = process.argv[2].lastIndexOf(":");
const socket = dgram.createSocket("udp4");
const store = new Map();
socket.on("error", (error) => console.error(error.message));
socket.on("listening", () => {
  const { address, port } = socket.address();
  console.log(`listening on ${address}:${port}`);
});
socket.on("message", (datagram, peer) => {
  if (datagram.length > 1000) return;
  const text = datagram.toString("latin1");
  const end = text.indexOf("=");
  if (end >= 0) {
    if (text.slice(0, end) !== "version") store.set(text.slice(0, end), text.slice(end + 1));
    return;
  }
  const value = text === "version" ? "events.js" : (store.get(text) ?? "");
  socket.send(Buffer.from(`${text}=${value}`, "latin1"), peer.port, peer.address);
});
socket.bind(Number(process.argv[2].slice(at + 1)), process.argv[2].slice(0, at));
