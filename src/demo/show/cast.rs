//! Who takes part in a show: the real chapter programs, clients with the grader's verbs, ports at which
//! nobody listens; and what each printed, and how it ended.

use super::{Leave, Played, Show};
use crate::grader::bytes;
use crate::grader::client::Client;
use crate::grader::launch::Launch;
use crate::grader::listener::{Refusing, free_ports};
use crate::grader::output::Output;
use crate::grader::platform::Exit;
use crate::grader::program::{Input, PATIENCE, Program, Start};
use crate::grader::seed::Seed;
use crate::grader::transcript::{Event, Transcript, What};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A server of the demo's: a chapter program that is ready for clients.
pub struct Server {
    pub program: Arc<Program>,
    pub addr: SocketAddr,
}

impl Show {
    /// A port of 127.0.0.1 that is kept from everybody as long as this lives: nobody listens there.
    pub fn empty_port(&mut self) -> Result<Refusing, Leave> {
        for _ in 0..20 {
            let port = free_ports(&mut Seed::fresh().dice("demo", &self.mark), 1)?.start;
            if let Ok(kept) = Refusing::at((Ipv4Addr::LOCALHOST, port).into()) {
                return Ok(kept);
            }
        }
        Err(Leave::Failed("found no free port on 127.0.0.1".to_string()))
    }

    /// Starts a chapter program that serves, on a port that the kernel chooses.
    pub fn serves(&mut self, who: &str, program: &str) -> Result<Server, Leave> {
        self.serves_at(who, program, (Ipv4Addr::LOCALHOST, 0).into())
    }

    /// The same, at this address.
    pub fn serves_at(
        &mut self,
        who: &str,
        program: &str,
        addr: SocketAddr,
    ) -> Result<Server, Leave> {
        let mut running = self.starts(who, program, Some(addr), &[], Input::Nothing)?;
        let mut ready = running.ready(PATIENCE);
        if ready.is_err() && running.exit().is_some() && addr.port() != 0 {
            self.remarks("Somebody else took that port meanwhile: the server gets another.");
            let any = SocketAddr::new(addr.ip(), 0);
            running = self.starts(who, program, Some(any), &[], Input::Nothing)?;
            ready = running.ready(PATIENCE);
        }
        Ok(Server {
            addr: ready?,
            program: running,
        })
    }

    /// Starts a chapter program with an address and arguments.
    pub fn starts(
        &mut self,
        who: &str,
        program: &str,
        addr: Option<SocketAddr>,
        args: &[&str],
        input: Input,
    ) -> Result<Arc<Program>, Leave> {
        let launch = Launch::Built(self.executable(program)?);
        self.launch(
            &launch,
            who,
            addr,
            args,
            input,
            Arc::clone(&self.transcript),
        )
    }

    /// The same, with no line about its start: its arguments are paths, say, which differ from one
    /// machine to the next.
    pub fn starts_aside(
        &mut self,
        who: &str,
        program: &str,
        addr: Option<SocketAddr>,
        args: &[&str],
        input: Input,
    ) -> Result<Arc<Program>, Leave> {
        let launch = Launch::Built(self.executable(program)?);
        let aside = Arc::new(Transcript::new());
        self.launch(&launch, who, addr, args, input, aside)
    }

    /// Runs a chapter program that isn't part of the diagram to its end: the lines of its stdout.
    pub fn output_of(&mut self, program: &str, args: &[&str]) -> Result<Vec<String>, Leave> {
        self.output_within(program, args, PATIENCE)
    }

    /// The same of one that computes: a busy machine may make it wait for long.
    pub fn output_within(
        &mut self,
        program: &str,
        args: &[&str],
        limit: Duration,
    ) -> Result<Vec<String>, Leave> {
        let launch = Launch::Built(self.executable(program)?);
        let aside = Arc::new(Transcript::new());
        let running = self.launch(&launch, program, None, args, Input::Nothing, aside)?;
        end_of(&running, limit)?;
        running.wait_output(PATIENCE, |stdout, _| stdout.closed);
        running.end();
        let text = bytes::harmless(&running.outputs().0.bytes);
        Ok(text.lines().map(String::from).collect())
    }

    /// A client, connected to the server. Its verbs are the grader's.
    pub fn client(&mut self, who: &str, server: &Server) -> Result<Client, Leave> {
        let stream = TcpStream::connect_timeout(&server.addr, PATIENCE).map_err(|err| {
            Leave::Failed(format!("{who} cannot connect to {}: {err}", server.addr))
        })?;
        let from = stream
            .local_addr()
            .map_err(|err| Leave::Failed(err.to_string()))?;
        self.transcript
            .write(who, "", What::Connects, format!("from {from}"));
        let (program, transcript) = (Arc::clone(&server.program), Arc::clone(&self.transcript));
        Ok(Client::over(
            Box::new(stream),
            server.addr,
            who,
            program,
            transcript,
        )?)
    }

    /// Tries to connect where nobody listens, and is refused.
    pub fn is_refused(&mut self, who: &str, addr: SocketAddr) -> Played {
        match TcpStream::connect_timeout(&addr, PATIENCE) {
            Err(err) if err.kind() == ErrorKind::ConnectionRefused => {
                self.transcript
                    .write(who, "", What::Refused, format!("connect to {addr}"));
                Ok(())
            }
            Err(err) => Err(Leave::Failed(format!(
                "{who}'s connect to {addr} failed: {err}"
            ))),
            Ok(_) => Err(Leave::Failed(format!(
                "somebody listens at {addr}: it was to be empty"
            ))),
        }
    }

    /// The first lines that a program printed on stdout, whole and without LF, once there are so
    /// many.
    pub fn printed(&self, program: &Program, lines: usize) -> Result<Vec<String>, Leave> {
        let whole = |bytes: &[u8]| bytes.iter().filter(|b| **b == b'\n').count();
        if !program.wait_output(PATIENCE, |stdout, _| whole(&stdout.bytes) >= lines) {
            let who = &program.who;
            return Err(Leave::Failed(format!(
                "{who} has not printed {lines} lines in 10 s"
            )));
        }
        let text = bytes::harmless(&program.outputs().0.bytes);
        Ok(text.lines().take(lines).map(String::from).collect())
    }

    /// Waits for so many lines on a server's stdout, and puts the last into the record: that line.
    pub fn prints(&self, server: &Server, lines: usize) -> Result<String, Leave> {
        let line = self
            .printed(&server.program, lines)?
            .pop()
            .unwrap_or_default();
        self.notes(&server.program.who, &line);
        Ok(line)
    }

    /// All lines of a program's stderr, once they are what is waited for.
    pub fn audit(
        &self,
        program: &Program,
        done: impl Fn(&[&str]) -> bool,
    ) -> Result<Vec<String>, Leave> {
        // A line may come in pieces: without its end it isn't looked at.
        let text = |stderr: &Output| {
            let whole = stderr.bytes.iter().rposition(|byte| *byte == b'\n');
            bytes::harmless(&stderr.bytes[..whole.map_or(0, |end| end + 1)])
        };
        // What it waits for may be a timeout of the program's own, on a busy machine.
        let patience = PATIENCE * 3;
        let complete = program.wait_output(patience, |_, stderr| {
            done(&text(stderr).lines().collect::<Vec<_>>())
        });
        if !complete {
            let who = &program.who;
            return Err(Leave::Failed(format!(
                "{who}'s audit trail is not complete after {} s",
                patience.as_secs()
            )));
        }
        Ok(text(&program.outputs().1)
            .lines()
            .map(String::from)
            .collect())
    }

    /// Waits for a program's end by itself, and puts it into the record: its exit.
    pub fn ends(&self, program: &Program) -> Played {
        let (exit, _) = end_of(program, PATIENCE)?;
        self.transcript
            .write(&program.who, "", What::Exits, exit.to_string());
        Ok(())
    }

    /// The same of one whose datagrams were recorded: when it really ended. The beats have gone on for
    /// longer by then.
    pub fn ends_as_recorded(&self, program: &Program, limit: Duration) -> Played {
        let (exit, after) = end_of(program, limit)?;
        let zero = self.transcript.started();
        self.screen.replays(&Event {
            at: (program.started() + after).saturating_duration_since(zero),
            who: program.who.clone(),
            peer: String::new(),
            what: What::Exits,
            bytes: Vec::new(),
            length: 0,
            note: exit.to_string(),
        });
        Ok(())
    }

    /// The same of one that fails: its last words come first.
    pub fn fails_to_start(&self, program: &Program) -> Played {
        program.wait_output(PATIENCE, |_, stderr| stderr.closed);
        self.notes(&program.who, &program.outputs().1.last_lines(1).join(""));
        self.ends(program)
    }

    // ---- beneath

    pub(in crate::demo) fn executable(&self, program: &str) -> Result<PathBuf, Leave> {
        let known = self.programs.iter().find(|(name, _)| *name == program);
        known.map(|(_, path)| path.clone()).ok_or_else(|| {
            Leave::Failed(format!(
                "{program} is not among the programs that this demo names"
            ))
        })
    }

    pub(in crate::demo) fn launch(
        &mut self,
        launch: &Launch,
        who: &str,
        addr: Option<SocketAddr>,
        args: &[&str],
        input: Input,
        transcript: Arc<Transcript>,
    ) -> Result<Arc<Program>, Leave> {
        let args: Vec<String> = args.iter().map(|arg| arg.to_string()).collect();
        let folder = std::env::temp_dir();
        let start = Start {
            launch,
            who,
            addr,
            args: &args,
            input,
            folder: &folder,
            mark: &self.mark,
            env: &[],
            filled: false,
        };
        let program = Arc::new(Program::start(start, transcript)?);
        self.running.push(Arc::clone(&program));
        Ok(program)
    }
}

/// How a program ends by itself within the limit, and how long after its start.
pub(in crate::demo) fn end_of(
    program: &Program,
    limit: Duration,
) -> Result<(Exit, Duration), Leave> {
    program.wait_exit(limit).ok_or_else(|| {
        let (who, seconds) = (&program.who, limit.as_secs());
        Leave::Failed(format!("{who} has not ended within {seconds} s"))
    })
}
