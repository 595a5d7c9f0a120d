// Sends a line, half-closes, and prints all that comes back.
const net = require('node:net');

const [host, port] = process.argv.slice(2);
const stream = net.connect(Number(port), host);
stream.on('error', err => {
  console.error(`cannot echo through ${host}:${port}: ${err.message}`);
  process.exitCode = 1;
});
stream.pipe(process.stdout);
stream.end('hello from Node\n');
