// A chunk at a time; what is to be skipped is counted down, and answered when it has been.

const net = require("net");

const at = process.argv[2].lastIndexOf(":");

function reply(kind, id, payload = Buffer.alloc(0)) {
  const header = Buffer.from([0x57, 0x53, 1, kind, 0, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(id, 4);
  header.writeUInt32BE(payload.length, 8);
  return Buffer.concat([header, payload]);
}

const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  let pieces = [];
  let size = 0;
  let wanted = 12;
  let skipping = null;
  let over = false;
  socket.on("error", (error) => console.error(`a client broke off: ${error.code}`));
  socket.on("end", () => socket.end());
  socket.on("data", (chunk) => {
    if (over) return;
    for (;;) {
      if (skipping) {
        const skipped = Math.min(skipping.left, chunk.length);
        skipping.left -= skipped;
        chunk = chunk.subarray(skipped);
        if (skipping.left > 0) return;
        socket.write(reply(255, skipping.id));
        skipping = null;
      }
      pieces.push(chunk);
      size += chunk.length;
      if (size < wanted) return;
      let all = Buffer.concat(pieces);
      pieces = [];
      size = 0;
      wanted = 12;
      while (all.length >= 12 && !skipping) {
        const kind = all[3];
        const id = all.readUInt32BE(4);
        const length = all.readUInt32BE(8);
        const known = kind === 1 || kind === 3;
        if (all.readUInt16BE(0) !== 0x5753 || all[2] !== 1 || (known && length > 1 << 20)) {
          over = true;
          socket.end(reply(254, id));
          return;
        }
        if (!known) {
          skipping = { id, left: length };
          all = all.subarray(12);
        } else if (all.length < 12 + length) {
          wanted = 12 + length;
          break;
        } else {
          socket.write(kind === 1 ? reply(2, id, all.subarray(12, 12 + length)) : reply(4, id));
          all = all.subarray(12 + length);
        }
      }
      if (!skipping) {
        pieces = [all];
        size = all.length;
        return;
      }
      chunk = all;
    }
  });
});
server.listen(Number(process.argv[2].slice(at + 1)), process.argv[2].slice(0, at));
