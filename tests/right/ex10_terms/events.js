// One thread, events. Node has one option for both lists: names that begin with TLS_ are for 1.3.
const fs = require("fs");
const tls = require("tls");

const [addr, cert, key, suites12, suites13] = process.argv.slice(2);
const at = addr.lastIndexOf(":");
const [host, port] = [addr.slice(0, at).replace(/[[\]]/g, ""), Number(addr.slice(at + 1))];

const server = tls.createServer({
  cert: fs.readFileSync(cert),
  key: fs.readFileSync(key),
  minVersion: "TLSv1.2",
  ciphers: `${suites13}:${suites12}`,
});
server.on("secureConnection", (socket) => {
  socket.on("error", (error) => console.error(error.message));
  socket.resume();
  const terms = `${socket.getProtocol()} ${socket.getCipher().name}\n`;
  // Not in this tick: inside of the handshake's own callback there is no close_notify yet.
  setImmediate(() => socket.end(terms));
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
