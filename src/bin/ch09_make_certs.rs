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
//! NAME.pem is a certificate, or a chain of them. server.key belongs to all that are for servers.
//!
//! What it still gets wrong: a CA is mostly the care for its key, and here that lies in a file beside
//! the others. Whoever reads ca.key can be anybody, for all who trust ca.pem.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use std::{env, fs, io, thread};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What a certificate is to say.
struct Paper {
    /// Its file: `NAME.pem`.
    name: &'static str,
    /// Whose key it speaks of: `KEY.key`.
    key: &'static str,
    /// Who signs: the name of a paper before it, or its own.
    signed_by: &'static str,
    kind: Kind,
    /// The subject: a name for people to read.
    subject: &'static str,
    /// And whom they work for, perhaps.
    organization: Option<&'static str>,
    /// The first and the last day on which it is valid, from today.
    days: (i64, i64),
    /// The signer's certificate goes along in the file.
    with_signer: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// May sign certificates.
    Authority,
    /// For a server of these names: a client compares them with HOST.
    Server(&'static str),
    /// For a client: who it is, its subject says.
    Client,
}

const HERE: Kind = Kind::Server("DNS:localhost,IP:127.0.0.1,IP:::1");
/// From yesterday, since clocks differ. macOS takes a server's for 825 days at most.
const VALID: (i64, i64) = (-1, 365);

const GOOD: Paper = Paper {
    name: "server",
    key: "server",
    signed_by: "ca",
    kind: HERE,
    subject: "localhost",
    organization: None,
    days: VALID,
    with_signer: false,
};

#[rustfmt::skip]
const PAPERS: &[Paper] = &[
    Paper { name: "ca", key: "ca", kind: Kind::Authority, subject: "Wireside CA", ..GOOD },
    Paper { name: "other-ca", key: "other-ca", signed_by: "other-ca", kind: Kind::Authority, subject: "Another CA", ..GOOD },
    Paper { name: "intermediate", key: "intermediate", kind: Kind::Authority, subject: "Wireside Intermediate", ..GOOD },
    // For servers: in order, and each of the others with one fault.
    GOOD,
    Paper { name: "chain", signed_by: "intermediate", with_signer: true, ..GOOD },
    Paper { name: "no-intermediate", signed_by: "intermediate", ..GOOD },
    Paper { name: "expired", days: (-30, -1), ..GOOD },
    Paper { name: "not-yet-valid", days: (7, 365), ..GOOD },
    Paper { name: "wrong-host", kind: Kind::Server("DNS:example.com"), subject: "example.com", ..GOOD },
    Paper { name: "self-signed", signed_by: "self-signed", ..GOOD },
    Paper { name: "unknown-ca", signed_by: "other-ca", ..GOOD },
    Paper { name: "client-only", kind: Kind::Client, ..GOOD },
    // For clients, in chapter 10.
    Paper { name: "alice", key: "alice", kind: Kind::Client, subject: "alice", ..GOOD },
    Paper { name: "bob", key: "bob", kind: Kind::Client, subject: "bob", ..GOOD },
    Paper { name: "former", key: "former", kind: Kind::Client, subject: "alice", days: (-30, -1), ..GOOD },
    Paper { name: "mallory", key: "mallory", signed_by: "other-ca", kind: Kind::Client, subject: "alice", ..GOOD },
    Paper { name: "trudy", key: "trudy", kind: Kind::Client, subject: "trudy", organization: Some("CN=alice"), ..GOOD },
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
    let mut names: Vec<&str> = PAPERS.iter().map(|paper| paper.key).collect();
    names.sort_unstable();
    names.dedup();
    // A key is a search for two large primes, some 0.1 s: each in a thread of its own.
    let keys = thread::scope(|scope| {
        let making: Vec<_> = names.iter().map(|_| scope.spawn(maker::new_key)).collect();
        let made = making.into_iter().map(|key| key.join().expect("no panic"));
        made.collect::<Result<Vec<_>>>()
    })?;
    for (name, key) in names.iter().zip(&keys) {
        write_secret(&folder.join(format!("{name}.key")), key)?;
    }
    for paper in PAPERS {
        maker::sign(folder, paper)?;
        if paper.with_signer {
            let file = folder.join(format!("{}.pem", paper.name));
            let signer = fs::read(folder.join(format!("{}.pem", paper.signed_by)))?;
            // A server's own certificate comes first, then whoever signed it.
            fs::write(&file, [fs::read(&file)?, signer].concat())?;
        }
    }
    Ok(keys.len())
}

/// A private key is for its owner's eyes alone.
fn write_secret(path: &Path, text: &[u8]) -> io::Result<()> {
    // One from an earlier run may be readable by all.
    _ = fs::remove_file(path);
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    io::Write::write_all(&mut options.open(path)?, text)
}

/// So many days from now, as seconds since 1970.
fn day(days: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs() as i64) + days * 86_400
}

/// Linux: OpenSSL's library, which native-tls is made of there.
#[cfg(target_os = "linux")]
mod maker {
    use super::{Kind, Paper, Result, day};
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
        serial: &[u8],
        issuer: &X509NameRef,
        days: (i64, i64),
        subject: &X509NameRef,
        key: &PKey<Private>,
    ) -> Result<X509Builder> {
        let mut cert = X509::builder()?;
        cert.set_version(2)?; // counted from 0: version 3
        let serial = BigNum::from_slice(serial)?.to_asn1_integer()?;
        cert.set_serial_number(&serial)?;
        cert.set_issuer_name(issuer)?;
        cert.set_not_before(&*Asn1Time::from_unix(day(days.0))?)?;
        cert.set_not_after(&*Asn1Time::from_unix(day(days.1))?)?;
        cert.set_subject_name(subject)?;
        cert.set_pubkey(key)?;
        Ok(cert)
    }
    // ANCHOR_END: fields

    pub fn sign(folder: &Path, paper: &Paper) -> Result<()> {
        let read = |name: &str| fs::read(folder.join(name));
        let key = PKey::private_key_from_pem(&read(&format!("{}.key", paper.key))?)?;
        let signer = match paper.signed_by == paper.name {
            true => None,
            false => Some(X509::from_pem(&read(&format!("{}.pem", paper.signed_by))?)?),
        };
        let signer_key = if signer.is_some() {
            paper.signed_by
        } else {
            paper.key
        };
        let signer_key = PKey::private_key_from_pem(&read(&format!("{signer_key}.key"))?)?;
        let mut subject = X509Name::builder()?;
        if let Some(organization) = paper.organization {
            subject.append_entry_by_text("O", organization)?;
        }
        subject.append_entry_by_text("CN", paper.subject)?;
        let subject = subject.build();
        let issuer = signer
            .as_ref()
            .map_or(&*subject, |signer| signer.subject_name());
        let mut serial = [0; 16];
        openssl::rand::rand_bytes(&mut serial)?;
        serial[0] = 0x57; // positive, and always as long

        let mut cert = begin(&serial, issuer, paper.days, &subject, &key)?;
        let (mut basic, mut usage) = (BasicConstraints::new(), KeyUsage::new());
        match paper.kind {
            Kind::Authority => (basic.critical().ca(), usage.critical().key_cert_sign()),
            _ => (
                basic.critical(),
                usage.critical().digital_signature().key_encipherment(),
            ),
        };
        let mut extensions = vec![basic.build()?, usage.build()?];
        let mut purpose = ExtendedKeyUsage::new();
        match paper.kind {
            Kind::Authority => {}
            Kind::Server(_) => extensions.push(purpose.server_auth().build()?),
            Kind::Client => extensions.push(purpose.client_auth().build()?),
        }
        let context = cert.x509v3_context(signer.as_deref(), None);
        if let Kind::Server(names) = paper.kind {
            let mut also = SubjectAlternativeName::new();
            for name in names.split(',') {
                match name.split_once(':') {
                    Some(("IP", ip)) => also.ip(ip),
                    _ => also.dns(name.trim_start_matches("DNS:")),
                };
            }
            extensions.push(also.build(&context)?);
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
        let file = folder.join(format!("{}.pem", paper.name));
        Ok(fs::write(file, cert.build().to_pem()?)?)
    }
}

/// Elsewhere: the command `openssl`, which is there on macOS, and comes with Git for Windows.
#[cfg(not(target_os = "linux"))]
mod maker {
    use super::{Kind, Paper, Result, day};
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::{env, fs};

    pub fn new_key() -> Result<Vec<u8>> {
        let bits = "rsa_keygen_bits:2048";
        openssl(
            Path::new("."),
            &["genpkey", "-algorithm", "RSA", "-pkeyopt", bits],
        )
    }

    pub fn sign(folder: &Path, paper: &Paper) -> Result<()> {
        let extensions = match paper.kind {
            Kind::Authority => "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign",
            _ => {
                "basicConstraints=critical,CA:FALSE\n\
                 keyUsage=critical,digitalSignature,keyEncipherment"
            }
        };
        let purpose = match paper.kind {
            Kind::Authority => String::new(),
            Kind::Server(names) => format!("extendedKeyUsage=serverAuth\nsubjectAltName={names}"),
            Kind::Client => "extendedKeyUsage=clientAuth".to_string(),
        };
        let own = paper.signed_by == paper.name;
        let authority = if own {
            ""
        } else {
            "authorityKeyIdentifier=keyid"
        };
        let config = format!(
            "[req]\ndistinguished_name=any\n[any]\n[ca]\ndefault_ca=ours\n[ours]\n\
             database=ca.index\nserial=ca.serial\nnew_certs_dir=.\npolicy=any_name\n\
             default_md=sha256\nx509_extensions=extensions\nunique_subject=no\n\
             [any_name]\norganizationName=optional\ncommonName=supplied\n[extensions]\n{extensions}\n{purpose}\n\
             subjectKeyIdentifier=hash\n{authority}\n"
        );
        fs::write(folder.join("ca.cnf"), config)?;
        fs::write(folder.join("ca.index"), "")?;
        let serial: String = openssl(folder, &["rand", "-hex", "15"])
            .map(|hex| format!("57{}\n", String::from_utf8_lossy(&hex).trim()))?;
        fs::write(folder.join("ca.serial"), &serial)?;
        let organization = paper.organization.map(|of| format!("/O={of}"));
        let organization = organization.unwrap_or_default();
        let (name, subject) = (paper.name, format!("{organization}/CN={}", paper.subject));
        let (key, csr, pem) = (
            format!("{}.key", paper.key),
            "ca.csr",
            format!("{name}.pem"),
        );
        let request = [
            "-new", "-config", "ca.cnf", "-key", &key, "-subj", &subject, "-out", csr,
        ];
        openssl(folder, &[&["req"], &request[..]].concat())?;
        let (from, to) = (date(day(paper.days.0)), date(day(paper.days.1)));
        let (ca, ca_key) = (
            format!("{}.pem", paper.signed_by),
            format!("{}.key", paper.signed_by),
        );
        let signer = match own {
            true => vec!["-selfsign", "-keyfile", &key],
            false => vec!["-cert", &ca, "-keyfile", &ca_key],
        };
        let what = [
            "ca", "-batch", "-notext", "-config", "ca.cnf", "-in", csr, "-out", &pem,
        ];
        let when = ["-startdate", &from, "-enddate", &to];
        openssl(folder, &[&what[..], &when[..], &signer[..]].concat())?;
        for left in ["ca.cnf", "ca.index", "ca.serial", csr] {
            fs::remove_file(folder.join(left))?;
        }
        for entry in fs::read_dir(folder)?.flatten() {
            // What `openssl ca` keeps for itself: copies, and the index as it was before.
            let left = entry.file_name().to_string_lossy().into_owned();
            if left.starts_with("57") || left.starts_with("ca.index") || left.starts_with("ca.ser")
            {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Its stdout.
    fn openssl(folder: &Path, args: &[&str]) -> Result<Vec<u8>> {
        let git = PathBuf::from(env::var_os("ProgramFiles").unwrap_or_default());
        let git = git.join("Git/usr/bin/openssl.exe");
        let command = if git.is_file() {
            git
        } else {
            PathBuf::from("openssl")
        };
        let ran = Command::new(command)
            .args(args)
            .current_dir(folder)
            .output();
        let ran = ran.map_err(|err| format!("cannot run openssl, which makes them here: {err}"))?;
        if !ran.status.success() {
            let why = String::from_utf8_lossy(&ran.stderr).into_owned();
            return Err(format!("openssl {} failed: {why}", args[0]).into());
        }
        Ok(ran.stdout)
    }

    /// As a certificate writes it: `YYYYMMDDHHMMSSZ`, UTC.
    fn date(seconds: i64) -> String {
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        // Years that begin in March: the day that comes and goes is a year's last.
        let era = days + 719_468;
        let (cycle, day) = (era.div_euclid(146_097), era.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = cycle * 400 + year + i64::from(month < 3);
        let (hour, minute) = (second / 3_600, second / 60 % 60);
        format!(
            "{year:04}{month:02}{day:02}{hour:02}{minute:02}{:02}Z",
            second % 60
        )
    }
}
