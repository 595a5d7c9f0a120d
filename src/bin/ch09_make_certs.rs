//! Who says that a server is who it says it is?
//!
//! A certificate: a name, a public key, and the signature of somebody whom the client trusts. This
//! program is that somebody. It makes a certificate authority (CA), a server's certificate that is in
//! order, one for each fault that a client must notice, and certificates for clients, which chapter
//! 10 asks for. Nothing of it is kept in the repository: keys are secret, and certificates expire.
//!
//!     cargo run --features tls --bin ch09_make_certs certs
//!     openssl x509 -noout -text -in certs/server.pem        # what it says, field by field
//!
//! NAME.pem is a certificate, or a chain of them. server.key belongs to all that are for servers. On
//! Linux OpenSSL's library signs them; elsewhere its command does, in a file of its own.
//!
//! What it still gets wrong: a CA is mostly the care for its key, and here that lies in a file beside
//! the others. Whoever reads ca.key can be anybody, for all who trust ca.pem.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs, thread};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

type Text = &'static str;
/// What a certificate is to say: its file, the key that it speaks of, who signs it (one before it, or
/// itself), what it is for, a subject for people to read, and its first and last day from today.
type Paper = (Text, Text, Text, Kind, Text, (i64, i64));

#[derive(Clone, Copy)]
enum Kind {
    /// May sign certificates.
    Ca,
    /// For a server of these names: a client compares them with HOST.
    Server(&'static str),
    /// For a client: who it is, its subject says. These names nobody asks for.
    Client(&'static str),
}
use Kind::{Ca, Client, Server};

const LOCAL: &str = "DNS:localhost,IP:127.0.0.1,IP:::1";
const HERE: Kind = Server(LOCAL);
const AWAY: Kind = Server("DNS:example.com");
/// Right but for its purpose.
const MISUSE: Kind = Client(LOCAL);
const PERSON: Kind = Client("");
/// From yesterday, since clocks differ. macOS takes a server's for 825 days at most.
const VALID: (i64, i64) = (-1, 365);

#[rustfmt::skip]
const PAPERS: &[Paper] = &[
    // NAME.pem         KEY.key         signed by       for     subject                    days
    ("ca",              "ca",           "ca",           Ca,     "CN=Wireside CA",           VALID),
    ("other-ca",        "other-ca",     "other-ca",     Ca,     "CN=Another CA",            VALID),
    ("intermediate",    "intermediate", "ca",           Ca,     "CN=Wireside Intermediate", VALID),
    // For servers: in order, and each of the others with one fault.
    ("server",          "server",       "ca",           HERE,   "CN=localhost",             VALID),
    ("chain",           "server",       "intermediate", HERE,   "CN=localhost",             VALID),
    ("no-intermediate", "server",       "intermediate", HERE,   "CN=localhost",             VALID),
    ("expired",         "server",       "ca",           HERE,   "CN=localhost",             (-30, -1)),
    ("not-yet-valid",   "server",       "ca",           HERE,   "CN=localhost",             (7, 365)),
    ("wrong-host",      "server",       "ca",           AWAY,   "CN=example.com",           VALID),
    ("self-signed",     "server",       "self-signed",  HERE,   "CN=localhost",             VALID),
    ("unknown-ca",      "server",       "other-ca",     HERE,   "CN=localhost",             VALID),
    ("client-only",     "server",       "ca",           MISUSE, "CN=localhost",             VALID),
    // For clients, in chapter 10.
    ("alice",           "alice",        "ca",           PERSON, "CN=alice",                 VALID),
    ("bob",             "bob",          "ca",           PERSON, "CN=bob",                   VALID),
    ("former",          "former",       "ca",           PERSON, "CN=alice",                 (-30, -1)),
    ("mallory",         "mallory",      "other-ca",     PERSON, "CN=alice",                 VALID),
    ("trudy",           "trudy",        "ca",           PERSON, "O=CN=alice/CN=trudy",      VALID),
];

fn main() -> ExitCode {
    let args: Vec<_> = env::args_os().skip(1).collect();
    let [folder] = args.as_slice() else {
        let wrong = format!("one argument is needed, not {}", args.len());
        eprintln!("{wrong}\nusage: ch09_make_certs FOLDER");
        return ExitCode::from(2);
    };
    let begun = Instant::now();
    match make_all(Path::new(folder)) {
        Ok(keys) => {
            let (papers, took) = (PAPERS.len(), begun.elapsed().as_secs_f64());
            println!("{papers} certificates and {keys} keys in {took:.1} s");
            ExitCode::SUCCESS
        }
        Err(err) => {
            eprintln!("cannot make certificates in {folder:?}: {err}");
            ExitCode::FAILURE
        }
    }
}

/// How many keys were made.
fn make_all(folder: &Path) -> Result<usize> {
    fs::create_dir_all(folder)?;
    let mut keys: Vec<&str> = PAPERS.iter().map(|(_, key, ..)| *key).collect();
    keys.sort_unstable();
    keys.dedup();
    // A key is a search for two large primes, some 0.1 s: each in a thread of its own.
    thread::scope(|scope| {
        let make = |key| write_secret(&folder.join(format!("{key}.key")), &maker::new_key()?);
        let making = keys.iter().map(|key| scope.spawn(move || make(key)));
        // All of them begin before one is waited for.
        let making: Vec<_> = making.collect();
        let mut made = making.into_iter().map(|key| key.join().expect("no panic"));
        made.try_for_each(|key| key)
    })?;
    for paper in PAPERS {
        let signed = maker::sign(folder, paper)?;
        fs::write(folder.join(format!("{}.pem", paper.0)), signed)?;
    }
    // A server's own certificate comes first, then whoever signed it.
    let [own, signer] = ["chain.pem", "intermediate.pem"].map(|name| fs::read(folder.join(name)));
    fs::write(folder.join("chain.pem"), [own?, signer?].concat())?;
    Ok(keys.len())
}

/// A private key is for its owner's eyes alone.
fn write_secret(path: &Path, text: &[u8]) -> Result<()> {
    // One from an earlier run may be readable by all.
    _ = fs::remove_file(path);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    Ok(options.open(path)?.write_all(text)?)
}

/// So many days from now, as seconds since 1970.
fn day(days: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs() as i64) + days * 86_400
}

/// Elsewhere than on Linux the command `openssl` makes the same.
#[cfg(not(target_os = "linux"))]
#[path = "../systems/ch09_openssl_command.rs"]
mod maker;

/// By OpenSSL's library, which native-tls is made of here.
#[cfg(target_os = "linux")]
mod maker {
    use super::Kind::{Ca, Client, Server};
    use super::{Paper, Result, day};
    use openssl::asn1::Asn1Time;
    use openssl::bn::BigNum;
    use openssl::hash::MessageDigest;
    use openssl::pkey::{PKey, Private};
    use openssl::rsa::Rsa;
    use openssl::x509::extension::{AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage};
    use openssl::x509::extension::{KeyUsage, SubjectAlternativeName, SubjectKeyIdentifier};
    use openssl::x509::{X509, X509Builder, X509Name, X509NameRef};
    use std::{fs, path::Path};

    /// RSA of 2,048 bits: the one kind of key that native-tls takes on every system.
    pub fn new_key() -> Result<Vec<u8>> {
        Ok(PKey::from_rsa(Rsa::generate(2048)?)?.private_key_to_pem_pkcs8()?)
    }

    // ANCHOR: fields
    fn begin(
        issuer: &X509NameRef,
        days: (i64, i64),
        subject: &X509NameRef,
        key: &PKey<Private>,
    ) -> Result<X509Builder> {
        let mut cert = X509::builder()?;
        cert.set_version(2)?; // counted from 0: version 3
        let mut serial = [0; 16];
        openssl::rand::rand_bytes(&mut serial)?;
        serial[0] = 0x57; // positive, and always as long
        let serial = BigNum::from_slice(&serial)?.to_asn1_integer()?;
        cert.set_serial_number(&serial)?;
        cert.set_issuer_name(issuer)?;
        cert.set_not_before(&*Asn1Time::from_unix(day(days.0))?)?;
        cert.set_not_after(&*Asn1Time::from_unix(day(days.1))?)?;
        cert.set_subject_name(subject)?;
        cert.set_pubkey(key)?;
        Ok(cert)
    }
    // ANCHOR_END: fields

    pub fn sign(folder: &Path, paper: &Paper) -> Result<Vec<u8>> {
        let &(name, key, signed_by, kind, subject, days) = paper;
        let read = |name: &str, end: &str| fs::read(folder.join(format!("{name}.{end}")));
        let key = PKey::private_key_from_pem(&read(key, "key")?)?;
        let (mut signer, mut signer_key) = (None, key.clone());
        if signed_by != name {
            signer = Some(X509::from_pem(&read(signed_by, "pem")?)?);
            signer_key = PKey::private_key_from_pem(&read(signed_by, "key")?)?;
        }
        let mut fields = X509Name::builder()?;
        for (field, text) in subject.split('/').filter_map(|part| part.split_once('=')) {
            fields.append_entry_by_text(field, text)?;
        }
        let subject = fields.build();
        let issuer = signer.as_ref().map(|signer| signer.subject_name());
        let mut cert = begin(issuer.unwrap_or(&subject), days, &subject, &key)?;

        // What isn't said to be critical, a client that doesn't know it may overlook.
        let (mut basic, mut usage) = (BasicConstraints::new(), KeyUsage::new());
        let (mut purpose, mut names) = (ExtendedKeyUsage::new(), SubjectAlternativeName::new());
        match kind {
            Ca => (basic.ca(), usage.key_cert_sign()),
            _ => (&mut basic, usage.digital_signature().key_encipherment()),
        };
        let mut extensions = vec![basic.critical().build()?, usage.critical().build()?];
        let context = cert.x509v3_context(signer.as_deref(), None);
        match kind {
            Ca => {}
            Client(_) => extensions.push(purpose.client_auth().build()?),
            Server(_) => extensions.push(purpose.server_auth().build()?),
        }
        if let Client(list) | Server(list) = kind
            && !list.is_empty()
        {
            for name in list.split(',') {
                match name.split_once(':') {
                    Some(("IP", ip)) => names.ip(ip),
                    _ => names.dns(name.trim_start_matches("DNS:")),
                };
            }
            extensions.push(names.build(&context)?);
        }
        // Of two CAs with one name these tell which key has signed.
        extensions.push(SubjectKeyIdentifier::new().build(&context)?);
        if signer.is_some() {
            extensions.push(AuthorityKeyIdentifier::new().keyid(true).build(&context)?);
        }
        for extension in extensions {
            cert.append_extension(extension)?;
        }
        cert.sign(&signer_key, MessageDigest::sha256())?;
        Ok(cert.build().to_pem()?)
    }
}
