// One thread, events.
const fs = require("fs");
const tls = require("tls");

const [addr, cert, key] = process.argv.slice(2);
const at = addr.lastIndexOf(":");
const [host, port] = [addr.slice(0, at).replace(/[[\]]/g, ""), Number(addr.slice(at + 1))];

const server = tls.createServer({
  cert: fs.readFileSync(cert),
  key: fs.readFileSync(key),
  minVersion: "TLSv1.2",
  allowHalfOpen: true,
});
server.on("secureConnection", (socket) => {
  socket.on("error", (error) => console.error(error.message));
  socket.write(socket.isSessionReused() ? "resumed\n" : "new\n");
  socket.on("end", () => socket.end());
  socket.resume();
});
server.on("tlsClientError", (error) => console.error(error.message));
server.on("error", (error) => {
  console.error(`cannot serve on ${addr}: ${error.message}`);
  process.exit(1);
});
server.listen(port, host, () => {
  const { address, port } = server.address();
  console.log(`listening on ${address}:${port}`);
});
