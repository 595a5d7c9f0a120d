//! The thread reads, and `main` sends: the other way about than in the solution.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::ExitCode;
use std::thread;

fn main() -> ExitCode {
    let addr = std::env::args().nth(1).expect("usage: reader_thread ADDR");
    let mut stream = match TcpStream::connect(&addr) {
        Ok(stream) => stream,
        Err(err) => {
            eprintln!("cannot connect to {addr}: {err}");
            return ExitCode::FAILURE;
        }
    };
    let mut incoming = stream.try_clone().expect("a second handle");
    let reader = thread::spawn(move || {
        let mut came = 0;
        let mut piece = [0; 4096];
        while let Ok(n @ 1..) = incoming.read(&mut piece) {
            came += n;
            io::stdout().write_all(&piece[..n]).expect("stdout");
        }
        io::stdout().flush().expect("stdout");
        came
    });
    let mut input = Vec::new();
    io::stdin().read_to_end(&mut input).expect("stdin");
    let sent = stream.write_all(&input);
    let _ = stream.shutdown(Shutdown::Write);
    let came = reader.join().expect("the reader");
    if sent.is_err() || came < input.len() {
        eprintln!("{came} of {} bytes came back", input.len());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
