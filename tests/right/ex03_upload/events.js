// A number of JavaScript's is exact up to 2^53; beyond that a BigInt is needed.

const net = require("net");

const at = process.argv[2].lastIndexOf(":");
const host = process.argv[2].slice(0, at);
const port = Number(process.argv[2].slice(at + 1));

net
  .createServer({ allowHalfOpen: true }, (socket) => {
    let count = 0n;
    let sum = 0n;
    socket.on("data", (piece) => {
      let part = 0;
      for (const byte of piece) part += byte;
      count += BigInt(piece.length);
      sum = BigInt.asUintN(64, sum + BigInt(part));
    });
    socket.on("end", () => socket.end(`${count} bytes, sum ${sum}\n`));
    socket.on("error", (error) => console.error(`a client broke off: ${error.code}`));
  })
  .listen(port, host);

