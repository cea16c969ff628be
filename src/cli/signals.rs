//! Ctrl-C, SIGTERM and SIGHUP as one stream: the first asks a run to end in good order, the second to end at once.
//!
//! ```text
//! let mut signals = Signals::listen()?;
//! select! { _ = proxy.serve() => …, _ = signals.next() => proxy.stop() }
//! select! { _ = proxy.drained() => …, _ = signals.next() => return at once }
//! ```

use std::io;
use std::time::{Duration, Instant};

use crate::launch::child::{Signal, SignalSource};

/// One press of Ctrl-C may arrive twice, from the terminal and from a parent such as npm that passes it on; what comes
/// this close to an equal signal is the same wish.
const SAME_WISH: Duration = Duration::from_millis(100);

/// The signals that ask this process to end. From [`Signals::listen`] on, none of them ends it by itself any more.
#[derive(Debug)]
pub(crate) struct Signals {
    arrivals: Arrivals,
    last: Option<(Signal, Instant)>,
}

impl Signals {
    /// Starts to listen; needs a running tokio runtime.
    ///
    /// # Errors
    /// What the system said when it would not register a handler.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self { arrivals: Arrivals::listen()?, last: None })
    }

    /// Waits for the next signal, for ever if none comes. Dropping the future loses none, so it fits into `select!`.
    pub(crate) async fn next(&mut self) -> Signal {
        loop {
            let signal = self.arrivals.next().await;
            let now = Instant::now();
            let repeated = self.last.is_some_and(|(last, before)| last == signal && now - before < SAME_WISH);
            if !repeated {
                self.last = Some((signal, now));
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
#[derive(Debug)]
struct Arrivals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Arrivals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        // A file that may not grow any more (`ulimit -f`) is a full disk: the write fails, and the run goes on.
        let _ = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()));
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            // Under nohup the run is to outlive its terminal.
            hangup: if hangup_is_ignored() { None } else { Some(signal(SignalKind::hangup())?) },
        })
    }

    async fn next(&mut self) -> Signal {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(()) = self.interrupt.recv() => Signal::Interrupt,
            Some(()) = self.terminate.recv() => Signal::Terminate,
            Some(()) = hangup => Signal::Hangup,
            else => std::future::pending().await,
        }
    }
}

/// What the parent left: Linux says it in the process's status, in a mask whose lowest bit is signal 1, SIGHUP.
#[cfg(unix)]
fn hangup_is_ignored() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

#[cfg(windows)]
#[derive(Debug)]
struct Arrivals {
    interrupt: tokio::signal::windows::CtrlC,
    stop: tokio::signal::windows::CtrlBreak,
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Arrivals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
        Ok(Self { interrupt: ctrl_c()?, stop: ctrl_break()?, close: ctrl_close()?, shutdown: ctrl_shutdown()? })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            Some(()) = self.interrupt.recv() => Signal::Interrupt,
            Some(()) = self.stop.recv() => Signal::Interrupt,
            Some(()) = self.close.recv() => Signal::Hangup,
            Some(()) = self.shutdown.recv() => Signal::Terminate,
            else => std::future::pending().await,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_signal_comes_out_once_and_its_echo_is_the_same_wish() {
        let mut signals = Signals::listen().unwrap();
        let send = |name| {
            let pid = std::process::id().to_string();
            assert!(std::process::Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
        };
        send("HUP");
        assert_eq!(signals.next().await, Signal::Hangup);
        let first = signals.last;
        send("HUP");
        send("TERM");
        assert_eq!(signals.next().await, Signal::Terminate);
        assert_ne!(signals.last, first);
    }
}
