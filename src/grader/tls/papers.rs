//! The grader's own certificates: keys made once in a process, certificates as they are asked for.

use super::{Paper, Purpose, Signer};
use crate::grader::check::Stop;
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
    SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Name};
use std::sync::OnceLock;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

/// A certificate that may sign others, and its key.
pub struct Authority {
    pub cert: X509,
    key: PKey<Private>,
}

/// Everything that is made only once.
pub struct Office {
    ca: Authority,
    other_ca: Authority,
    intermediate: Authority,
    /// All papers speak of this key: what differs is what they say of it.
    key: PKey<Private>,
}

/// A paper as it is shown.
pub struct Made {
    pub cert: X509,
    /// What is sent along.
    pub signer: Option<X509>,
    pub key: PKey<Private>,
}

/// The office, opened by whoever comes first.
pub fn office() -> Result<&'static Office, Stop> {
    static OFFICE: OnceLock<Result<Office, String>> = OnceLock::new();
    let office = OFFICE.get_or_init(|| Office::open().map_err(|err| err.to_string()));
    office.as_ref().map_err(|err| Stop::Broken(cannot(err)))
}

pub fn cannot(err: &dyn std::fmt::Display) -> String {
    format!("cannot make a certificate: {err}")
}

impl Office {
    fn open() -> Result<Office, ErrorStack> {
        let mut keys = thread::scope(|scope| {
            let making: Vec<_> = (0..4).map(|_| scope.spawn(new_key)).collect();
            let made = making
                .into_iter()
                .map(|key| key.join().unwrap_or_else(|_| Err(ErrorStack::get())));
            made.collect::<Result<Vec<_>, _>>()
        })?;
        let mut next = || keys.pop().map_or_else(new_key, Ok);
        let ca = authority("Grader CA", next()?, None)?;
        let other_ca = authority("Another CA", next()?, None)?;
        let intermediate = authority("Grader intermediate", next()?, Some(&ca))?;
        let key = next()?;
        Ok(Office {
            ca,
            other_ca,
            intermediate,
            key,
        })
    }

    /// Whoever signs; nobody else, if it signs itself.
    pub fn signer(&self, signer: Signer) -> Option<&Authority> {
        match signer {
            Signer::Ca => Some(&self.ca),
            Signer::OtherCa => Some(&self.other_ca),
            Signer::Intermediate => Some(&self.intermediate),
            Signer::Itself => None,
        }
    }

    pub fn make(&self, paper: &Paper) -> Result<Made, ErrorStack> {
        let signer = self.signer(paper.signed_by);
        let mut cert = begun(paper.subject, &self.key, signer, paper.days)?;
        let basic = BasicConstraints::new().critical().build()?;
        cert.append_extension(basic)?;
        let mut usage = KeyUsage::new();
        usage.critical().digital_signature().key_encipherment();
        cert.append_extension(usage.build()?)?;
        let mut purpose = ExtendedKeyUsage::new();
        match paper.purpose {
            Purpose::Server => purpose.server_auth(),
            Purpose::Client => purpose.client_auth(),
        };
        cert.append_extension(purpose.build()?)?;
        if let Some(host) = paper.host {
            let mut names = SubjectAlternativeName::new();
            let names = names.dns(host).build(&cert.x509v3_context(None, None))?;
            cert.append_extension(names)?;
        }
        Ok(Made {
            cert: signed(cert, &self.key, signer)?,
            signer: signer
                .filter(|_| paper.with_signer)
                .map(|signer| signer.cert.clone()),
            key: self.key.clone(),
        })
    }
}

/// RSA of 2,048 bits: what native-tls takes on every system.
fn new_key() -> Result<PKey<Private>, ErrorStack> {
    PKey::from_rsa(Rsa::generate(2048)?)
}

fn authority(
    name: &str,
    key: PKey<Private>,
    signer: Option<&Authority>,
) -> Result<Authority, ErrorStack> {
    let mut cert = begun(&[("CN", name)], &key, signer, (-100, 1_000))?;
    cert.append_extension(BasicConstraints::new().critical().ca().build()?)?;
    let mut usage = KeyUsage::new();
    cert.append_extension(usage.critical().key_cert_sign().crl_sign().build()?)?;
    let cert = signed(cert, &key, signer)?;
    Ok(Authority { cert, key })
}

fn begun(
    subject: &[(&str, &str)],
    key: &PKey<Private>,
    signer: Option<&Authority>,
    days: (i64, i64),
) -> Result<X509Builder, ErrorStack> {
    let mut name = X509Name::builder()?;
    for (attribute, value) in subject {
        name.append_entry_by_text(attribute, value)?;
    }
    let name = name.build();
    let mut serial = BigNum::new()?;
    serial.rand(120, MsbOption::ONE, false)?;
    let mut cert = X509::builder()?;
    cert.set_version(2)?;
    cert.set_serial_number(&*serial.to_asn1_integer()?)?;
    cert.set_subject_name(&name)?;
    match signer {
        None => cert.set_issuer_name(&name)?,
        Some(signer) => cert.set_issuer_name(signer.cert.subject_name())?,
    }
    cert.set_pubkey(key)?;
    cert.set_not_before(&*Asn1Time::from_unix(day(days.0))?)?;
    cert.set_not_after(&*Asn1Time::from_unix(day(days.1))?)?;
    Ok(cert)
}

fn signed(
    mut cert: X509Builder,
    own: &PKey<Private>,
    signer: Option<&Authority>,
) -> Result<X509, ErrorStack> {
    let issuer = signer.map(|signer| &*signer.cert);
    let identifier = SubjectKeyIdentifier::new().build(&cert.x509v3_context(issuer, None))?;
    cert.append_extension(identifier)?;
    if signer.is_some() {
        let mut theirs = AuthorityKeyIdentifier::new();
        let theirs = theirs
            .keyid(true)
            .build(&cert.x509v3_context(issuer, None))?;
        cert.append_extension(theirs)?;
    }
    cert.sign(
        signer.map_or(own, |signer| &signer.key),
        MessageDigest::sha256(),
    )?;
    Ok(cert.build())
}

/// So many days from now, in seconds since 1970.
fn day(days: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs() as i64) + days * 86_400
}
