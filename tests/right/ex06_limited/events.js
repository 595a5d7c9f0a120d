// One thread, events; a place is given back by "close", which comes however a socket ends.

const net = require("net");

const at = process.argv[2].lastIndexOf(":");
let inside = 0;

const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  socket.on("error", (error) => console.error(`a client broke off: ${error.code}`));
  if (inside === 8) {
    socket.end("busy\n", () => socket.destroy());
    return;
  }
  inside += 1;
  socket.on("close", () => {
    inside -= 1;
  });
  socket.pipe(socket);
});
server.on("error", (error) => console.error(error.message));
server.listen(Number(process.argv[2].slice(at + 1)), process.argv[2].slice(0, at));
