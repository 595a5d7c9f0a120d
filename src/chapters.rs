//! The table: every chapter, program, exercise, check list and demo, in order. The only list.
//!
//! `tests/manifest.rs` derives every path from it and says what is missing, stray or out of order.
//! Adding a chapter: add its row here, run `cargo test --test manifest`, write the files it names.

use crate::demo::Demo;
use crate::demo::{ch01_ports, ch02_echo, ch03_streams, ch04_framing, ch09_tls, ch10_beneath};
use crate::grader::check::Check;
use crate::grader::checks::{
    ch01_ports as checks01, ch02_echo as checks02, ch03_streams as checks03,
    ch04_framing as checks04, ch09_tls as checks09, ch10_beneath as checks10,
};

/// A part of the book: chapters that share a subject.
pub struct Part {
    /// Roman, as the book prints it: `I`.
    pub numeral: &'static str,
    pub title: &'static str,
    pub chapters: &'static [Chapter],
}

/// A chapter: one page, its programs, its exercises, one demo.
pub struct Chapter {
    pub number: u8,
    /// Shared by the page, the checks and the demo: `ch02_echo`.
    pub stem: &'static str,
    pub title: &'static str,
    /// The question that the chapter answers.
    pub question: &'static str,
    pub minutes: Minutes,
    /// File stems under `src/bin`, in the order in which the page meets them.
    pub programs: &'static [&'static str],
    pub exercises: &'static [Exercise],
    pub demo: Demo,
    /// Its programs, exercises and checks need the cargo feature `tls`.
    pub tls: bool,
}

/// What a chapter takes, in minutes, as its page says.
pub struct Minutes {
    pub read: u16,
    /// Its exercises together.
    pub practise: u16,
    /// In a classroom, with the demo.
    pub teach: u16,
}

/// What a learner writes and the grader judges.
pub struct Exercise {
    /// The file's stem under `exercises/src/bin`: `ex02_echo_server`.
    pub name: &'static str,
    /// One to three.
    pub stars: u8,
    pub minutes: u16,
    /// What it is to do, in half a line.
    pub task: &'static str,
    pub role: Role,
    /// What it is run with, as its usage line says: `ADDR`.
    pub usage: &'static str,
    pub checks: &'static [Check],
}

/// How the grader meets a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Started with an address; the grader connects to it.
    Server,
    /// Started by each check with what it is to do; it connects to the grader.
    Client,
}

pub const PARTS: &[Part] = &[
    Part {
        numeral: "I",
        title: "Streams",
        chapters: &[
            Chapter {
                number: 1,
                stem: "ch01_ports",
                title: "Ports and processes",
                question: "Who owns a port, and how does a message find it?",
                minutes: Minutes {
                    read: 20,
                    practise: 75,
                    teach: 45,
                },
                programs: &["ch01_five_tuple", "ch01_whoson", "ch01_port_scan"],
                exercises: &[
                    Exercise {
                        name: "ex01_caller_id",
                        stars: 1,
                        minutes: 10,
                        task: "a server that tells each client the client's own address",
                        role: Role::Server,
                        usage: "ADDR",
                        checks: checks01::CALLER_ID,
                    },
                    Exercise {
                        name: "ex01_port_scan",
                        stars: 2,
                        minutes: 35,
                        task: "open, refused or filtered: a hundred silent ports in two timeouts",
                        role: Role::Client,
                        usage: "HOST LOW HIGH",
                        checks: checks01::PORT_SCAN,
                    },
                    Exercise {
                        name: "ex01_every_address",
                        stars: 2,
                        minutes: 30,
                        task: "a client that tries each address until one answers",
                        role: Role::Client,
                        usage: "ADDR [ADDR...]",
                        checks: checks01::EVERY_ADDRESS,
                    },
                ],
                demo: ch01_ports::DEMO,
                tls: false,
            },
            Chapter {
                number: 2,
                stem: "ch02_echo",
                title: "A raw TCP echo",
                question: "What goes in comes out: what does that take?",
                minutes: Minutes {
                    read: 20,
                    practise: 60,
                    teach: 45,
                },
                programs: &["ch02_hello_server", "ch02_echo_server", "ch02_echo_client"],
                exercises: &[
                    Exercise {
                        name: "ex02_echo_server",
                        stars: 1,
                        minutes: 25,
                        task: "every byte back, as it comes, until the client is done",
                        role: Role::Server,
                        usage: "ADDR",
                        checks: checks02::ECHO_SERVER,
                    },
                    Exercise {
                        name: "ex02_echo_client",
                        stars: 2,
                        minutes: 35,
                        task: "stdin out, the reply back, 8 MiB without a deadlock",
                        role: Role::Client,
                        usage: "ADDR",
                        checks: checks02::ECHO_CLIENT,
                    },
                ],
                demo: ch02_echo::DEMO,
                tls: false,
            },
            Chapter {
                number: 3,
                stem: "ch03_streams",
                title: "Streams and endings",
                question: "A read is not a message, and goodbye has two halves: what ends what?",
                minutes: Minutes {
                    read: 25,
                    practise: 100,
                    teach: 45,
                },
                programs: &["ch03_shout_server", "ch03_sum_server", "ch03_rude_server"],
                exercises: &[
                    Exercise {
                        name: "ex03_line_server",
                        stars: 1,
                        minutes: 25,
                        task: "each line's length, however its bytes arrive",
                        role: Role::Server,
                        usage: "ADDR",
                        checks: checks03::LINE_SERVER,
                    },
                    Exercise {
                        name: "ex03_upload",
                        stars: 2,
                        minutes: 25,
                        task: "count and sum what comes, and answer after the half-close",
                        role: Role::Server,
                        usage: "ADDR",
                        checks: checks03::UPLOAD,
                    },
                    Exercise {
                        name: "ex03_polite_refusal",
                        stars: 3,
                        minutes: 50,
                        task: "refuse a line that is too long, so that the refusal arrives",
                        role: Role::Server,
                        usage: "ADDR",
                        checks: checks03::POLITE_REFUSAL,
                    },
                ],
                demo: ch03_streams::DEMO,
                tls: false,
            },
            Chapter {
                number: 4,
                stem: "ch04_framing",
                title: "Framing",
                question: "Where does a message end?",
                minutes: Minutes {
                    read: 25,
                    practise: 150,
                    teach: 45,
                },
                programs: &[
                    "ch04_line_or_frame",
                    "ch04_frame_server",
                    "ch04_frame_client",
                ],
                exercises: &[
                    Exercise {
                        name: "ex04_frame_echo",
                        stars: 1,
                        minutes: 25,
                        task: "every frame back, wherever it was cut on its way",
                        role: Role::Server,
                        usage: "ADDR",
                        checks: checks04::FRAME_ECHO,
                    },
                    Exercise {
                        name: "ex04_frame_limits",
                        stars: 2,
                        minutes: 45,
                        task: "a length of 4 GiB refused politely, a cut frame told from an end",
                        role: Role::Server,
                        usage: "ADDR",
                        checks: checks04::FRAME_LIMITS,
                    },
                    Exercise {
                        name: "ex04_frame_client",
                        stars: 2,
                        minutes: 30,
                        task: "lines out as frames, replies back as lines, three errors told apart",
                        role: Role::Client,
                        usage: "ADDR",
                        checks: checks04::FRAME_CLIENT,
                    },
                    Exercise {
                        name: "ex04_envelope",
                        stars: 3,
                        minutes: 50,
                        task: "magic, version, kind and id: unknown kinds are stepped over",
                        role: Role::Server,
                        usage: "ADDR",
                        checks: checks04::ENVELOPE,
                    },
                ],
                demo: ch04_framing::DEMO,
                tls: false,
            },
        ],
    },
    Part {
        numeral: "III",
        title: "Secrets",
        chapters: &[
            Chapter {
                number: 9,
                stem: "ch09_tls",
                title: "TLS with native-tls",
                question: "The same bytes, in an envelope: who can read them, and who is at the other end?",
                minutes: Minutes {
                    read: 25,
                    practise: 125,
                    teach: 45,
                },
                programs: &[
                    "ch09_make_certs",
                    "ch09_tls_server",
                    "ch09_tls_client",
                    "ch09_tls_doctor",
                    "ch09_wiretap",
                ],
                exercises: &[
                    Exercise {
                        name: "ex09_trust",
                        stars: 2,
                        minutes: 45,
                        task: "a client that trusts one CA and one name, and has a word for each fault",
                        role: Role::Client,
                        usage: "ADDR CA_FILE HOST",
                        checks: checks09::TRUST,
                    },
                    Exercise {
                        name: "ex09_tls_echo",
                        stars: 2,
                        minutes: 45,
                        task: "frames over TLS: silent, dripping and plain peers hold nobody up",
                        role: Role::Server,
                        usage: "ADDR CERT KEY",
                        checks: checks09::TLS_ECHO,
                    },
                    Exercise {
                        name: "ex09_truncation",
                        stars: 3,
                        minutes: 35,
                        task: "a message cut short is told from a finished one",
                        role: Role::Client,
                        usage: "ADDR CA_FILE HOST",
                        checks: checks09::TRUNCATION,
                    },
                ],
                demo: ch09_tls::DEMO,
                tls: true,
            },
            Chapter {
                number: 10,
                stem: "ch10_beneath",
                title: "Beneath native-tls",
                question: "Who are you, and on what terms?",
                minutes: Minutes {
                    read: 25,
                    practise: 115,
                    teach: 45,
                },
                programs: &["ch10_mutual_server", "ch10_mutual_client", "ch10_terms"],
                exercises: &[
                    Exercise {
                        name: "ex10_mutual_tls",
                        stars: 2,
                        minutes: 50,
                        task: "clients show who they are, and a list says who may",
                        role: Role::Server,
                        usage: "ADDR CERT KEY CA_FILE LIST",
                        checks: checks10::MUTUAL_TLS,
                    },
                    Exercise {
                        name: "ex10_terms",
                        stars: 2,
                        minutes: 30,
                        task: "no old versions, and exactly the suites asked for, under 1.2 and 1.3",
                        role: Role::Server,
                        usage: "ADDR CERT KEY SUITES12 SUITES13",
                        checks: checks10::TERMS,
                    },
                    Exercise {
                        name: "ex10_resume",
                        stars: 3,
                        minutes: 35,
                        task: "a client that comes again is known, in both versions",
                        role: Role::Server,
                        usage: "ADDR CERT KEY",
                        checks: checks10::RESUME,
                    },
                ],
                demo: ch10_beneath::DEMO,
                tls: true,
            },
        ],
    },
];

/// Every chapter, in order.
pub fn chapters() -> impl Iterator<Item = &'static Chapter> {
    PARTS.iter().flat_map(|part| part.chapters)
}

/// Every exercise with its chapter, in order.
pub fn exercises() -> impl Iterator<Item = (&'static Chapter, &'static Exercise)> {
    chapters().flat_map(|chapter| {
        chapter
            .exercises
            .iter()
            .map(move |exercise| (chapter, exercise))
    })
}

/// The exercise of exactly this name.
pub fn exercise(name: &str) -> Option<(&'static Chapter, &'static Exercise)> {
    exercises().find(|(_, exercise)| exercise.name == name)
}
