//! Connections kept for later requests: for each destination the idle HTTP/1 ones and one HTTP/2 connection.
//!
//! A request that finds none waits, and a connection is opened in a task of its own, so that a client that goes away
//! does not end the opening that others wait for. What comes first serves the one that has waited longest: the new
//! connection or one that another exchange has just ended with. While it is unknown whether an origin speaks HTTP/2,
//! and while it does, one opening serves all.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use tokio::sync::oneshot;

use super::connect::{Connector, Purpose, Way};
use super::line::{Lease, Line, Sender, lock};
use super::{Failure, Protocol};
use crate::message::{Destination, Scheme};

/// Idle connections to one destination; further ones are closed.
const MAX_IDLE: usize = 1024;
/// How often idle connections are looked through.
const SWEEP: Duration = Duration::from_secs(10);

type Slots = Mutex<HashMap<Destination, Arc<Slot>, RandomState>>;

/// The connections of all destinations.
pub(super) struct Pool {
    pub(super) connector: Arc<Connector>,
    slots: Slots,
    /// Plain HTTP through the tunnel of a further proxy, where absolute form would not say the same.
    opaque: Slots,
    /// HTTP/2 without TLS, for clients that know the origin to speak it.
    prior: Slots,
    sweeping: std::sync::Once,
}

/// The connections of one destination.
pub(super) struct Slot {
    pub(super) to: Destination,
    pub(super) way: Way,
    purpose: Purpose,
    connector: Arc<Connector>,
    state: Mutex<State>,
}

/// What a request accepts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Choice {
    /// No connection from the pool.
    pub(super) fresh: bool,
    /// No HTTP/1 connection that has been idle for longer.
    pub(super) idle_at_most: Option<Duration>,
}

#[derive(Default)]
struct State {
    idle: Vec<Idle>,
    http2: Option<Lease>,
    /// When `http2` or an idle connection was last lent.
    used: Option<Instant>,
    speaks: Option<Protocol>,
    waiting: VecDeque<oneshot::Sender<Result<Lease, Failure>>>,
    opening: usize,
}

struct Idle {
    lease: Lease,
    since: Instant,
}

impl Pool {
    pub(super) fn new(connector: Connector) -> Self {
        Self {
            connector: Arc::new(connector),
            slots: Slots::default(),
            opaque: Slots::default(),
            prior: Slots::default(),
            sweeping: std::sync::Once::new(),
        }
    }

    /// The slot of a destination, as its requests are usually sent.
    pub(super) fn slot(&self, to: &Destination) -> Arc<Slot> {
        self.find(&self.slots, to, Connector::way, Purpose::Requests)
    }

    /// The slot of a destination for requests that no further proxy must look at.
    pub(super) fn opaque_slot(&self, to: &Destination) -> Arc<Slot> {
        self.find(&self.opaque, to, Connector::opaque_way, Purpose::Requests)
    }

    /// The slot of a plain destination for requests in HTTP/2, which no further proxy would pass on.
    pub(super) fn prior_slot(&self, to: &Destination) -> Arc<Slot> {
        self.find(&self.prior, to, Connector::opaque_way, Purpose::PriorHttp2)
    }

    fn find(
        &self,
        slots: &Slots,
        to: &Destination,
        way: fn(&Connector, &Destination) -> Way,
        purpose: Purpose,
    ) -> Arc<Slot> {
        let mut slots = lock(slots);
        if let Some(slot) = slots.get(to) {
            return slot.clone();
        }
        let speaks = match purpose {
            Purpose::PriorHttp2 => Some(Protocol::Http2),
            _ => (to.scheme == Scheme::Http).then_some(Protocol::Http1),
        };
        let slot = Arc::new(Slot {
            to: to.clone(),
            way: way(&self.connector, to),
            purpose,
            connector: self.connector.clone(),
            state: Mutex::new(State { speaks, ..State::default() }),
        });
        slots.insert(to.clone(), slot.clone());
        slot
    }

    /// Starts closing what stays idle, once; ends when the pool does.
    pub(super) fn keep_swept(self: &Arc<Self>) {
        self.sweeping.call_once(|| {
            let pool = Arc::downgrade(self);
            let limit = self.connector.config.idle;
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(SWEEP.min(limit)).await;
                    let Some(pool) = Weak::upgrade(&pool) else { return };
                    for slots in [&pool.slots, &pool.opaque, &pool.prior] {
                        lock(slots).retain(|_, slot| slot.sweep(limit) || Arc::strong_count(slot) > 1);
                    }
                }
            });
        });
    }
}

impl Slot {
    /// A connection for one request.
    pub(super) async fn lease(self: &Arc<Self>, choice: Choice) -> Result<Lease, Failure> {
        let served = {
            let mut state = lock(&self.state);
            if !choice.fresh
                && let Some(lease) = state.lend(choice)
            {
                return Ok(lease);
            }
            let (server, served) = oneshot::channel();
            state.waiting.push_back(server);
            self.open_missing(&mut state);
            served
        };
        // The opening task always answers; it goes away unanswered only with the runtime.
        served.await.unwrap_or_else(|_| Err(Failure::slow("no connection, because the proxy ends,", Duration::ZERO)))
    }

    /// Takes an HTTP/1 connection back.
    pub(super) fn release(&self, lease: Lease) {
        lock(&self.state).serve(lease);
    }

    /// Lends a connection that failed to nobody any more.
    pub(super) fn forget(&self, line: &Line) {
        let mut state = lock(&self.state);
        if state.http2.as_ref().is_some_and(|lease| lease.line.id == line.id) {
            state.http2 = None;
        }
    }

    fn open_missing(self: &Arc<Self>, state: &mut State) {
        for _ in 0..state.missing() {
            state.opening += 1;
            let slot = self.clone();
            tokio::spawn(async move {
                let opened = slot.open().await;
                slot.opened(opened);
            });
        }
    }

    async fn open(self: &Arc<Self>) -> Result<Lease, Failure> {
        let opened = self.connector.open(&self.to, &self.way, self.purpose).await?;
        Lease::start(opened, Arc::downgrade(self), false)
            .await
            .map_err(|error| Failure::of_exchange(&self.to.authority(), &error))
    }

    fn opened(self: &Arc<Self>, result: Result<Lease, Failure>) {
        let mut state = lock(&self.state);
        state.opening -= 1;
        match result {
            Ok(lease) => {
                state.speaks = Some(lease.protocol());
                state.serve(lease);
            }
            Err(failure) => state.fail(&failure),
        }
        self.open_missing(&mut state);
    }

    /// Closes what has been idle for too long; `false` if nothing is left.
    fn sweep(&self, limit: Duration) -> bool {
        let mut state = lock(&self.state);
        state.idle.retain(|idle| idle.is_alive(limit));
        // Streams that still run on a connection keep it open without the pool.
        if state.used.is_none_or(|used| used.elapsed() >= limit) {
            state.http2 = None;
        }
        !state.idle.is_empty() || state.http2.is_some() || !state.waiting.is_empty() || state.opening > 0
    }
}

impl State {
    fn lend(&mut self, choice: Choice) -> Option<Lease> {
        if let Some(shared) = &self.http2 {
            if let Some(lease) = shared.copy().filter(|lease| !lease.is_closed()) {
                self.used = Some(Instant::now());
                return Some(lease);
            }
            self.http2 = None;
        }
        while let Some(idle) = self.idle.pop() {
            if idle.is_alive(Duration::MAX) {
                if choice.idle_at_most.is_some_and(|limit| idle.since.elapsed() > limit) {
                    // The last one in is the one that was idle for the shortest time.
                    self.idle.push(idle);
                    return None;
                }
                return Some(idle.lease);
            }
        }
        None
    }

    /// Gives a connection to those who wait, or keeps it.
    fn serve(&mut self, mut lease: Lease) {
        if lease.protocol() == Protocol::Http2 {
            self.used = Some(Instant::now());
            while let Some(waiting) = self.waiting.pop_front() {
                let Some(copy) = lease.copy() else { return };
                let copy = Lease { phases: lease.phases, ..copy };
                if waiting.send(Ok(copy)).is_ok() {
                    lease.phases = None;
                }
            }
            self.http2 = Some(lease);
            return;
        }
        while let Some(waiting) = self.waiting.pop_front() {
            match waiting.send(Ok(lease)) {
                Ok(()) => return,
                Err(Ok(unwanted)) => lease = unwanted,
                Err(Err(_)) => return,
            }
        }
        if self.idle.len() < MAX_IDLE {
            self.idle.push(Idle { lease, since: Instant::now() });
        }
    }

    /// Tells those whom no opening will serve any more.
    fn fail(&mut self, failure: &Failure) {
        self.waiting.retain(|waiting| !waiting.is_closed());
        while self.waiting.len() > self.opening {
            if let Some(waiting) = self.waiting.pop_front() {
                let _ = waiting.send(Err(failure.clone()));
            }
        }
    }

    /// How many connections to open for those who wait.
    fn missing(&mut self) -> usize {
        self.waiting.retain(|waiting| !waiting.is_closed());
        let missing = self.waiting.len().saturating_sub(self.opening);
        match self.speaks {
            Some(Protocol::Http1) => missing,
            _ if self.opening > 0 => 0,
            _ => missing.min(1),
        }
    }
}

impl Idle {
    fn is_alive(&self, limit: Duration) -> bool {
        let limit = self.lease.line.kept_for().map_or(limit, |kept_for| kept_for.min(limit));
        !self.lease.is_closed() && self.since.elapsed() < limit
    }
}

impl Lease {
    fn protocol(&self) -> Protocol {
        match self.sender {
            Sender::Http1(_) => Protocol::Http1,
            Sender::Http2(_) => Protocol::Http2,
        }
    }

    fn is_closed(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => sender.is_closed(),
            Sender::Http2(sender) => sender.is_closed(),
        }
    }

    /// A further right to send on an HTTP/2 connection.
    fn copy(&self) -> Option<Self> {
        let Sender::Http2(sender) = &self.sender else { return None };
        Some(Self { line: self.line.clone(), phases: None, sender: Sender::Http2(sender.clone()) })
    }
}
