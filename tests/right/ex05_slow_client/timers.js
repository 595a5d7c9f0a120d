// A timer for each line that has begun: events, and no thread.

const net = require("net");

const address = process.argv[2];
const at = address.lastIndexOf(":");

const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  let rest = Buffer.alloc(0);
  let timer = null;
  socket.on("data", (data) => {
    if (rest.length === 0 || data.includes(10)) {
      clearTimeout(timer);
      timer = setTimeout(() => {
        socket.removeAllListeners("data");
        socket.resume();
        socket.end("error: too slow\n");
        setTimeout(() => socket.destroy(), 500);
      }, 2010);
    }
    rest = Buffer.concat([rest, data]);
    let end;
    while ((end = rest.indexOf(10)) >= 0) {
      const ending = end > 0 && rest[end - 1] === 13 ? 1 : 0;
      socket.write(`${end - ending}\n`);
      rest = rest.subarray(end + 1);
    }
    if (rest.length === 0) {
      clearTimeout(timer);
    }
  });
  socket.on("end", () => {
    clearTimeout(timer);
    socket.end();
  });
  socket.on("error", (error) => console.error(`a client broke off: ${error.message}`));
  socket.on("close", () => clearTimeout(timer));
});

server.listen(Number(address.slice(at + 1)), address.slice(0, at), () =>
  console.log(`listening on ${address}`),
);
