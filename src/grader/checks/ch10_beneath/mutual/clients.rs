//! The clients that the checks of mutual TLS play: who they are, and who they say they are.

use crate::grader::bytes::brief;
use crate::grader::check::{Stop, Told};
use crate::grader::checks::ch10_beneath::{
    BOTH, arrives, client, not_shaken, prepare, symptom, unless_slow,
};
use crate::grader::client::Client;
use crate::grader::failure::Symptom;
use crate::grader::stage::Stage;
use crate::grader::tls::{Paper, Purpose, Refusal, Signer, Terms, Version};
use std::time::{Duration, Instant};

/// A handshake has 3 s; this late a connection's end is still in time.
const HANDSHAKE: Duration = Duration::from_secs(4);

/// A client's certificate, in order.
pub(super) const fn person(subject: &'static [(&'static str, &'static str)]) -> Paper {
    Paper {
        purpose: Purpose::Client,
        host: None,
        subject,
        ..Paper::GOOD
    }
}

pub(super) const ALICE: Paper = person(&[("CN", "alice")]);
pub(super) const BOB: Paper = person(&[("CN", "bob")]);

/// Others who call themselves alice.
pub(super) const OF_ANOTHER_CA: Paper = Paper {
    signed_by: Signer::OtherCa,
    ..ALICE
};
pub(super) const SELF_SIGNED: Paper = Paper {
    signed_by: Signer::Itself,
    ..ALICE
};
pub(super) const EXPIRED: Paper = Paper {
    days: (-30, -1),
    ..ALICE
};

/// Prepares the submission: this is its list.
pub(super) fn expects(stage: &Stage, list: &[u8]) -> Told {
    if stage.is_running_already() {
        let why = "a server that runs already trusts another CA than the grader's";
        return Err(Stop::Skipped(why.to_string()));
    }
    let args = [stage.ca_file()?, stage.keeps("list.txt", list.to_vec())?];
    prepare(stage, &args)
}

/// A failure that says what LIST held.
pub(super) fn with_list(stop: Stop, list: &[u8]) -> Stop {
    stop.remarked(|_| Some(format!("with the LIST {}", brief(list, 100))))
}

pub(super) fn shows(stage: &Stage, version: Version, paper: Paper) -> Terms {
    Terms {
        paper: Some(paper),
        ..client(stage, version)
    }
}

/// Alice, who has been greeted. She alone is on the list.
pub(super) fn is_greeted(stage: &Stage, version: Version) -> Result<Client, Stop> {
    expects(stage, b"alice\n")?;
    let mut alice = arrives(stage, "alice", &shows(stage, version, ALICE))?;
    alice.hears(b"hello alice\n")?;
    Ok(alice)
}

pub(super) fn is_served(stage: &Stage, version: Version) -> Told {
    echoed(&mut is_greeted(stage, version)?, b"hello\n")
}

pub(super) fn echoed(client: &mut Client, line: &[u8]) -> Told {
    client.says(line)?;
    client.hears(line)
}

pub(super) fn is_not_allowed(stage: &Stage, paper: Paper, name: &str) -> Told {
    let mut client = arrives(stage, name, &shows(stage, Version::Tls13, paper))?;
    client.hears(format!("hello {name}\n").as_bytes())?;
    client.hears_nothing_for(Duration::from_millis(300))?;
    client.says(b"let me in\n")?;
    client.hears(b"not allowed\n")?;
    client.hears_goodbye()
}

pub(super) fn are_refused(stage: &Stage, paper: Option<Paper>) -> Told {
    for version in BOTH {
        is_refused(stage, version, paper)?;
    }
    Ok(())
}

/// Under TLS 1.2 the handshake fails; under 1.3 what follows it.
pub(super) fn is_refused(stage: &Stage, version: Version, paper: Option<Paper>) -> Told {
    expects(stage, b"alice\n")?;
    let terms = Terms {
        paper,
        ..client(stage, version)
    };
    let tcp = stage.client("mallory")?;
    let since = Instant::now();
    let mut shaken = tcp.asks_for_papers(&terms)?;
    let told = match shaken.came {
        Err(Refusal::Alert(_)) => Ok(()),
        Err(refusal) => {
            let (symptom, got) = (symptom(&refusal), refusal.words());
            shaken.client.fails(symptom, "a fatal alert", got, "")
        }
        Ok(_) => shaken.client.hears_alert().map(|_| ()),
    };
    unless_slow(since, told)
}

pub(super) fn refused_while_writing(stage: &Stage) -> Told {
    let tcp = stage.client("mallory")?;
    let since = Instant::now();
    unless_slow(since, writes_on(stage, tcp, since))
}

fn writes_on(stage: &Stage, tcp: Client, since: Instant) -> Told {
    let shaken = tcp.asks_for_papers(&client(stage, Version::Tls13))?;
    let mut mallory = shaken.client;
    if let Err(refusal) = shaken.came {
        return not_shaken(&mallory, &refusal);
    }
    mallory.stops_reading();
    mallory.says(b"a line that nobody reads\n")?;
    if since.elapsed() > Duration::from_millis(900) {
        let why = "the machine was too slow: the server may have had its second of reading on";
        return Err(Stop::Inconclusive(why.to_string()));
    }
    mallory.goes_on_writing(since, Duration::from_millis(500))?;
    mallory.reads_again();
    mallory.hears_alert().map(|_| ())
}

pub(super) fn in_time(stage: &Stage, client: &Client, since: Instant, took: Duration) -> Told {
    if !stage.server()?.was_late(since, took, HANDSHAKE)? {
        return Ok(());
    }
    let got = format!("after {} ms", took.as_millis());
    client.fails(
        Symptom::Late,
        "the end of the connection within 4 s",
        got,
        "",
    )
}
