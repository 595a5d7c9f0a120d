// Streams that are piped into each other, and counted.

const net = require("net");

const at = process.argv[2].lastIndexOf(":");
const host = process.argv[2].slice(0, at).replace(/^\[|\]$/g, "");
const socket = net.connect({ host, port: Number(process.argv[2].slice(at + 1)), allowHalfOpen: true });

let sent = 0;
let came = 0;
let ended = false;
process.stdin.on("data", (piece) => (sent += piece.length));
process.stdin.on("end", () => (ended = true));
process.stdin.pipe(socket);
socket.on("data", (piece) => {
  came += piece.length;
  process.stdout.write(piece);
});

function done(why) {
  if (why || !ended || came < sent) {
    console.error(`${came} bytes came back: ${why ?? "the server ended"}`);
    process.exitCode = 1;
  }
  // Whatever is on its way to stdout still gets there.
  process.stdin.destroy();
}

socket.on("error", (error) => done(error.message));
socket.on("end", () => done());
