//! One check's stage: the submission, whoever talks to it, and the record of it.

mod folder;
mod pupil;

pub use folder::{remove_folder, remove_folders_for_good};
pub use pupil::Pupil;

use super::check::{Stop, broken};
use super::client::Client;
use super::failure::{Failure, Symptom};
use super::faults::Faults;
use super::launch::Launch;
use super::listener::{self, Listener, Refusing, Silent};
use super::platform;
use super::program::{Input, PATIENCE, Program, Start};
use super::seed::{Dice, Seed};
use super::transcript::{Transcript, What};
use super::udp::{self, UdpPeer, UdpPlace};
use folder::Folder;
use socket2::{Domain, Socket, Type};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

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
    /// A program is started with its low descriptors taken.
    pub(super) filled: Cell<bool>,
    /// What a submission that is a server is started with, behind its address.
    server_args: RefCell<Vec<String>>,
    /// The addresses of all peers that it had.
    udp_peers: RefCell<BTreeSet<SocketAddr>>,
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
            filled: Cell::new(false),
            server_args: RefCell::default(),
            udp_peers: RefCell::default(),
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

    /// A client that gives up a connect which takes so long; `None` if it did.
    pub fn client_unless_it_waits(
        &self,
        who: &str,
        limit: Duration,
    ) -> Option<Result<Client, Stop>> {
        let mut waited = false;
        let came = self.connect_by(who, |addr| {
            let tried = TcpStream::connect_timeout(&addr, limit);
            waited = tried
                .as_ref()
                .is_err_and(|err| err.kind() == io::ErrorKind::TimedOut);
            tried
        });
        (!waited).then_some(came)
    }

    fn connect(&self, who: &str, from: Option<Ipv4Addr>) -> Result<Client, Stop> {
        self.connect_by(who, |addr| match from {
            None => connected(
                Socket::new(Domain::for_address(addr), Type::STREAM, None)?,
                addr,
            ),
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
            connected(socket, addr)
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
            Err(err) if platform::is_lack_of_descriptors(&err) => {
                return Err(Stop::Broken(format!("cannot open a socket: {err}")));
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
        udp::unlike(&mut self.udp_peers.borrow_mut(), || {
            let (program, transcript) = (Arc::clone(program), Arc::clone(&self.transcript));
            let peer = UdpPeer::bind(at, who, *server, program, transcript)?;
            let addr = peer.addr()?;
            Ok((peer, addr))
        })
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

    /// A port of `[::1]` at which connects are refused.
    pub fn refusing_on_ipv6(&self) -> Result<Refusing, Stop> {
        let addr = (Ipv6Addr::LOCALHOST, self.ports(1)?.start).into();
        Refusing::at(addr).map_err(|err| match err.kind() {
            io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => taken(err),
            _ => Stop::Skipped("this system has no IPv6 on loopback".to_string()),
        })
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
            filled: self.filled.get(),
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
    connected(socket, to)
}

fn connected(socket: Socket, to: SocketAddr) -> io::Result<TcpStream> {
    match socket.connect_timeout(&to.into(), PATIENCE) {
        // It was: somebody has accepted it, said its sentence and reset it, all before we looked. What
        // was said can still be read, and behind it is the end. (Nobody there would be a refusal.)
        Err(err) if err.kind() == io::ErrorKind::ConnectionReset => Ok(socket.into()),
        tried => tried.map(|()| socket.into()),
    }
}
