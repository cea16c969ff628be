//! The thread that writes lines.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::{ExchangeLine, Format};

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
}

#[derive(Debug)]
struct Lines {
    sender: Mutex<Option<Sender<String>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Lines {
    fn finish(&self) {
        drop(self.sender.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Some(writer) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = writer.join();
        }
    }
}

impl Log {
    /// A log without lines.
    pub fn off() -> Self {
        Self { format: Format::Text, lines: None }
    }

    /// Opens the target and starts its thread.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened or the thread cannot be started.
    pub fn open(target: &Target, format: Format) -> io::Result<Self> {
        let out: Box<dyn Write + Send> = match target {
            Target::Off => return Ok(Self::off()),
            Target::Stderr => Box::new(io::stderr()),
            Target::File(path) => Box::new(append(path)?),
        };
        let (sender, lines) = channel();
        let thread = std::thread::Builder::new().name("harmock-log".into()).spawn(move || write(out, &lines))?;
        let lines = Lines { sender: Mutex::new(Some(sender)), writer: Mutex::new(Some(thread)) };
        Ok(Self { format, lines: Some(Arc::new(lines)) })
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
            self.send(line.render(self.format));
        }
    }

    /// Writes something that people should know and that belongs to no exchange.
    pub fn notice(&self, text: &str) {
        if self.is_on() {
            self.send(match self.format {
                Format::Text => format!("harmock: {text}"),
                Format::Json => serde_json::json!({ "notice": text }).to_string(),
            });
        }
    }

    fn send(&self, line: String) {
        let Some(lines) = &self.lines else { return };
        if let Some(sender) = lines.sender.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            let _ = sender.send(line);
        }
    }
}

fn append(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).open(path)
}

/// Writes lines as they come; flushed whenever there is none to write, so that a reader sees them at once.
fn write(out: impl Write, lines: &Receiver<String>) {
    let mut out = BufWriter::with_capacity(64 << 10, out);
    while let Ok(line) = lines.recv() {
        // A log that cannot be written must not end the traffic.
        let _ = writeln!(out, "{line}");
        while let Ok(line) = lines.try_recv() {
            let _ = writeln!(out, "{line}");
        }
        let _ = out.flush();
    }
    let _ = out.flush();
}
