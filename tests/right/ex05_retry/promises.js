// Attempts as promises, pauses as timers.

const net = require("net");
const { setTimeout: pause } = require("timers/promises");

const address = process.argv[2];
const at = address.lastIndexOf(":");
const host = address.slice(0, at).replace(/^\[|\]$/g, "");
const port = Number(address.slice(at + 1));

function attempt() {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, allowHalfOpen: true });
    const timer = setTimeout(() => socket.destroy(new Error("no answer")), 1000);
    socket.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once("connect", () => {
      clearTimeout(timer);
      resolve(socket);
    });
  });
}

async function connected() {
  for (let k = 1; k <= 5; k += 1) {
    try {
      return await attempt();
    } catch (error) {
      const words = `attempt ${k} of 5 failed: ${error.message}`;
      if (k === 5) {
        console.error(words);
        process.exit(1);
      }
      const quarter = 0.75 + Math.random() / 2;
      const wait = Math.min(1000, Math.round(100 * 2 ** k * quarter));
      console.error(`${words}, waiting ${wait} ms`);
      await pause(wait);
    }
  }
}

connected().then((socket) => {
  socket.on("error", (error) => {
    console.error(`the conversation broke off: ${error.message}`);
    process.exit(1);
  });
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
});
