// Events; what waits for a member is what its socket has not written yet.

const net = require("net");

const at = process.argv[2].lastIndexOf(":");
const members = new Map();

function tell(line, but) {
  for (const [name, socket] of [...members]) {
    if (name === but) continue;
    socket.write(line);
    if (socket.writableLength > 1.5 * (1 << 20)) {
      leave(name, socket);
      socket.destroy();
    }
  }
}

function leave(name, socket) {
  if (name === null || members.get(name) !== socket) return;
  members.delete(name);
  tell(`* ${name} left\n`);
}

const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  let held = Buffer.alloc(0);
  let name = null;
  let refused = false;
  socket.on("error", (error) => console.error(`a client broke off: ${error.code}`));
  socket.on("end", () => {
    leave(name, socket);
    socket.end();
  });
  socket.on("close", () => leave(name, socket));
  const line = (bytes) => {
    if (name !== null) {
      tell(Buffer.concat([Buffer.from(`[${name}] `), bytes, Buffer.from("\n")]), name);
      return;
    }
    const asked = bytes.toString("latin1");
    if (!/^[a-zA-Z0-9]{1,16}$/.test(asked) || members.has(asked)) {
      refused = true;
      socket.end("no, not that name\n", () => socket.destroy());
      return;
    }
    const here = [...members.keys()].join(", ");
    socket.write(here ? `* here: ${here}\n` : "* here:\n");
    tell(`* ${asked} joined\n`);
    name = asked;
    members.set(name, socket);
  };
  socket.on("data", (chunk) => {
    held = Buffer.concat([held, chunk]);
    for (let end = held.indexOf(10); end >= 0 && !refused; end = held.indexOf(10)) {
      const text = held.subarray(0, end > 0 && held[end - 1] === 13 ? end - 1 : end);
      held = held.subarray(end + 1);
      line(text);
    }
  });
});
server.listen(Number(process.argv[2].slice(at + 1)), process.argv[2].slice(0, at));
