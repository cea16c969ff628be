//! `harmock ca`: the certificate authority's files, and the trust stores of this machine.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};

use crate::ca::CertAuthority;
use crate::ca::stores::{self, Anchor, Machine, Place, Step, StepError, Store};

use super::CommandResult;

/// Show, export, install or remove the certificate authority that clients must trust.
#[derive(Debug, Args)]
pub(crate) struct CaArgs {
    #[command(subcommand)]
    command: CaCommand,
}

#[derive(Debug, Subcommand)]
enum CaCommand {
    /// Print the path of the CA certificate; makes the CA if there is none.
    Path(CaDir),
    /// Print the CA's name, fingerprints and validity, and the trust stores that hold it.
    Show(CaDir),
    /// Write the CA certificate (never its key) to a file or to standard output.
    Export(ExportArgs),
    /// Put the CA certificate into the trust stores of this machine.
    Install(StoresArgs),
    /// Take the CA certificate out of the trust stores of this machine.
    Uninstall(StoresArgs),
}

/// Where the certificate authority is kept.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct CaDir {
    /// Folder of the certificate authority [default: harmock in the platform's data folder].
    #[arg(long, env = "HARMOCK_CA_DIR", value_name = "DIR")]
    pub(crate) ca_dir: Option<PathBuf>,
}

impl CaDir {
    /// Reads the authority, or makes it.
    pub(crate) fn load(&self) -> anyhow::Result<CertAuthority> {
        Ok(CertAuthority::load_or_create(self.ca_dir.as_deref())?)
    }
}

#[derive(Debug, Args)]
struct ExportArgs {
    #[command(flatten)]
    ca_dir: CaDir,
    /// Certificate in PEM or DER, or the base64 SHA-256 of its public key for Chromium's
    /// --ignore-certificate-errors-spki-list.
    #[arg(long, value_enum, default_value_t = Format::Pem)]
    format: Format,
    /// File to write instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Pem,
    Der,
    Spki,
}

#[derive(Debug, Args)]
struct StoresArgs {
    #[command(flatten)]
    ca_dir: CaDir,
    /// Which stores, separated by commas [default: all].
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STORE")]
    store: Vec<StoreName>,
    /// Print the commands and change nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StoreName {
    /// The operating system's.
    System,
    /// Chromium's on Linux, and Firefox's profiles.
    Nss,
    /// The Java runtime's cacerts.
    Java,
}

impl From<StoreName> for Store {
    fn from(name: StoreName) -> Self {
        match name {
            StoreName::System => Self::System,
            StoreName::Nss => Self::Nss,
            StoreName::Java => Self::Java,
        }
    }
}

/// Runs `harmock ca …`.
pub(crate) fn run(args: CaArgs) -> CommandResult {
    match args.command {
        CaCommand::Path(ca_dir) => print(&format!("{}\n", ca_dir.load()?.cert_path().display())),
        CaCommand::Show(ca_dir) => print(&description(&ca_dir.load()?, &Machine::this())),
        CaCommand::Export(args) => export(&args),
        CaCommand::Install(args) => change(&args, Change::Install),
        CaCommand::Uninstall(args) => change(&args, Change::Uninstall),
    }
}

fn print(text: &str) -> CommandResult {
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")?;
    Ok(ExitCode::SUCCESS)
}

fn description(ca: &CertAuthority, machine: &Machine) -> String {
    let anchor = Anchor::from(ca);
    let mut text = format!(
        "subject:      {}\nserial:       {}\nsha-256:      {}\nspki sha-256: {}\nvalid:        {} to {}\nfolder:       \
         {}\ncertificate:  {}\n",
        ca.name(),
        ca.serial(),
        ca.fingerprint(),
        ca.spki_sha256_base64(),
        ca.not_before().date(),
        ca.not_after().date(),
        ca.dir().display(),
        ca.cert_path().display(),
    );
    for store in Store::ALL {
        let found = stores::find(store, machine);
        for place in &found.places {
            let holds = if place.holds(&anchor) { "installed" } else { "not installed" };
            text.push_str(&format!("{:13} {holds} in {place}\n", format!("{}:", store.as_str())));
        }
        for reason in &found.unmanaged {
            text.push_str(&format!("{:13} {reason}\n", format!("{}:", store.as_str())));
        }
    }
    text
}

fn export(args: &ExportArgs) -> CommandResult {
    let ca = args.ca_dir.load()?;
    let spki = format!("{}\n", ca.spki_sha256_base64());
    let bytes = match args.format {
        Format::Pem => ca.cert_pem().as_bytes(),
        Format::Der => ca.cert_der(),
        Format::Spki => spki.as_bytes(),
    };
    match &args.output {
        Some(path) => std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))?,
        None => std::io::stdout().write_all(bytes).context("cannot write to standard output")?,
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Install,
    Uninstall,
}

fn change(args: &StoresArgs, change: Change) -> CommandResult {
    let dir = match &args.ca_dir.ca_dir {
        Some(dir) => std::path::absolute(dir).with_context(|| format!("cannot resolve {}", dir.display()))?,
        None => CertAuthority::default_dir()?,
    };
    let anchor = match change {
        Change::Install => Anchor::from(&args.ca_dir.load()?),
        Change::Uninstall => match Anchor::read(&dir)? {
            Some(anchor) => anchor,
            None => {
                anstream::eprintln!("there is no CA in {}; nothing to remove", dir.display());
                return Ok(ExitCode::SUCCESS);
            }
        },
    };
    let machine = Machine::this();
    let chosen: Vec<Store> = match &args.store[..] {
        [] => Store::ALL.to_vec(),
        names => names.iter().copied().map(Store::from).collect(),
    };
    let mut failed = false;
    for store in chosen {
        let found = stores::find(store, &machine);
        // Naming a store asks for it; without names, whatever this machine has is meant.
        failed |= !args.store.is_empty() && found.places.is_empty();
        for reason in &found.unmanaged {
            anstream::eprintln!("{}: not managed: {reason}", store.as_str());
        }
        for place in &found.places {
            failed |= !change_place(store, place, &anchor, change, args.dry_run, &dir)?;
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Brings one store into the wanted state, says what was done, and gives whether it worked.
fn change_place(
    store: Store,
    place: &Place,
    anchor: &Anchor,
    change: Change,
    dry_run: bool,
    dir: &Path,
) -> anyhow::Result<bool> {
    let store_name = store.as_str();
    let (steps, done, settled) = match change {
        Change::Install => (place.install(anchor), "installed in", place.holds(anchor)),
        Change::Uninstall => (place.uninstall(anchor), "removed from", !place.holds(anchor)),
    };
    if settled {
        let state = if change == Change::Install { "already in" } else { "not in" };
        anstream::eprintln!("{store_name}: {state} {place}");
        return Ok(true);
    }
    if dry_run {
        print(&commands(&steps))?;
        return Ok(true);
    }
    match stores::take_all(&steps) {
        Ok(()) => anstream::eprintln!("{store_name}: {done} {place}"),
        Err(error) => {
            anstream::eprintln!("{store_name}: not {done} {place}: {}", reason(&error, &steps, store, change, dir));
            return Ok(false);
        }
    }
    Ok(true)
}

fn commands(steps: &[Step]) -> String {
    steps.iter().map(|step| format!("{step}\n")).collect()
}

/// The error, and what to run instead when an administrator can do it.
fn reason(error: &StepError, steps: &[Step], store: Store, change: Change, dir: &Path) -> String {
    if !matches!(error, StepError::Permission) {
        return error.to_string();
    }
    let verb = if change == Change::Install { "install" } else { "uninstall" };
    if cfg!(windows) {
        let commands = commands(steps);
        return format!("{error}; run as administrator: {}", commands.trim().replace('\n', " && "));
    }
    // Another user's home folder has another CA: the folder must be named.
    let dir = Step::word(&dir.to_string_lossy());
    format!("{error}; run: sudo harmock ca {verb} --store {} --ca-dir {dir}", store.as_str())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        ca: CaArgs,
    }

    #[test]
    fn several_stores_are_named_with_commas_or_by_repeating_the_flag() {
        for words in [&["--store", "system,nss"][..], &["--store", "system", "--store", "nss"]] {
            let line = Line::try_parse_from(["ca", "install"].iter().chain(words)).unwrap();
            let CaCommand::Install(args) = line.ca.command else { panic!("{line:?}") };
            assert_eq!(args.store, [StoreName::System, StoreName::Nss]);
        }
    }

    #[test]
    fn an_unknown_store_or_format_is_wrong_usage() {
        assert!(Line::try_parse_from(["ca", "install", "--store", "browser"]).is_err());
        assert!(Line::try_parse_from(["ca", "export", "--format", "key"]).is_err());
    }

    #[test]
    fn the_description_names_what_a_person_compares() {
        let temp = tempfile::tempdir().unwrap();
        let ca = CertAuthority::load_or_create(Some(&temp.path().join("ca"))).unwrap();
        let mut machine = Machine::this();
        (machine.root, machine.home, machine.java_home) = (temp.path().to_owned(), None, None);
        machine.path.clear();
        let text = description(&ca, &machine);
        for part in [ca.name(), ca.fingerprint(), ca.spki_sha256_base64(), "ca.pem", "system:", "nss:", "java:"] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }
}
