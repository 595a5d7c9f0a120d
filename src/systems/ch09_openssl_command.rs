//! `ch09_make_certs` where OpenSSL's library isn't at hand: by the command `openssl`, which is there on
//! macOS, and comes with Git for Windows.

use super::Kind::{Ca, Client, Server};
use super::{Paper, Result, day};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

pub fn new_key() -> Result<Vec<u8>> {
    let bits = "rsa_keygen_bits:2048";
    let args = ["genpkey", "-algorithm", "RSA", "-pkeyopt", bits];
    openssl(Path::new("."), &args)
}

pub fn sign(folder: &Path, paper: &Paper) -> Result<Vec<u8>> {
    let &(name, key, signed_by, kind, subject, days) = paper;
    let own = signed_by == name;
    let ours = "CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\nextendedKeyUsage=";
    let constraints = match kind {
        Ca => "CA:TRUE\nkeyUsage=critical,keyCertSign".to_string(),
        Client("") => format!("{ours}clientAuth"),
        Client(names) => format!("{ours}clientAuth\nsubjectAltName={names}"),
        Server(names) => format!("{ours}serverAuth\nsubjectAltName={names}"),
    };
    let authority = match own {
        true => "",
        false => "authorityKeyIdentifier=keyid",
    };
    let config = format!(
        "[req]\ndistinguished_name=any\n[any]\n[ca]\ndefault_ca=ours\n[ours]\n\
         database=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\n\
         unique_subject=no\npolicy=names\nx509_extensions=extensions\n\
         [names]\norganizationName=optional\ncommonName=supplied\n\
         [extensions]\nbasicConstraints=critical,{constraints}\n\
         subjectKeyIdentifier=hash\n{authority}\n"
    );
    // A folder for what `openssl ca` keeps of each certificate: nobody asks for it again.
    let work = &folder.join("openssl-ca.tmp");
    fs::create_dir_all(work)?;
    let serial = openssl(work, &["rand", "-hex", "15"])?;
    let serial = [b"57", serial.trim_ascii(), b"\n"].concat(); // positive, and always as long
    fs::write(work.join("serial"), serial)?;
    fs::write(work.join("index"), "")?;
    fs::write(work.join("config"), config)?;

    let (key, subject) = (format!("../{key}.key"), format!("/{subject}"));
    let request = ["-key", &key, "-subj", &subject, "-out", "request"];
    let new = ["req", "-new", "-config", "config"];
    openssl(work, &[&new[..], &request].concat())?;
    let (from, to) = (date(day(days.0)), date(day(days.1)));
    let what = ["-in", "request", "-startdate", &from, "-enddate", &to];
    let (ca, ca_key) = (format!("../{signed_by}.pem"), format!("../{signed_by}.key"));
    let signer = match own {
        true => vec!["-selfsign", "-keyfile", &key],
        false => vec!["-cert", &ca, "-keyfile", &ca_key],
    };
    let sign = ["ca", "-batch", "-notext", "-config", "config"];
    let made = openssl(work, &[&sign[..], &what, &signer].concat())?;
    fs::remove_dir_all(work)?;
    Ok(made)
}

/// Its stdout.
fn openssl(folder: &Path, args: &[&str]) -> Result<Vec<u8>> {
    let git = PathBuf::from(env::var_os("ProgramFiles").unwrap_or_default());
    let git = git.join("Git/usr/bin/openssl.exe");
    let command = if git.is_file() { git } else { "openssl".into() };
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

/// A day's first moment as a certificate writes it: `YYYYMMDDHHMMSSZ`, UTC.
fn date(seconds: i64) -> String {
    let (mut day, mut year, mut month) = (seconds / 86_400, 1970, 1);
    loop {
        let days = match month {
            2 if year % 4 == 0 => 29, // until 2099
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if day < days {
            return format!("{year}{month:02}{:02}000000Z", day + 1);
        }
        day -= days;
        (year, month) = match month {
            12 => (year + 1, 1),
            _ => (year, month + 1),
        };
    }
}
