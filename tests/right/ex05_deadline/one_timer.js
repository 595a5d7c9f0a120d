// One timer for all of it, beside streams that know nothing of it.

const net = require("net");

const address = process.argv[2];
const at = address.lastIndexOf(":");
const host = address.slice(0, at).replace(/^\[|\]$/g, "");
const socket = net.connect({ host, port: Number(address.slice(at + 1)), allowHalfOpen: true });

function fails(why) {
  console.error(`no whole reply from ${address}: ${why}`);
  process.exit(1);
}

setTimeout(() => fails("timed out"), 2000).unref();
socket.on("error", (error) => fails(error.message));
process.stdin.pipe(socket);
socket.pipe(process.stdout);
// Without this a stdin that isn't taken would keep the process.
socket.on("close", () => process.stdout.write("", () => process.exit(0)));
