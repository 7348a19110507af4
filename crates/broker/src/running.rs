//! Starting and stopping.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use millstream_core::{Error, Result};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::cluster::Cluster;
use crate::connection;
use crate::group::Groups;
use crate::log::Log;
use crate::options::{BrokerOptions, MAX_BYTES};

/// How often silent group members are looked for.
const EXPIRY: Duration = Duration::from_millis(500);
/// How long the threads may take to end.
const PATIENCE: Duration = Duration::from_secs(2);
/// Threads that serve connections; the clients, in the same process as a rule, want cores as well.
const THREADS: usize = 2;

/// Starts brokers.
#[derive(Debug, Clone, Copy)]
pub struct Broker;

impl Broker {
    /// Starts a broker on threads of its own and returns once it takes connections. May be called from async code.
    ///
    /// # Errors
    /// Kind `usage` for options out of range, `environment` when the address cannot be listened on or the data folder
    /// cannot be used (in use by another broker, damaged, not writable).
    pub fn start(options: BrokerOptions) -> Result<RunningBroker> {
        options.check()?;
        let listener = listen(options.listen)?;
        let address =
            listener.local_addr().map_err(|error| Error::environment("no address to listen on").why(error))?;
        let (host, port) = options.endpoint(address)?;
        let log = Log::open(options.data_dir.clone(), MAX_BYTES)?;
        let groups = Groups::open(options.data_dir.clone())?;
        let cluster = Arc::new(Cluster { host, port, log, groups });
        for topic in &options.topics {
            declare(&cluster.log, &topic.name, topic.partitions as usize)?;
        }
        let bootstrap = if cluster.host.contains(':') {
            format!("[{}]:{port}", cluster.host)
        } else {
            format!("{}:{port}", cluster.host)
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("millstream-broker")
            .enable_all()
            .build()
            .map_err(|error| Error::environment("the broker's threads cannot be started").why(error))?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("millstream-broker".to_owned())
            .spawn(move || run(runtime, listener, cluster, stopped))
            .map_err(|error| Error::environment("the broker's thread cannot be started").why(error))?;
        Ok(RunningBroker { address, bootstrap, stop: Some(stop), thread: Some(thread) })
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map_err(|error| {
        Error::environment(format!("the broker cannot listen on {address}"))
            .why(error)
            .hint("another broker may be running there: choose another port, or port 0 for a free one")
    })
}

/// Makes sure that a topic is there with that many partitions.
fn declare(log: &Log, name: &str, partitions: usize) -> Result<()> {
    let declared = match log.topic(name).map(|topic| topic.partitions().len()) {
        None => log.create(name, partitions).map(drop),
        Some(existing) if existing < partitions => log.add_partitions(name, partitions),
        Some(_) => Ok(()),
    };
    declared.map_err(|error| Error::environment(format!("topic {name} cannot be made")).why(error))
}

fn run(runtime: Runtime, listener: TcpListener, cluster: Arc<Cluster>, stopped: oneshot::Receiver<()>) -> Result<()> {
    let served = runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)
            .map_err(|error| Error::environment("the broker cannot take connections").why(error))?;
        tokio::select! {
            () = serve(&listener, &cluster) => {}
            // Stopped, or the handle is gone.
            _ = stopped => {}
        }
        Ok(())
    });
    runtime.shutdown_timeout(PATIENCE);
    served
}

async fn serve(listener: &tokio::net::TcpListener, cluster: &Arc<Cluster>) {
    // Dropped with this future, which ends all connections.
    let mut connections = JoinSet::new();
    let mut expiry = interval(EXPIRY);
    expiry.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(connection::serve(stream, Arc::clone(cluster)))),
                // Out of file descriptors, most likely: some connection must end first.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            _ = expiry.tick() => cluster.groups.expire(),
            Some(_) = connections.join_next() => {}
        }
    }
}

/// A broker that runs until it is shut down or dropped.
#[derive(Debug)]
pub struct RunningBroker {
    address: SocketAddr,
    bootstrap: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl RunningBroker {
    /// The address that is listened on, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `host:port` for `bootstrap.servers`: what clients are told to connect to.
    pub fn bootstrap(&self) -> String {
        self.bootstrap.clone()
    }

    /// Stops listening, closes connections and waits for the threads to end (at most 2 seconds).
    ///
    /// # Errors
    /// Kind `ours` when the broker had ended badly before.
    pub fn shutdown(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        if let Some(stop) = self.stop.take() {
            // It may have ended by itself; then the thread tells why.
            let _ = stop.send(());
        }
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err(Error::ours("the broker ended with a panic")),
        }
    }
}

impl Drop for RunningBroker {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = self.end();
    }
}
