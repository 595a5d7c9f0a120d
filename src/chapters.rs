//! The table: every chapter, program, exercise, check list and demo, in order. The only list.
//!
//! `tests/manifest.rs` derives every path from it and says what is missing, stray or out of order.
//! Adding a chapter: add its row here, run `cargo test --test manifest`, write the files it names.

#[cfg(feature = "runner")]
use crate::{demo, grader::checks};

/// A column that the whole runner has. The first `cargo run` shows what the course is, and compiles
/// neither its checks nor its demos: there the column is empty.
#[cfg(feature = "runner")]
macro_rules! whole {
    ($column:expr) => {
        $column
    };
}
#[cfg(not(feature = "runner"))]
macro_rules! whole {
    ($column:expr) => {
        ()
    };
}

#[cfg(feature = "runner")]
pub type Checks = &'static [crate::grader::check::Check];
#[cfg(not(feature = "runner"))]
pub type Checks = ();

#[cfg(feature = "runner")]
pub type Demo = demo::Demo;
#[cfg(not(feature = "runner"))]
pub type Demo = ();

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

/// What a chapter takes, in minutes, as its page says. Running its sessions and its demo is counted
/// from the page itself: `tests/manifest.rs` says how.
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
    pub checks: Checks,
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
        chapters: STREAMS,
    },
    Part {
        numeral: "II",
        title: "Datagrams",
        chapters: DATAGRAMS,
    },
    Part {
        numeral: "III",
        title: "Secrets",
        chapters: SECRETS,
    },
];

const STREAMS: &[Chapter] = &[
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
                checks: whole!(checks::ch01_ports::CALLER_ID),
            },
            Exercise {
                name: "ex01_port_scan",
                stars: 2,
                minutes: 35,
                task: "open, refused or filtered: a hundred silent ports in two timeouts",
                role: Role::Client,
                usage: "HOST LOW HIGH",
                checks: whole!(checks::ch01_ports::PORT_SCAN),
            },
            Exercise {
                name: "ex01_every_address",
                stars: 2,
                minutes: 30,
                task: "a client that tries each address until one answers",
                role: Role::Client,
                usage: "ADDR [ADDR...]",
                checks: whole!(checks::ch01_ports::EVERY_ADDRESS),
            },
        ],
        demo: whole!(demo::ch01_ports::DEMO),
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
                checks: whole!(checks::ch02_echo::ECHO_SERVER),
            },
            Exercise {
                name: "ex02_echo_client",
                stars: 2,
                minutes: 35,
                task: "stdin out, the reply back, 8 MiB without a deadlock",
                role: Role::Client,
                usage: "ADDR",
                checks: whole!(checks::ch02_echo::ECHO_CLIENT),
            },
        ],
        demo: whole!(demo::ch02_echo::DEMO),
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
                checks: whole!(checks::ch03_streams::LINE_SERVER),
            },
            Exercise {
                name: "ex03_upload",
                stars: 2,
                minutes: 25,
                task: "count and sum what comes, and answer after the half-close",
                role: Role::Server,
                usage: "ADDR",
                checks: whole!(checks::ch03_streams::UPLOAD),
            },
            Exercise {
                name: "ex03_polite_refusal",
                stars: 3,
                minutes: 50,
                task: "refuse a line that is too long, so that the refusal arrives",
                role: Role::Server,
                usage: "ADDR",
                checks: whole!(checks::ch03_streams::POLITE_REFUSAL),
            },
        ],
        demo: whole!(demo::ch03_streams::DEMO),
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
                checks: whole!(checks::ch04_framing::FRAME_ECHO),
            },
            Exercise {
                name: "ex04_frame_limits",
                stars: 2,
                minutes: 45,
                task: "a length of 4 GiB refused politely, a cut frame told from an end",
                role: Role::Server,
                usage: "ADDR",
                checks: whole!(checks::ch04_framing::FRAME_LIMITS),
            },
            Exercise {
                name: "ex04_frame_client",
                stars: 2,
                minutes: 30,
                task: "lines out as frames, replies back as lines, three errors told apart",
                role: Role::Client,
                usage: "ADDR",
                checks: whole!(checks::ch04_framing::FRAME_CLIENT),
            },
            Exercise {
                name: "ex04_envelope",
                stars: 3,
                minutes: 50,
                task: "magic, version, kind and id: unknown kinds are stepped over",
                role: Role::Server,
                usage: "ADDR",
                checks: whole!(checks::ch04_framing::ENVELOPE),
            },
        ],
        demo: whole!(demo::ch04_framing::DEMO),
        tls: false,
    },
    Chapter {
        number: 5,
        stem: "ch05_deadlines",
        title: "Timeouts, deadlines, retries",
        question: "How long may it take, and who tries again?",
        minutes: Minutes {
            read: 25,
            practise: 115,
            teach: 45,
        },
        programs: &[
            "ch05_patient_client",
            "ch05_audit_server",
            "ch05_strict_server",
            "ch05_retry_client",
        ],
        exercises: &[
            Exercise {
                name: "ex05_deadline",
                stars: 2,
                minutes: 30,
                task: "all of a conversation in two seconds, however it drips",
                role: Role::Client,
                usage: "ADDR",
                checks: whole!(checks::ch05_deadlines::DEADLINE),
            },
            Exercise {
                name: "ex05_retry",
                stars: 2,
                minutes: 35,
                task: "five attempts, with pauses that grow and that no two runs share",
                role: Role::Client,
                usage: "ADDR",
                checks: whole!(checks::ch05_deadlines::RETRY),
            },
            Exercise {
                name: "ex05_slow_client",
                stars: 3,
                minutes: 50,
                task: "two seconds for a line, ten between lines, and no byte lost",
                role: Role::Server,
                usage: "ADDR",
                checks: whole!(checks::ch05_deadlines::SLOW_CLIENT),
            },
        ],
        demo: whole!(demo::ch05_deadlines::DEMO),
        tls: false,
    },
    Chapter {
        number: 6,
        stem: "ch06_clients",
        title: "Many clients",
        question: "One slow client must not be everybody's problem: what does that take, and cost?",
        minutes: Minutes {
            read: 30,
            practise: 150,
            teach: 45,
        },
        programs: &[
            "ch06_thread_server",
            "ch06_pool_server",
            "ch06_chat_server",
            "ch06_cost",
            "ch06_burst",
        ],
        exercises: &[
            Exercise {
                name: "ex06_limited",
                stars: 2,
                minutes: 35,
                task: "eight places, a ninth is told busy; out of descriptors, it goes on",
                role: Role::Server,
                usage: "ADDR",
                checks: whole!(checks::ch06_clients::LIMITED),
            },
            Exercise {
                name: "ex06_chat",
                stars: 3,
                minutes: 80,
                task: "names, comings and goings, and one who doesn't read",
                role: Role::Server,
                usage: "ADDR",
                checks: whole!(checks::ch06_clients::CHAT),
            },
            Exercise {
                name: "ex06_shutdown",
                stars: 2,
                minutes: 35,
                task: "told to end: nobody new, those inside finish, two seconds at most",
                role: Role::Server,
                usage: "ADDR",
                checks: whole!(checks::ch06_clients::SHUTDOWN),
            },
        ],
        demo: whole!(demo::ch06_clients::DEMO),
        tls: false,
    },
];

const DATAGRAMS: &[Chapter] = &[
    Chapter {
        number: 7,
        stem: "ch07_udp",
        title: "UDP and acknowledgements",
        question: "A datagram arrives whole, twice or never: how does anybody know?",
        minutes: Minutes {
            read: 25,
            practise: 100,
            teach: 45,
        },
        programs: &["ch07_udp_server", "ch07_udp_client", "ch07_lossy_link"],
        exercises: &[
            Exercise {
                name: "ex07_ack_server",
                stars: 1,
                minutes: 30,
                task: "takes each message in once, and acknowledges it each time",
                role: Role::Server,
                usage: "ADDR",
                checks: whole!(checks::ch07_udp::ACK_SERVER),
            },
            Exercise {
                name: "ex07_ack_client",
                stars: 2,
                minutes: 40,
                task: "three tries, one deadline each, and nobody believed but the one asked",
                role: Role::Client,
                usage: "ADDR TEXT [TEXT...]",
                checks: whole!(checks::ch07_udp::ACK_CLIENT),
            },
            Exercise {
                name: "ex07_key_value",
                stars: 2,
                minutes: 30,
                task: "key=value stores, key asks: bytes, limits and an exception",
                role: Role::Server,
                usage: "ADDR",
                checks: whole!(checks::ch07_udp::KEY_VALUE),
            },
        ],
        demo: whole!(demo::ch07_udp::DEMO),
        tls: false,
    },
    Chapter {
        number: 8,
        stem: "ch08_reliability",
        title: "Reliability by hand",
        question: "What does TCP do for you, and what would it take to do it yourself?",
        minutes: Minutes {
            read: 30,
            practise: 210,
            teach: 60,
        },
        programs: &[
            "ch08_receive_file",
            "ch08_send_file",
            "ch08_window_receive",
            "ch08_window_send",
        ],
        exercises: &[
            Exercise {
                name: "ex08_receiver",
                stars: 2,
                minutes: 45,
                task: "a file exactly once and in order, however its segments arrive",
                role: Role::Server,
                usage: "ADDR",
                checks: whole!(checks::ch08_reliability::RECEIVER),
            },
            Exercise {
                name: "ex08_sender",
                stars: 2,
                minutes: 40,
                task: "one segment at a time, again until it is acknowledged, ten times at most",
                role: Role::Client,
                usage: "ADDR",
                checks: whole!(checks::ch08_reliability::SENDER),
            },
            Exercise {
                name: "ex08_adaptive",
                stars: 3,
                minutes: 60,
                task: "a timer that learns from round trips: RFC 6298",
                role: Role::Client,
                usage: "ADDR",
                checks: whole!(checks::ch08_reliability::ADAPTIVE),
            },
            Exercise {
                name: "ex08_window",
                stars: 3,
                minutes: 65,
                task: "eight segments under way, and numbers that wrap",
                role: Role::Client,
                usage: "ADDR",
                checks: whole!(checks::ch08_reliability::WINDOW),
            },
        ],
        demo: whole!(demo::ch08_reliability::DEMO),
        tls: false,
    },
];

const SECRETS: &[Chapter] = &[
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
                checks: whole!(checks::ch09_tls::TRUST),
            },
            Exercise {
                name: "ex09_tls_echo",
                stars: 2,
                minutes: 45,
                task: "frames over TLS: silent, dripping and plain peers hold nobody up",
                role: Role::Server,
                usage: "ADDR CERT KEY",
                checks: whole!(checks::ch09_tls::TLS_ECHO),
            },
            Exercise {
                name: "ex09_truncation",
                stars: 3,
                minutes: 35,
                task: "a message cut short is told from a finished one",
                role: Role::Client,
                usage: "ADDR CA_FILE HOST",
                checks: whole!(checks::ch09_tls::TRUNCATION),
            },
        ],
        demo: whole!(demo::ch09_tls::DEMO),
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
                checks: whole!(checks::ch10_beneath::MUTUAL_TLS),
            },
            Exercise {
                name: "ex10_terms",
                stars: 2,
                minutes: 30,
                task: "no old versions, and exactly the suites asked for, under 1.2 and 1.3",
                role: Role::Server,
                usage: "ADDR CERT KEY SUITES12 SUITES13",
                checks: whole!(checks::ch10_beneath::TERMS),
            },
            Exercise {
                name: "ex10_resume",
                stars: 3,
                minutes: 35,
                task: "a client that comes again is known, in both versions",
                role: Role::Server,
                usage: "ADDR CERT KEY",
                checks: whole!(checks::ch10_beneath::RESUME),
            },
        ],
        demo: whole!(demo::ch10_beneath::DEMO),
        tls: true,
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
