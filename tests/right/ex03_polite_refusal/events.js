// end() sends the FIN; the data events go on, and are ignored until a timer destroys the socket.

const net = require("net");

const MOST = 1024;
const at = process.argv[2].lastIndexOf(":");
const host = process.argv[2].slice(0, at);
const port = Number(process.argv[2].slice(at + 1));

net
  .createServer({ allowHalfOpen: true }, (socket) => {
    let rest = Buffer.alloc(0);
    let refused = false;
    const refuse = () => {
      refused = true;
      socket.end("error: line too long\n");
      setTimeout(() => socket.destroy(), 1000);
    };
    const lengthOf = (bytes) => bytes.length - (bytes.at(-1) === 13 ? 1 : 0);
    socket.on("data", (piece) => {
      if (refused) return;
      rest = Buffer.concat([rest, piece]);
      for (let lf = rest.indexOf(10); lf >= 0; lf = rest.indexOf(10)) {
        const length = lengthOf(rest.subarray(0, lf));
        if (length > MOST) return refuse();
        socket.write(`${length}\n`);
        rest = rest.subarray(lf + 1);
      }
      if (lengthOf(rest) > MOST) refuse();
    });
    socket.on("end", () => {
      if (!refused) socket.end();
    });
    socket.on("error", (error) => console.error(`a client broke off: ${error.code}`));
  })
  .listen(port, host);
