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
let ended = false;
socket.on("end", () => (ended = true));
process.stdin.pipe(socket);
socket.pipe(process.stdout);
// Without an exit a stdin that isn't taken would keep the process.
socket.on("close", () =>
  ended ? process.stdout.write("", () => process.exit(0)) : fails("the connection broke off"),
);
