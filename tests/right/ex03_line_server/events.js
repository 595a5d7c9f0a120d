// Pieces are gathered until there is an LF. It says nothing on stdout.

const net = require("net");

const at = process.argv[2].lastIndexOf(":");
const host = process.argv[2].slice(0, at);
const port = Number(process.argv[2].slice(at + 1));

net
  .createServer({ allowHalfOpen: true }, (socket) => {
    let rest = Buffer.alloc(0);
    socket.on("data", (piece) => {
      rest = Buffer.concat([rest, piece]);
      for (let lf = rest.indexOf(10); lf >= 0; lf = rest.indexOf(10)) {
        const cr = lf > 0 && rest[lf - 1] === 13 ? 1 : 0;
        socket.write(`${lf - cr}\n`);
        rest = rest.subarray(lf + 1);
      }
    });
    socket.on("end", () => socket.end());
    socket.on("error", (error) => console.error(`a client broke off: ${error.code}`));
  })
  .listen(port, host);
