// Each socket is piped into itself. It says nothing on stdout.

const net = require("net");

const at = process.argv[2].lastIndexOf(":");
const host = process.argv[2].slice(0, at);
const port = Number(process.argv[2].slice(at + 1));

net
  .createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", (error) => console.error(`a client broke off: ${error.code}`));
    socket.pipe(socket);
  })
  .listen(port, host);
