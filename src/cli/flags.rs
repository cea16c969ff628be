//! The flags that several commands share.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, Args, ValueHint};

use super::settings::keys;
use super::settings::value::{Item, flag};
use super::settings::{ApiKeys, ArchivePath, HostName, LogFormat, LogTarget, MockName, TimeLimit, Token};
use crate::matching::Rule;
use crate::proxy::ListenAt;
use crate::redact::Spec;
use crate::route::Mount;
use crate::upstream::UpstreamProxy;

const PROXY: &str = "Proxy";
const SERVER: &str = "Server";
const UPSTREAM: &str = "Upstream";
const LIMITS: &str = "Limits";
const OUTPUT: &str = "Output";
const SECRETS: &str = "Secrets";
/// The heading of the flags that say which requests count.
pub(crate) const SCOPE: &str = "Scope";

/// What every command that runs a proxy takes.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct SharedFlags {
    /// Where the proxy listens [default: 127.0.0.1:8899]
    ///
    /// An address and a port, or one of them. Port 0 picks a free one, which standard output and --ready-file name:
    /// `--listen 0`. Any address that is not loopback needs --public. Repeatable: the first one is what clients are told.
    /// `--listen 127.0.0.1:0=test-1` gives the clients that come there a session of their own.
    #[arg(long, value_name = "ADDR", value_parser = flag::<Item<ListenAt>>(), help_heading = PROXY)]
    pub(crate) listen: Vec<Item<ListenAt>>,

    /// Answers for this server at the proxy's own address; repeatable
    ///
    /// `--origin https://api.example.com`: clients ask for http://127.0.0.1:8899/users as they ask for
    /// https://api.example.com/users, without a proxy to set. Below a path: `--origin /pay=https://pay.example.com`; at an
    /// address of its own: `--origin 8901=https://id.example.com`. The proxy goes on serving beside.
    #[arg(long, value_name = "URL", value_parser = flag::<Item<Mount>>(), help_heading = SERVER)]
    pub(crate) origin: Vec<Item<Mount>>,

    /// Lets clients speak TLS to the proxy's own address
    ///
    /// With a certificate for the host that they ask for, of the authority that `harmock ca path` names. Clients without
    /// TLS are served at the same port.
    #[arg(long, value_name = "BOOL", value_parser = flag::<bool>(), help_heading = SERVER)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) tls: Option<bool>,

    /// A name under which clients reach that address; repeatable
    ///
    /// Addresses and `localhost` need no leave. Another name may be one that a web page made up to be let in.
    #[arg(long, value_name = "HOST", value_parser = flag::<Item<HostName>>(), help_heading = SERVER)]
    pub(crate) allow_host: Vec<Item<HostName>>,

    /// Serves only those who show this key; repeatable
    ///
    /// In the field `x-api-key`, or as the password for the proxy. At least 16 characters. Set the variable where others
    /// can see the flags of a process; several keys are a line each there. With a key an address that is not loopback needs
    /// no --public.
    #[arg(long, value_name = "KEY", value_parser = flag::<ApiKeys>(), help_heading = SERVER)]
    pub(crate) api_key: Vec<ApiKeys>,

    /// A file with the hashes of keys
    ///
    /// On each line `sha256:` and what `printf %s KEY | sha256sum` prints.
    #[arg(long, value_name = "FILE", value_parser = flag::<PathBuf>(), value_hint = ValueHint::FilePath)]
    #[arg(help_heading = SERVER)]
    pub(crate) api_key_file: Option<PathBuf>,

    /// What people call this mock: its page, its health and the first line on standard error say it
    #[arg(long, value_name = "NAME", value_parser = flag::<MockName>(), help_heading = SERVER)]
    pub(crate) name: Option<MockName>,

    /// Asks clients that name no session for one
    ///
    /// As the proxy's username, `http://test-1:x@127.0.0.1:8899`, or in the field X-Harmock-Session. Browsers send the
    /// username only when they are asked.
    #[arg(long, value_name = "BOOL", value_parser = flag::<bool>(), help_heading = PROXY)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) sessions: Option<bool>,

    /// Lets other machines use the proxy
    ///
    /// Needed for a --listen address that is not loopback. Whoever reaches the port can then send requests in this
    /// machine's name.
    #[arg(long, value_name = "BOOL", value_parser = flag::<bool>(), help_heading = PROXY)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) public: Option<bool>,

    /// The token that changes through the control API need [default: made anew for each run]
    ///
    /// It is printed when the proxy starts, and commands after `--` have it in HARMOCK_TOKEN. Set the variable beforehand
    /// where another program is to know it: everybody on the machine sees a flag.
    #[arg(long, value_name = "TOKEN", value_parser = flag::<Token>(), help_heading = PROXY)]
    pub(crate) token: Option<Token>,

    /// The folder of the certificate authority [default: in the platform's data folder]
    ///
    /// Made on first use. `harmock ca path` prints the certificate that clients have to trust.
    #[arg(long, value_name = "DIR", value_parser = flag::<PathBuf>(), value_hint = ValueHint::DirPath)]
    #[arg(help_heading = PROXY)]
    pub(crate) ca_dir: Option<PathBuf>,

    /// Hosts whose TLS is never opened; repeatable
    ///
    /// A glob of the host, of host and port, or of the URL: `--tunnel '*.bank.example'`, `--tunnel 'pinned.example:8443'`.
    /// Their bytes pass unread and are never recorded.
    #[arg(long, value_name = "GLOB", value_parser = flag::<Item<String>>(), help_heading = PROXY)]
    pub(crate) tunnel: Vec<Item<String>>,

    /// The config file [default: harmock.toml here or in a folder above]
    ///
    /// Without this flag the file is looked for in the current folder and in those above it, up to the root of the
    /// repository (the folder with `.git`) or of the file system.
    #[arg(long, value_name = "FILE", value_parser = flag::<PathBuf>(), value_hint = ValueHint::FilePath)]
    #[arg(help_heading = PROXY)]
    pub(crate) config: Option<PathBuf>,

    /// Trusts the certificates of a PEM file beside the system's; repeatable
    ///
    /// For servers with a private authority: `--upstream-ca corp-root.pem`.
    #[arg(long, value_name = "PEM", value_parser = flag::<Item<PathBuf>>(), value_hint = ValueHint::FilePath)]
    #[arg(help_heading = UPSTREAM)]
    pub(crate) upstream_ca: Vec<Item<PathBuf>>,

    /// The proxy behind this one: a URL, `none` or `env` [default: env]
    ///
    /// `http://[user:password@]host:port`; `env` takes HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY; `none` goes
    /// straight to the servers whatever these say.
    #[arg(long, value_name = "URL", value_parser = flag::<UpstreamProxy>(), help_heading = UPSTREAM)]
    pub(crate) upstream_proxy: Option<UpstreamProxy>,

    /// Accepts any certificate from the real servers
    ///
    /// Nobody then checks who answers. --upstream-ca is the safer way to reach a server with a private authority.
    #[arg(long, value_name = "BOOL", value_parser = flag::<bool>(), help_heading = UPSTREAM)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) insecure_upstream: Option<bool>,

    /// Time for a TCP connection to a server, DNS included [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = flag::<TimeLimit>(), help_heading = LIMITS)]
    pub(crate) connect_timeout: Option<TimeLimit>,

    /// Time for a TLS handshake, with a server or with a client [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = flag::<TimeLimit>(), help_heading = LIMITS)]
    pub(crate) tls_timeout: Option<TimeLimit>,

    /// Time from the end of a request's head to the response's head [default: 2m]
    #[arg(long, value_name = "TIME", value_parser = flag::<TimeLimit>(), help_heading = LIMITS)]
    pub(crate) first_byte_timeout: Option<TimeLimit>,

    /// Time without a byte after which a connection is closed [default: 10m]
    #[arg(long, value_name = "TIME", value_parser = flag::<TimeLimit>(), help_heading = LIMITS)]
    pub(crate) idle_timeout: Option<TimeLimit>,

    /// Time to find out what a CONNECT carries; then it is a tunnel [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = flag::<TimeLimit>(), help_heading = LIMITS)]
    pub(crate) detect_timeout: Option<TimeLimit>,

    /// Time for exchanges in flight when the run ends [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = flag::<Duration>(), help_heading = LIMITS)]
    pub(crate) grace: Option<Duration>,

    /// Connections at a time; further ones wait [default: 10000]
    #[arg(long, value_name = "N", value_parser = flag::<NonZeroUsize>(), help_heading = LIMITS)]
    pub(crate) max_connections: Option<NonZeroUsize>,

    /// Where the line of each exchange goes: a file, `stderr` or `off` [default: stderr]
    #[arg(long, value_name = "FILE", value_parser = flag::<LogTarget>(), value_hint = ValueHint::FilePath)]
    #[arg(help_heading = OUTPUT)]
    pub(crate) log: Option<LogTarget>,

    /// How these lines are written [default: text]
    #[arg(long, value_name = "FORMAT", value_parser = flag::<LogFormat>(), help_heading = OUTPUT)]
    pub(crate) log_format: Option<LogFormat>,

    /// Says more; repeatable
    #[arg(short, long, action = ArgAction::Count, help_heading = OUTPUT)]
    pub(crate) verbose: u8,

    /// Says less; repeatable
    #[arg(short, long, action = ArgAction::Count, help_heading = OUTPUT)]
    pub(crate) quiet: u8,

    /// A file that is written once the proxy listens: its URL, its port and the path of the CA certificate
    ///
    /// A script starts harmock in the background and waits for it: `harmock replay --listen 0 --ready-file ready &
    /// harmock wait --ready-file ready`.
    #[arg(long, value_name = "FILE", value_parser = flag::<PathBuf>(), value_hint = ValueHint::FilePath)]
    #[arg(help_heading = OUTPUT)]
    pub(crate) ready_file: Option<PathBuf>,
}

/// Which requests count, and the archive that is written.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ScopeFlags {
    /// URLs that count; repeatable [default: all]
    ///
    /// A glob on the whole URL, as Playwright has them: `*` stops at a slash, `**` does not, `{a,b}` is either, and
    /// `?` is a question mark: `--glob '**/api/**'`, `--glob 'https://*.example.com/v1/**'`.
    #[arg(long, value_name = "GLOB", value_parser = flag::<Item<String>>(), help_heading = SCOPE)]
    pub(crate) glob: Vec<Item<String>>,

    /// URLs that do not count although a --glob matches them; repeatable
    #[arg(long, value_name = "GLOB", value_parser = flag::<Item<String>>(), help_heading = SCOPE)]
    pub(crate) exclude: Vec<Item<String>>,

    /// What may vary between a request and its entry, and what is done to answers, as TOML; repeatable
    ///
    /// The keys of one `[[rules]]` table of the file, after the rules before it: `--rules 'glob = "**/search**", ignore-query =
    /// ["ts", "cb*"]'`. Without a glob a rule is for every URL. docs/rules.md names all keys. A recording only patches what
    /// clients get.
    #[arg(long, value_name = "RULE", value_parser = flag::<Item<Rule>>(), help_heading = SCOPE)]
    pub(crate) rules: Vec<Item<Rule>>,

    /// The archive to write, `.har` or `.zip` [default: hars/recording.har]
    ///
    /// A `.har` has its payload files beside it; a `.zip` holds everything. Replay writes it only under
    /// `--not-found record`.
    #[arg(long, value_name = "FILE", value_parser = flag::<ArchivePath>(), value_hint = ValueHint::FilePath)]
    #[arg(help_heading = SCOPE)]
    pub(crate) har: Option<ArchivePath>,

    /// Also replaces the values of this place in what is written; repeatable
    ///
    /// `header:NAME`, `query:NAME`, `form:NAME`, or `json:PATH` such as `json:$.user.iban` or `json:$..iban`. Credentials,
    /// cookies and the usual names of tokens and passwords are replaced in any case.
    #[arg(long, value_name = "PLACE", value_parser = flag::<Item<Spec>>(), help_heading = SECRETS)]
    pub(crate) redact: Vec<Item<Spec>>,

    /// Writes secrets as they were sent
    #[arg(long, value_name = "BOOL", value_parser = flag::<bool>(), help_heading = SECRETS)]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) no_redact: Option<bool>,
}

/// What the short help leaves out.
pub(crate) const AFTER_HELP: &str =
    "Every flag has an environment variable, which --help names, and a key of its name in harmock.toml.";

/// Ends the long help of a flag with its environment variable.
pub(crate) fn name_variable(arg: Arg) -> Arg {
    let Some(key) = keys::find(arg.get_long().unwrap_or(arg.get_id().as_str())) else { return arg };
    let variable = key.variable();
    let help = match (arg.get_long_help(), arg.get_help()) {
        (Some(long), _) => format!("{long}\n\n[env: {variable}]"),
        (None, Some(short)) => format!("{short} [env: {variable}]"),
        (None, None) => return arg,
    };
    arg.long_help(help)
}
