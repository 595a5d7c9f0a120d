// Chunks are joined until a frame is whole.

const net = require("net");

const at = process.argv[2].lastIndexOf(":");
const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  let held = [];
  let size = 0;
  let wanted = 4;
  socket.on("error", (error) => console.error(`a client broke off: ${error.code}`));
  socket.on("data", (chunk) => {
    held.push(chunk);
    size += chunk.length;
    if (size < wanted) return;
    let all = Buffer.concat(held);
    for (;;) {
      wanted = all.length < 4 ? 4 : 4 + all.readUInt32BE(0);
      if (wanted > 4 + (1 << 20)) return socket.destroy();
      if (all.length < wanted) break;
      socket.write(all.subarray(0, wanted));
      all = all.subarray(wanted);
    }
    held = [all];
    size = all.length;
  });
  socket.on("end", () => socket.end());
});
server.listen(Number(process.argv[2].slice(at + 1)), process.argv[2].slice(0, at));
