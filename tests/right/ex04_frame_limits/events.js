// Chunks are joined until a frame is whole; a refused client has one timer.

const net = require("net");

const MAX = 1 << 20;
const at = process.argv[2].lastIndexOf(":");

function frame(text) {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(4);
  header.writeUInt32BE(payload.length);
  return Buffer.concat([header, payload]);
}

const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  let held = Buffer.alloc(0);
  let pieces = [];
  let refused = false;
  socket.on("error", (error) => console.error(`a client broke off: ${error.code}`));
  socket.on("data", (chunk) => {
    if (refused) return;
    pieces.push(chunk);
    const size = held.length + pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (held.length >= 4 && size < 4 + held.readUInt32BE(0)) return;
    held = Buffer.concat([held, ...pieces]);
    pieces = [];
    while (held.length >= 4) {
      const length = held.readUInt32BE(0);
      if (length > MAX) {
        refused = true;
        socket.end(frame("error: frame too long"));
        setTimeout(() => socket.destroy(), 1000);
        return;
      }
      if (held.length < 4 + length) return;
      socket.write(held.subarray(0, 4 + length));
      held = held.subarray(4 + length);
    }
  });
  socket.on("end", () => {
    const all = Buffer.concat([held, ...pieces]);
    if (!refused && all.length > 0) {
      const [n, m] = all.length < 4 ? [all.length, 4] : [all.length - 4, all.readUInt32BE(0)];
      console.error(`truncated after ${n} of ${m} bytes`);
    }
    socket.end();
  });
});
server.listen(Number(process.argv[2].slice(at + 1)), process.argv[2].slice(0, at));
