use std::io::{self, ErrorKind::WouldBlock, Read};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut stream = TcpStream::connect(listener.local_addr()?)?;
    let mut too_short = 0;
    for millis in [1, 2, 5, 10, 50, 100] {
        let asked = Duration::from_millis(millis);
        stream.set_read_timeout(Some(asked))?;
        let mut took = Vec::new();
        for _ in 0..9 {
            let begun = Instant::now();
            match stream.read(&mut [0]) {
                Err(err) if matches!(err.kind(), WouldBlock | io::ErrorKind::TimedOut) => {}
                other => panic!("nobody sends anything: {other:?}"),
            }
            took.push(begun.elapsed());
        }
        took.sort();
        too_short += took.iter().filter(|took| **took < asked).count();
        eprintln!("{asked:?}: {:.1?} to {:.1?}, mostly {:.1?}", took[0], took[8], took[4]);
    }
    println!("timeouts that were too short: {too_short}");
    Ok(())
}

// It prints:
// timeouts that were too short: 0
