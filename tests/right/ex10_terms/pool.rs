//! A pool of workers, each of which accepts for itself; a plain context, old versions off by options, and
//! a plain `TcpStream` with a timeout beneath TLS.

use openssl::error::ErrorStack;
use openssl::ssl::{
    Ssl, SslContext, SslContextBuilder, SslFiletype, SslMethod, SslOptions, SslStream, SslVersion,
};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use std::{env, process, thread};

fn main() {
    let args: Vec<String> = env::args().collect();
    let [_, addr, cert, key, suites12, suites13] = &args[..] else {
        eprintln!("usage: pool ADDR CERT KEY SUITES12 SUITES13");
        process::exit(2);
    };
    if let Err(err) = serve(addr, cert, key, suites12, suites13) {
        eprintln!("cannot serve on {addr}: {err}");
        process::exit(1);
    }
}

fn context(
    cert: &str,
    key: &str,
    suites12: &str,
    suites13: &str,
) -> Result<SslContext, ErrorStack> {
    let mut builder = SslContextBuilder::new(SslMethod::tls())?;
    builder.set_options(SslOptions::NO_TLSV1 | SslOptions::NO_TLSV1_1 | SslOptions::NO_SSLV3);
    builder.set_certificate_chain_file(cert)?;
    builder.set_private_key_file(key, SslFiletype::PEM)?;
    builder.set_cipher_list(suites12)?;
    builder.set_ciphersuites(suites13)?;
    builder.set_max_proto_version(Some(SslVersion::TLS1_3))?;
    Ok(builder.build())
}

fn serve(addr: &str, cert: &str, key: &str, suites12: &str, suites13: &str) -> io::Result<()> {
    let context = context(cert, key, suites12, suites13).map_err(io::Error::other)?;
    let listener = Arc::new(TcpListener::bind(addr)?);
    println!("listening on {}", listener.local_addr()?);
    let workers = (0..64).map(|_| {
        let (listener, context) = (Arc::clone(&listener), context.clone());
        thread::spawn(move || {
            loop {
                match listener.accept() {
                    Ok((stream, _)) => {
                        if let Err(err) = meet(&stream, &context) {
                            eprintln!("{err}");
                        }
                        let _ = linger(&stream);
                    }
                    Err(_) => thread::sleep(Duration::from_millis(50)),
                }
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        let _ = worker.join();
    }
    Ok(())
}

fn meet(stream: &TcpStream, context: &SslContext) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut tls = SslStream::new(Ssl::new(context)?, stream.try_clone()?)?;
    tls.accept().map_err(io::Error::other)?;
    let suite = tls.ssl().current_cipher().map_or("", |suite| suite.name());
    let line = format!("{} {suite}\n", tls.ssl().version_str());
    tls.write_all(line.as_bytes())?;
    tls.shutdown().map_err(io::Error::other)?;
    Ok(())
}

fn linger(mut stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(Duration::from_millis(500)))?;
    while stream.read(&mut [0; 4096])? > 0 {}
    Ok(())
}
