//! No tickets: the server remembers a thousand sessions itself.

use openssl::error::ErrorStack;
use openssl::ssl::{
    Ssl, SslContext, SslContextBuilder, SslFiletype, SslMethod, SslOptions, SslSessionCacheMode,
    SslStream, SslVersion,
};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;
use std::{env, process, thread};

fn main() {
    let args: Vec<String> = env::args().collect();
    let [_, addr, cert, key] = &args[..] else {
        eprintln!("usage: remembers ADDR CERT KEY");
        process::exit(2);
    };
    if let Err(err) = serve(addr, cert, key) {
        eprintln!("cannot serve on {addr}: {err}");
        process::exit(1);
    }
}

fn context(cert: &str, key: &str) -> Result<SslContext, ErrorStack> {
    let mut builder = SslContextBuilder::new(SslMethod::tls())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    builder.set_certificate_chain_file(cert)?;
    builder.set_private_key_file(key, SslFiletype::PEM)?;
    builder.set_options(SslOptions::NO_TICKET);
    builder.set_session_cache_mode(SslSessionCacheMode::SERVER);
    builder.set_session_cache_size(1_000);
    builder.set_session_id_context(b"resume")?;
    Ok(builder.build())
}

fn serve(addr: &str, cert: &str, key: &str) -> io::Result<()> {
    let context = context(cert, key).map_err(io::Error::other)?;
    let listener = TcpListener::bind(addr)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            thread::sleep(Duration::from_millis(50));
            continue;
        };
        let context = context.clone();
        thread::spawn(move || {
            if let Err(err) = meet(stream, &context) {
                eprintln!("{err}");
            }
        });
    }
    Ok(())
}

fn meet(stream: TcpStream, context: &SslContext) -> io::Result<()> {
    let mut tls = SslStream::new(Ssl::new(context)?, stream)?;
    tls.accept().map_err(io::Error::other)?;
    let words: &[u8] = match tls.ssl().session_reused() {
        true => b"resumed\n",
        false => b"new\n",
    };
    tls.write_all(words)?;
    while tls.read(&mut [0; 4096])? > 0 {}
    tls.shutdown().map_err(io::Error::other)?;
    Ok(())
}
