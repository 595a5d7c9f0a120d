//! What is graded of trust in a certificate: who has signed it, for whom, and until when.

use super::ONE_LINE;
use super::server::{in_its_time, refused};
use crate::grader::check::{Cause, Check, Control};
use crate::grader::failure::Symptom;
use crate::grader::tls::{Paper, Terms};

pub(super) const OF_ANOTHER_CA: Check = Check {
    name: "a certificate that another CA has signed, or nobody known, is untrusted",
    why: "anybody can make a certificate; whose signature is under it makes the difference",
    points: 3,
    run: |stage| {
        in_its_time(stage, || {
            refused(stage, &Terms::with(Paper::UNKNOWN_CA), "untrusted")?;
            refused(
                stage,
                &Terms::with(Paper::MISSING_INTERMEDIATE),
                "untrusted",
            )
        })
    },
    control: Some(ONE_LINE),
    causes: &[ANYBODY],
    ..Check::PLAIN
};

pub(super) const OF_A_CA_OF_THE_SYSTEM: Check = Check {
    name: "a CA that the system trusts doesn't count",
    why: "there are more than a hundred of them, and each may sign for any name",
    points: 2,
    run: |stage| {
        in_its_time(stage, || {
            stage.sets("SSL_CERT_FILE", stage.other_ca_file()?);
            refused(stage, &Terms::with(Paper::UNKNOWN_CA), "untrusted")
        })
    },
    control: Some(Control {
        name: "the same certificate, on a system that doesn't trust its CA",
        run: |stage| {
            in_its_time(stage, || {
                refused(stage, &Terms::with(Paper::UNKNOWN_CA), "untrusted")
            })
        },
    }),
    causes: &[Cause {
        symptoms: &[],
        likely: "the CA in CA_FILE is trusted besides those of the system",
        advice: "`disable_built_in_roots`",
    }],
    ..Check::PLAIN
};

pub(super) const OF_ANOTHER_NAME: Check = Check {
    name: "a certificate for another name is wrong-host, and gets no byte of stdin",
    why: "a CA signs for many: also the thief has a certificate in order, with his own name",
    points: 3,
    run: |stage| {
        in_its_time(stage, || {
            refused(stage, &Terms::with(Paper::WRONG_HOST), "wrong-host")
        })
    },
    control: Some(ONE_LINE),
    causes: &[
        Cause {
            symptoms: &[Symptom::Extra],
            likely: "the name is not compared with HOST, or too late",
            advice: "the connector does it, unless it is told not to",
        },
        Cause {
            symptoms: &[Symptom::Different],
            likely: "a wrong name is told from the other faults by no word, or by another one",
            advice: "look for `hostname mismatch` before you look for anything wider",
        },
    ],
    ..Check::PLAIN
};

pub(super) const EXPIRED: Check = Check {
    name: "an expired certificate is expired",
    why: "somebody forgot to renew it, most of the time: another fault than a stranger's",
    points: 2,
    run: |stage| {
        in_its_time(stage, || {
            refused(stage, &Terms::with(Paper::EXPIRED), "expired")
        })
    },
    control: Some(STRANGER),
    causes: &[Cause {
        symptoms: &[Symptom::Different],
        likely: "every fault of a certificate gets the same word",
        advice: "look for `has expired` before you look for anything wider",
    }],
    ..Check::PLAIN
};

pub(super) const NOT_YET_VALID: Check = Check {
    name: "a certificate that is not valid yet is expired as well",
    why: "its time has another end, too; mostly it is our own clock that is wrong",
    run: |stage| {
        in_its_time(stage, || {
            refused(stage, &Terms::with(Paper::NOT_YET_VALID), "expired")
        })
    },
    control: Some(Control {
        name: "a certificate whose last day is over",
        run: |stage| {
            in_its_time(stage, || {
                refused(stage, &Terms::with(Paper::EXPIRED), "expired")
            })
        },
    }),
    causes: &[Cause {
        symptoms: &[Symptom::Different],
        likely: "only the last day is thought of",
        advice: "`not yet valid` is the phrase of the first",
    }],
    ..Check::PLAIN
};

pub(super) const SELF_SIGNED: Check = Check {
    name: "a certificate that is signed by itself is untrusted",
    why: "it proves that its maker has its key, and nothing about who that is",
    run: |stage| {
        in_its_time(stage, || {
            refused(stage, &Terms::with(Paper::SELF_SIGNED), "untrusted")
        })
    },
    control: Some(STRANGER),
    causes: &[ONE_PHRASE],
    ..Check::PLAIN
};

pub(super) const FOR_CLIENTS: Check = Check {
    name: "a certificate that is meant for clients is untrusted",
    why: "every client of that CA could play the server",
    run: |stage| {
        in_its_time(stage, || {
            refused(stage, &Terms::with(Paper::CLIENT_ONLY), "untrusted")
        })
    },
    control: Some(STRANGER),
    causes: &[ONE_PHRASE],
    ..Check::PLAIN
};

const ANYBODY: Cause = Cause {
    symptoms: &[Symptom::Extra],
    likely: "the certificate isn't verified: what was to be secret was sent to a stranger",
    advice: "nothing that is called `danger_`: an error that is turned off is not mended",
};

const ONE_PHRASE: Cause = Cause {
    symptoms: &[Symptom::Different],
    likely: "the word `untrusted` hangs on the phrase of another fault, or this one has its own",
    advice: "`certificate verify failed` is around all faults: look for it last",
};

const STRANGER: Control = Control {
    name: "a certificate of an unknown CA",
    run: |stage| {
        in_its_time(stage, || {
            refused(stage, &Terms::with(Paper::UNKNOWN_CA), "untrusted")
        })
    },
};
