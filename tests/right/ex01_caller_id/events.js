// Node's event loop. It says nothing on stdout: whoever listens is found without that.

const net = require("net");

const at = process.argv[2].lastIndexOf(":");
const host = process.argv[2].slice(0, at);
const port = Number(process.argv[2].slice(at + 1));

net
  .createServer((socket) => {
    socket.on("error", (error) => console.error(`a client broke off: ${error.code}`));
    socket.end(`you are ${socket.remoteAddress}:${socket.remotePort}\n`);
  })
  .listen(port, host);
