// Events: the listening socket is closed, and the last client or a timer ends the process.

const net = require("net");
const readline = require("readline");

const at = process.argv[2].lastIndexOf(":");
const inside = new Set();
let closing = false;

const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  if (closing) {
    socket.destroy();
    return;
  }
  inside.add(socket);
  socket.on("error", (error) => console.error(`a client broke off: ${error.code}`));
  socket.on("close", () => {
    inside.delete(socket);
    if (closing && inside.size === 0) process.exit(0);
  });
  socket.pipe(socket);
});
server.listen(Number(process.argv[2].slice(at + 1)), process.argv[2].slice(0, at));

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  if (line !== "shutdown" || closing) return;
  closing = true;
  server.close();
  if (inside.size === 0) process.exit(0);
  setTimeout(() => process.exit(0), 2000);
});
