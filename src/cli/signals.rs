//! Ctrl-C, SIGTERM and SIGHUP as one stream: the first asks a run to end in good order, the second to end at once.
//!
//! ```ignore
//! let mut signals = Signals::listen()?;
//! select! { _ = proxy.serve() => …, _ = signals.next() => proxy.stop() }
//! select! { _ = proxy.drained() => …, _ = signals.next() => return at once }
//! ```

use std::io;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::launch::child::{Signal, SignalSource};

/// One press of Ctrl-C may arrive twice, from the terminal and from a parent such as npm that passes it on; what comes
/// this close to an equal signal is the same wish.
const SAME_WISH: Duration = Duration::from_millis(100);

/// The signals that ask this process to end. From [`Signals::listen`] on, none of them ends it by itself any more.
#[derive(Debug)]
pub(crate) struct Signals {
    arrivals: mpsc::UnboundedReceiver<(Signal, Instant)>,
    last: Option<(Signal, Instant)>,
}

impl Signals {
    /// Starts to listen; needs a running tokio runtime.
    ///
    /// # Errors
    /// What the system said when it would not register a handler.
    pub(crate) fn listen() -> io::Result<Self> {
        let (sender, arrivals) = mpsc::unbounded_channel();
        register(&sender)?;
        Ok(Self { arrivals, last: None })
    }

    /// Waits for the next signal, for ever if none comes. Dropping the future loses none, so it fits into `select!`.
    pub(crate) async fn next(&mut self) -> Signal {
        loop {
            let Some((signal, at)) = self.arrivals.recv().await else { return std::future::pending().await };
            let repeated = self.last.is_some_and(|(last, before)| last == signal && at - before < SAME_WISH);
            if !repeated {
                self.last = Some((signal, at));
                return signal;
            }
        }
    }
}

impl SignalSource for Signals {
    fn next(&mut self) -> impl Future<Output = Signal> {
        Signals::next(self)
    }
}

#[cfg(unix)]
fn register(sender: &mpsc::UnboundedSender<(Signal, Instant)>) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    for (kind, meaning) in [
        (SignalKind::interrupt(), Signal::Interrupt),
        (SignalKind::terminate(), Signal::Terminate),
        (SignalKind::hangup(), Signal::Hangup),
    ] {
        let mut arrivals = signal(kind)?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while arrivals.recv().await.is_some() && sender.send((meaning, Instant::now())).is_ok() {}
        });
    }
    Ok(())
}

#[cfg(windows)]
fn register(sender: &mpsc::UnboundedSender<(Signal, Instant)>) -> io::Result<()> {
    use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
    macro_rules! pass {
        ($listener:expr, $meaning:expr) => {{
            let mut arrivals = $listener?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while arrivals.recv().await.is_some() && sender.send(($meaning, Instant::now())).is_ok() {}
            });
        }};
    }
    pass!(ctrl_c(), Signal::Interrupt);
    pass!(ctrl_break(), Signal::Interrupt);
    pass!(ctrl_close(), Signal::Hangup);
    pass!(ctrl_shutdown(), Signal::Terminate);
    Ok(())
}
