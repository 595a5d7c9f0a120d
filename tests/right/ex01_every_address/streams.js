// Streams that are piped into each other. The half of the connection that sends ends with stdin.

const net = require("net");

function attempt(address) {
  const at = address.lastIndexOf(":");
  const host = address.slice(0, at).replace(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port: Number(address.slice(at + 1)), allowHalfOpen: true });
    const timer = setTimeout(() => socket.destroy(new Error("no answer within 1 s")), 1000);
    socket.once("error", reject);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

async function main() {
  for (const address of process.argv.slice(2)) {
    try {
      const socket = await attempt(address);
      socket.on("error", (error) => {
        console.error(`the conversation with ${address} broke off: ${error.message}`);
        process.exit(1);
      });
      process.stdin.pipe(socket);
      socket.pipe(process.stdout);
      return;
    } catch (error) {
      console.error(`${address} did not answer: ${error.code ?? error.message}`);
    }
  }
  process.exitCode = 1;
}

main();
