//! The accept loop: it outlives every bad accept, caps connections, and drains at the end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::connection;
use super::engine::Engine;
use crate::connect::ClientStream;

/// After an accept that failed for want of something (file descriptors, memory), before the next one.
const BACKOFF: Duration = Duration::from_millis(50);

/// A listening socket.
pub(super) struct Listener {
    pub(super) tcp: TcpListener,
    pub(super) door: Door,
}

/// What is particular to the clients that come to one listener.
#[derive(Debug, Clone)]
pub(super) struct Door {
    /// Its place among all.
    pub(super) number: usize,
    /// The session of these clients, where they have one.
    pub(super) session: Option<Arc<str>>,
}

/// Accepts everywhere until the run is told to end; dropping it ends that, too.
pub(super) async fn accept_all(listeners: Vec<Listener>, engine: Arc<Engine>) {
    let places = Arc::new(Semaphore::new(engine.limits.connections));
    let mut accepting = JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept_loop(listener, Arc::clone(&places), Arc::clone(&engine)));
    }
    while accepting.join_next().await.is_some() {}
}

async fn accept_loop(listener: Listener, places: Arc<Semaphore>, engine: Arc<Engine>) {
    loop {
        let place = tokio::select! {
            () = engine.ending.cancelled() => return,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let accepted = tokio::select! {
            () = engine.ending.cancelled() => return,
            accepted = listener.tcp.accept() => accepted,
        };
        match accepted {
            Ok((tcp, _client)) => {
                let connection = serve(tcp, listener.door.clone(), Arc::clone(&engine));
                engine.tasks.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) if concerns_one_client(&error) => {}
            Err(error) => {
                engine.log.notice(&format!("cannot accept a connection: {error}; trying again"));
                sleep(BACKOFF).await;
            }
        }
    }
}

async fn serve(tcp: TcpStream, door: Door, engine: Arc<Engine>) {
    // Answers are written whole; waiting to fill a segment only delays them.
    let _ = tcp.set_nodelay(true);
    connection::serve_listener(ClientStream::new(tcp), door, engine).await;
}

fn concerns_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
