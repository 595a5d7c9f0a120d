//! One check's stage: the submission, whoever talks to it, and the record of it.

use super::check::{Stop, Told, broken};
use super::client::Client;
use super::failure::{Failure, Side, Symptom};
use super::faults::Faults;
use super::launch::Launch;
use super::listener::{self, Listener, Refusing, Silent};
use super::platform::{self, Exit};
use super::program::{Input, PATIENCE, Program, Start};
use super::seed::{Dice, Seed};
use super::transcript::{Transcript, What};
use super::udp::{UdpPeer, UdpPlace};
use socket2::{Domain, Socket, Type};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a program may take to become ready; interpreters are slow to start on a busy machine.
const READY: Duration = Duration::from_secs(15);

/// What a check is told on. A fresh program, port and folder for each.
pub struct Stage {
    pub(super) launch: Launch,
    folder: Folder,
    transcript: Arc<Transcript>,
    dice: RefCell<Dice>,
    server: OnceCell<(Arc<Program>, SocketAddr)>,
    programs: RefCell<Vec<Arc<Program>>>,
    /// Variables that programs are started with from now on.
    pub(super) env: RefCell<Vec<(&'static str, String)>>,
    /// A server is started with a stdin on which a check types.
    pub(super) typed: Cell<bool>,
    /// What a submission that is a server is started with, behind its address.
    server_args: RefCell<Vec<String>>,
    /// Kept from other stages until this one is over.
    ports: RefCell<Vec<std::ops::Range<u16>>>,
}

impl Stage {
    pub fn new(launch: &Launch, dice: Dice) -> Result<Stage, Stop> {
        Ok(Stage {
            launch: launch.clone(),
            folder: Folder::new().map_err(broken("cannot make a folder for a check"))?,
            transcript: Arc::new(Transcript::new()),
            dice: RefCell::new(dice),
            server: OnceCell::new(),
            programs: RefCell::default(),
            env: RefCell::default(),
            typed: Cell::new(false),
            server_args: RefCell::default(),
            ports: RefCell::default(),
        })
    }

    pub fn transcript(&self) -> &Arc<Transcript> {
        &self.transcript
    }

    /// Every program that was started here.
    pub fn programs(&self) -> Vec<Arc<Program>> {
        self.programs.borrow().clone()
    }

    /// A folder of this stage's own.
    pub(super) fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// So many random bytes, the same for the same seed.
    pub fn random_bytes(&self, count: usize) -> Vec<u8> {
        self.dice.borrow_mut().bytes(count)
    }

    /// A random number below the bound, the same for the same seed.
    pub fn random_below(&self, bound: usize) -> usize {
        self.dice.borrow_mut().below(bound)
    }

    // ---- a submission that is a server

    /// What the submission, a server, is to be started with behind its address. It isn't yet.
    pub fn server_args(&self, args: &[String]) {
        *self.server_args.borrow_mut() = args.to_vec();
    }

    /// Whether the submission ran before the grader did, and was given whatever it was given.
    pub fn is_running_already(&self) -> bool {
        matches!(self.launch, Launch::Running(_))
    }

    /// Whether the submission is a Rust program that was built for this; of another language it is
    /// not known what its runtime does by itself.
    pub fn is_rust(&self) -> bool {
        matches!(self.launch, Launch::Built(_))
    }

    /// From now on a program is started with this variable as well.
    pub fn sets(&self, name: &'static str, value: String) {
        self.env.borrow_mut().push((name, value));
    }

    /// The submission, started and ready for clients.
    pub fn server(&self) -> Result<&Arc<Program>, Stop> {
        Ok(&self.ready_server()?.0)
    }

    /// Where the submission listens.
    pub fn addr(&self) -> Result<SocketAddr, Stop> {
        Ok(self.ready_server()?.1)
    }

    /// A client, connected to the submission.
    pub fn client(&self, who: &str) -> Result<Client, Stop> {
        self.connect(who, None)
    }

    /// A client that connects from this address of the loopback network.
    pub fn client_from(&self, who: &str, from: Ipv4Addr) -> Result<Client, Stop> {
        self.connect(who, Some(from))
    }

    fn connect(&self, who: &str, from: Option<Ipv4Addr>) -> Result<Client, Stop> {
        self.connect_by(who, |addr| match from {
            None => TcpStream::connect_timeout(&addr, PATIENCE),
            Some(from) => connect_from(from, addr),
        })
        .map_err(|stop| match (stop, from) {
            (Stop::Skipped(_), Some(from)) => {
                Stop::Skipped(format!("this system has no address {from}"))
            }
            (stop, _) => stop,
        })
    }

    /// A client whose connection holds as little that it hasn't read as the kernel allows.
    pub fn client_of_small_window(&self, who: &str) -> Result<Client, Stop> {
        self.connect_by(who, |addr| {
            let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
            socket.set_recv_buffer_size(4096)?;
            socket.connect_timeout(&addr.into(), PATIENCE)?;
            Ok(socket.into())
        })
    }

    fn connect_by(
        &self,
        who: &str,
        connect: impl FnOnce(SocketAddr) -> io::Result<TcpStream>,
    ) -> Result<Client, Stop> {
        let (program, addr) = self.ready_server()?;
        let stream = match connect(*addr) {
            Ok(stream) => stream,
            Err(err) if err.kind() == io::ErrorKind::AddrNotAvailable => {
                return Err(Stop::Skipped("this system has no such address".to_string()));
            }
            Err(err) => return Err(self.no_connection(who, *addr, program, &err)),
        };
        self.transcript.write(who, "", What::Connects, "");
        let (program, transcript) = (Arc::clone(program), Arc::clone(&self.transcript));
        Client::over(Box::new(stream), *addr, who, program, transcript)
    }

    fn no_connection(
        &self,
        who: &str,
        addr: SocketAddr,
        program: &Program,
        err: &io::Error,
    ) -> Stop {
        self.transcript
            .write(who, "", What::Refused, err.to_string());
        let exit = program.wait_exit(Duration::from_millis(200));
        let (symptom, got) = match exit {
            Some((exit, _)) => (Symptom::Exit, format!("the program has ended: {exit}")),
            None => (Symptom::NotReady, err.to_string()),
        };
        let mut failure = Failure::new(symptom, format!("a connection to {addr}"), got);
        failure.who = who.to_string();
        failure.into()
    }

    fn ready_server(&self) -> Result<&(Arc<Program>, SocketAddr), Stop> {
        if let Some(server) = self.server.get() {
            return Ok(server);
        }
        let addr = match self.launch {
            Launch::Built(_) => (Ipv4Addr::LOCALHOST, 0).into(),
            // It need not say where it listens, so it is told.
            Launch::Command(_) => {
                let port = self.ports(1)?.start;
                (Ipv4Addr::LOCALHOST, port).into()
            }
            Launch::Running(addr) => addr,
        };
        let input = match self.typed.get() {
            true => Input::Typed,
            false => Input::Nothing,
        };
        let args = self.server_args.borrow().clone();
        let program = self.start(Some(addr), &args, input)?;
        let addr = program.ready(READY)?;
        Ok(self.server.get_or_init(|| (program, addr)))
    }

    /// A peer that talks to the submission in datagrams.
    pub fn udp_peer(&self, who: &str) -> Result<UdpPeer, Stop> {
        self.udp_peer_at(who, (Ipv4Addr::LOCALHOST, 0).into())
    }

    /// The same, from this address of the loopback network.
    pub fn udp_peer_at(&self, who: &str, at: SocketAddr) -> Result<UdpPeer, Stop> {
        let (program, server) = self.ready_server()?;
        let (program, transcript) = (Arc::clone(program), Arc::clone(&self.transcript));
        UdpPeer::bind(at, who, *server, program, transcript)
    }

    /// A socket of the grader's on 127.0.0.1, for a submission that talks in datagrams.
    pub fn udp_place(&self, who: &str) -> Result<UdpPlace, Stop> {
        self.udp_place_at(who, (Ipv4Addr::LOCALHOST, 0).into())
    }

    /// The same, at this address of the loopback network.
    pub fn udp_place_at(&self, who: &str, at: SocketAddr) -> Result<UdpPlace, Stop> {
        UdpPlace::bind(at, who, Arc::clone(&self.transcript))
    }

    /// A network whose faults follow from this check's seed.
    pub fn faults(&self) -> Faults {
        let mut dice = self.dice.borrow_mut();
        dice.roll();
        Faults::of(&dice)
    }

    // ---- a submission that is a client

    /// Starts the submission with an address and further arguments, and gives it its stdin.
    pub fn starts(&self, addr: SocketAddr, args: &[String], stdin: &[u8]) -> Result<Pupil, Stop> {
        let program = self.start(Some(addr), args, Input::Bytes(stdin.to_vec()))?;
        Ok(Pupil {
            program,
            transcript: Arc::clone(&self.transcript),
        })
    }

    /// Starts the submission of an exercise that takes no address.
    pub fn starts_without_address(&self, args: &[String]) -> Result<Pupil, Stop> {
        let program = self.start(None, args, Input::Nothing)?;
        Ok(Pupil {
            program,
            transcript: Arc::clone(&self.transcript),
        })
    }

    /// A server of the grader's, on 127.0.0.1.
    pub fn listener(&self, who: &str) -> Result<Listener, Stop> {
        let addr = (Ipv4Addr::LOCALHOST, 0).into();
        Listener::bind(addr, who, Arc::clone(&self.transcript))
            .map_err(broken("cannot listen on 127.0.0.1"))
    }

    /// The same, at this port.
    pub fn listener_at(&self, port: u16) -> Result<Listener, Stop> {
        let addr = (Ipv4Addr::LOCALHOST, port).into();
        Listener::bind(addr, "listener", Arc::clone(&self.transcript)).map_err(taken)
    }

    /// A server of the grader's, on `[::1]`.
    pub fn listener_on_ipv6(&self, who: &str) -> Result<Listener, Stop> {
        let addr = (Ipv6Addr::LOCALHOST, 0).into();
        Listener::bind(addr, who, Arc::clone(&self.transcript))
            .map_err(|_| Stop::Skipped("this system has no IPv6 on loopback".to_string()))
    }

    /// A port at which connects are refused.
    pub fn refusing(&self) -> Result<Refusing, Stop> {
        self.refusing_at(self.ports(1)?.start)
    }

    /// The same, at this port of 127.0.0.1.
    pub fn refusing_at(&self, port: u16) -> Result<Refusing, Stop> {
        Refusing::at((Ipv4Addr::LOCALHOST, port).into()).map_err(taken)
    }

    /// A port at which connects are met by silence.
    pub fn silent(&self) -> Result<Silent, Stop> {
        self.silent_at(self.ports(1)?.start)
    }

    /// The same, at this port of 127.0.0.1.
    pub fn silent_at(&self, port: u16) -> Result<Silent, Stop> {
        if !cfg!(target_os = "linux") {
            return Err(Stop::Skipped(
                "a silent port can be made on Linux only".to_string(),
            ));
        }
        Silent::at((Ipv4Addr::LOCALHOST, port).into()).map_err(taken)
    }

    /// So many ports in a row that nobody uses.
    pub fn ports(&self, count: u16) -> Result<std::ops::Range<u16>, Stop> {
        // Not the check's own dice: two gradings with one seed would choose the same ports, and how
        // many are taken would move what is rolled next.
        let mut dice = Seed::fresh().dice("ports", &self.folder.name);
        let ports = listener::free_ports(&mut dice, count)?;
        self.ports.borrow_mut().push(ports.clone());
        Ok(ports)
    }

    fn start(
        &self,
        addr: Option<SocketAddr>,
        args: &[String],
        input: Input,
    ) -> Result<Arc<Program>, Stop> {
        let env = self.env.borrow();
        let env: Vec<(&str, &str)> = env.iter().map(|(name, v)| (*name, v.as_str())).collect();
        let start = Start {
            launch: &self.launch,
            who: "program",
            addr,
            args,
            input,
            folder: &self.folder.path,
            mark: &self.folder.name,
            env: &env,
        };
        let program = Arc::new(Program::start(start, Arc::clone(&self.transcript))?);
        self.programs.borrow_mut().push(Arc::clone(&program));
        Ok(program)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for program in self.programs.borrow().iter() {
            program.end();
        }
        for ports in self.ports.take() {
            listener::give_back(ports);
        }
    }
}

fn taken(err: io::Error) -> Stop {
    Stop::PortTaken(format!("a port was taken meanwhile: {err}"))
}

fn connect_from(from: Ipv4Addr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((IpAddr::V4(from), 0)).into())?;
    socket.connect_timeout(&to.into(), PATIENCE)?;
    Ok(socket.into())
}

/// A client submission that runs, or ran.
pub struct Pupil {
    program: Arc<Program>,
    transcript: Arc<Transcript>,
}

impl Pupil {
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Ends by itself, with whatever status.
    pub fn ends(&self) -> Result<(Exit, Duration), Stop> {
        let Some((exit, after)) = self.program.wait_end()? else {
            let got = format!(
                "it still runs after {} s",
                self.program.started().elapsed().as_secs()
            );
            return self.fails(Symptom::StillOpen, "the program ends by itself", got);
        };
        self.transcript
            .write(&self.program.who, "", What::Exits, exit.to_string());
        Ok((exit, after))
    }

    /// Ends by itself with this exit status.
    pub fn exits(&self, status: i32) -> Told {
        self.exits_within(status, PATIENCE)
    }

    /// Ends by itself with this status, no later than so long after its start.
    pub fn exits_within(&self, status: i32, limit: Duration) -> Told {
        let (exit, after) = self.ends()?;
        if exit != Exit::Status(status) {
            return self.fails(
                Symptom::Status,
                format!("exit status {status}"),
                exit.to_string(),
            );
        }
        if limit < PATIENCE {
            self.was_in_time(self.program.started(), after, limit, "its end")?;
        }
        Ok(())
    }

    /// What happened so long after `since` happened in time.
    pub fn was_in_time(&self, since: Instant, took: Duration, limit: Duration, what: &str) -> Told {
        if !self.program.was_late(since, took, limit)? {
            return Ok(());
        }
        let expected = format!("{what} within {} ms", limit.as_millis());
        self.fails(
            Symptom::Late,
            expected,
            format!("after {} ms", took.as_millis()),
        )
    }

    /// Its stdout, from its start to its end, is exactly this.
    pub fn printed(&self, expected: &[u8]) -> Told {
        let got = self.stdout();
        if got == expected {
            return Ok(());
        }
        let symptom = match super::bytes::first_difference(expected, &got) {
            Some(at) if at == got.len() => Symptom::End,
            Some(at) if at == expected.len() => Symptom::Extra,
            _ => Symptom::Different,
        };
        self.fails(symptom, expected, &got[..])
    }

    /// Its stderr ends with a line that says something.
    pub fn says_what_failed(&self) -> Told {
        if self
            .stderr()
            .lines()
            .last()
            .is_some_and(|line| line.contains(char::is_alphabetic))
        {
            return Ok(());
        }
        self.fails(
            Symptom::Words,
            "a line on stderr that says what failed",
            "nothing there",
        )
    }

    /// All of its stdout. Ask after its end.
    pub fn stdout(&self) -> Vec<u8> {
        self.program
            .wait_output(Duration::from_secs(2), |stdout, _| stdout.closed);
        self.program.outputs().0.bytes
    }

    /// All of its stderr, made harmless. Ask after its end.
    pub fn stderr(&self) -> String {
        self.program
            .wait_output(Duration::from_secs(2), |_, stderr| stderr.closed);
        super::bytes::harmless(&self.program.outputs().1.bytes)
    }

    /// A failure as this program's own.
    pub fn fails<T>(
        &self,
        symptom: Symptom,
        expected: impl Into<Side>,
        got: impl Into<Side>,
    ) -> Result<T, Stop> {
        self.transcript
            .write(&self.program.who, "", What::Fails, symptom.word());
        let mut failure = Failure::new(symptom, expected, got);
        failure.who = self.program.who.clone();
        Err(failure.into())
    }
}

/// A folder of a stage's own, gone when the stage is.
struct Folder {
    path: PathBuf,
    name: String,
}

impl Folder {
    fn new() -> io::Result<Folder> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("wireside-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(&name);
        let mut folders = folders();
        let Some(folders) = folders.as_mut() else {
            return Err(io::Error::other("the grader is being ended"));
        };
        fs::create_dir_all(&path)?;
        folders.insert(path.clone());
        Ok(Folder { path, name })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        remove_folder(&self.path);
        if let Some(folders) = folders().as_mut() {
            folders.remove(&self.path);
        }
    }
}

/// The folders that there are now, so that an interrupt can remove them; `None` once it has.
static FOLDERS: Mutex<Option<BTreeSet<PathBuf>>> = Mutex::new(Some(BTreeSet::new()));

fn folders() -> MutexGuard<'static, Option<BTreeSet<PathBuf>>> {
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what an end that comes from outside would leave, and from now on no folder is made.
/// Whoever was in them must have ended.
pub fn remove_folders_for_good() {
    // Held until all are gone: whoever comes second must not end the grader before.
    let mut folders = folders();
    for path in folders.take().into_iter().flatten() {
        remove_folder(&path);
    }
}

/// Removes a folder whatever is in it. `remove_dir_all` goes down into it, a frame of the stack and
/// a descriptor for each level, and a submission can dig deeper than there are of either; it stops,
/// too, where a folder may not be entered. Here what is in a folder is moved up, beside the folder.
fn remove_folder(root: &Path) {
    platform::open_folder(root);
    let mut moved = 0_u64;
    let mut goes_on = true;
    // Each round takes away a level of folders, until there is none or nothing can be done.
    while goes_on {
        goes_on = false;
        for entry in fs::read_dir(root).into_iter().flatten().flatten() {
            let path = entry.path();
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                goes_on |= fs::remove_file(&path).is_ok();
                continue;
            }
            platform::open_folder(&path);
            for inner in fs::read_dir(&path).into_iter().flatten().flatten() {
                moved += 1;
                let _ = fs::rename(inner.path(), root.join(format!(".moved-{moved}")));
            }
            goes_on |= fs::remove_dir(&path).is_ok();
        }
    }
    let _ = fs::remove_dir(root);
}
