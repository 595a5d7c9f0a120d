// stdin whole, every frame at once, replies as they come.

const net = require("net");

const at = process.argv[2].lastIndexOf(":");
const input = require("fs").readFileSync(0);
const lines = [];
for (let from = 0; from < input.length; ) {
  const lf = input.indexOf(10, from);
  const end = lf < 0 ? input.length : lf;
  lines.push(input.subarray(from, end));
  from = end + 1;
}

function fail(why) {
  console.error(why);
  process.exitCode = 1;
  socket.destroy();
}

let held = Buffer.alloc(0);
let count = 0;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const socket = net.connect(Number(process.argv[2].slice(at + 1)), process.argv[2].slice(0, at), () => {
  for (const line of lines) {
    const header = Buffer.alloc(4);
    header.writeUInt32BE(line.length);
    socket.write(Buffer.concat([header, line]));
  }
  socket.end();
});
socket.on("error", (error) => fail(`cannot go on: ${error.code}`));
socket.on("data", (chunk) => {
  held = Buffer.concat([held, chunk]);
  while (held.length >= 4) {
    const length = held.readUInt32BE(0);
    if (length > 1 << 20) return fail("a reply is too long");
    if (held.length < 4 + length) return;
    try {
      utf8.decode(held.subarray(4, 4 + length));
    } catch {
      return fail("a reply is not UTF-8");
    }
    process.stdout.write(Buffer.concat([held.subarray(4, 4 + length), Buffer.from("\n")]));
    held = held.subarray(4 + length);
    count += 1;
  }
});
socket.on("end", () => {
  if (held.length > 0) fail("truncated");
  else if (count < lines.length) fail(`${count} replies to ${lines.length} frames`);
});
