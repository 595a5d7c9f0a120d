// A promise for each port.

const net = require("net");

const [host, low, high] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];

function state(port) {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    const tell = (word) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(`${port} ${word}\n`);
    };
    const timer = setTimeout(() => tell("filtered"), 1000);
    socket.on("connect", () => tell("open"));
    socket.on("error", (error) => tell(error.code === "ECONNREFUSED" ? "refused" : "filtered"));
  });
}

const ports = Array.from({ length: high - low + 1 }, (_, i) => low + i);
Promise.all(ports.map(state)).then((lines) => process.stdout.write(lines.join("")));
