use std::io;
use std::net::TcpListener;

/// Takes a port, then tries to take the same one again.
fn serve(addr: &str) -> io::Result<()> {
    let listener = TcpListener::bind(addr)?;
    println!("bound once");
    TcpListener::bind(listener.local_addr()?)?;
    println!("bound twice");
    Ok(())
}

fn main() {
    match serve("127.0.0.1:0") {
        Ok(()) => println!("done"),
        Err(err) => println!("cannot serve: {:?}", err.kind()),
    }
}

// It prints:
// bound once
// cannot serve: AddrInUse
