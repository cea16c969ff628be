//! The thread that writes lines.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{ExchangeLine, Format};
use crate::redact::shown_text;

/// After a writing, before the next one.
const GATHERED: Duration = Duration::from_millis(10);
/// Bytes for lines that are kept between writings.
const KEPT: usize = 64 << 10;

/// Where lines go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Target {
    /// Standard error.
    #[default]
    Stderr,
    /// A file, appended to.
    File(PathBuf),
    /// Nowhere.
    Off,
}

/// A log that many tasks write to. Cheap to clone; the last clone that goes waits until everything is written.
#[derive(Debug, Clone)]
pub struct Log {
    format: Format,
    lines: Option<Arc<Lines>>,
    /// Lines do not go to standard error, and what people must know at once goes there, too.
    apart: bool,
}

#[derive(Debug)]
struct Lines {
    pending: Arc<Pending>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// Lines that the writer has not taken yet.
#[derive(Debug, Default)]
struct Pending {
    state: Mutex<State>,
    came: Condvar,
}

#[derive(Debug, Default)]
struct State {
    text: String,
    closed: bool,
    /// The writer has nothing to do, and has to be woken.
    waiting: bool,
}

impl Pending {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: impl FnOnce(&mut String)) {
        let mut state = self.state();
        if state.closed {
            return;
        }
        line(&mut state.text);
        state.text.push('\n');
        // Waking a thread costs more than a line: while it writes or gathers it is not woken.
        if std::mem::take(&mut state.waiting) {
            self.came.notify_one();
        }
    }

    fn close(&self) {
        self.state().closed = true;
        self.came.notify_all();
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Lines {
    fn finish(&self) {
        self.pending.close();
        if let Some(writer) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = writer.join();
        }
    }
}

impl Log {
    /// A log without lines, and without alarms.
    pub fn off() -> Self {
        Self { format: Format::Text, lines: None, apart: false }
    }

    /// Opens the target and starts its thread.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened or the thread cannot be started.
    pub fn open(target: &Target, format: Format) -> io::Result<Self> {
        let out: Box<dyn Write + Send> = match target {
            Target::Off => return Ok(Self { format, apart: true, ..Self::off() }),
            Target::Stderr => Box::new(io::stderr()),
            Target::File(path) => Box::new(append(path)?),
        };
        let pending = Arc::new(Pending::default());
        let lines = Arc::clone(&pending);
        let thread = std::thread::Builder::new().name("harmock-log".into()).spawn(move || write(out, &lines))?;
        let lines = Lines { pending, writer: Mutex::new(Some(thread)) };
        Ok(Self { format, lines: Some(Arc::new(lines)), apart: *target != Target::Stderr })
    }

    /// Waits until every line so far is written; later ones go nowhere.
    pub fn finish(&self) {
        if let Some(lines) = &self.lines {
            lines.finish();
        }
    }

    /// Whether lines go anywhere; what only a line needs, need not be made otherwise.
    pub fn is_on(&self) -> bool {
        self.lines.is_some()
    }

    /// Writes the line of one exchange.
    pub fn exchange(&self, line: &ExchangeLine<'_>) {
        if self.is_on() {
            self.send(|text| line.render(self.format, text));
        }
    }

    /// Writes something that people should know and that belongs to no exchange.
    pub fn notice(&self, text: &str) {
        let text = &*shown_text(text);
        if self.is_on() {
            let notice = match self.format {
                Format::Text => format!("harmock: {text}"),
                Format::Json => serde_json::json!({ "notice": text }).to_string(),
            };
            self.send(|text| text.push_str(&notice));
        }
    }

    /// The same for what people must know at once: on standard error also where the log is a file or off.
    pub fn alert(&self, text: &str) {
        self.notice(text);
        if self.apart {
            let _ = writeln!(io::stderr(), "harmock: {}", shown_text(text));
        }
    }

    fn send(&self, line: impl FnOnce(&mut String)) {
        if let Some(lines) = &self.lines {
            lines.pending.add(line);
        }
    }
}

fn append(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).open(path)
}

/// Writes lines as they come. After each writing it gathers for a moment, so that a reader sees a line almost at once
/// and a thousand lines are still one writing.
fn write(mut out: impl Write, pending: &Pending) {
    let mut text = String::new();
    loop {
        let mut state = pending.state();
        while state.text.is_empty() && !state.closed {
            state.waiting = true;
            state = pending.came.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let closed = state.closed;
        std::mem::swap(&mut state.text, &mut text);
        drop(state);
        // A log that cannot be written must not end the traffic.
        let _ = out.write_all(text.as_bytes());
        let _ = out.flush();
        if closed {
            return;
        }
        text.clear();
        // What one burst took is not kept for good.
        text.shrink_to(KEPT);
        std::thread::sleep(GATHERED);
    }
}
