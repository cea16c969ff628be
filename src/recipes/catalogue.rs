//! The clients, the most general way first.

use super::{Client, Snippet, Syntax};

/// A snippet without a label of its own.
const fn snippet(name: &'static str, syntax: Syntax, template: &'static str) -> Snippet {
    Snippet { name, label: "", file: None, run: "", syntax, template }
}

/// A line for a POSIX shell.
const fn shell(name: &'static str, template: &'static str) -> Snippet {
    snippet(name, Syntax::Shell, template)
}

impl Snippet {
    const fn labelled(self, label: &'static str) -> Self {
        Self { label, ..self }
    }

    /// It is a file, and `run` is the command that uses it.
    const fn saved_as(self, file: &'static str, run: &'static str) -> Self {
        Self { file: Some(file), run, ..self }
    }
}

/// All clients.
pub static CLIENTS: &[Client] = &[
    Client {
        id: "shell",
        name: "Any program in a shell",
        note: "Or let harmock set all of it for one command: harmock replay -- CMD, harmock record -- CMD.",
        snippets: &[
            shell("shell", include_str!("text/shell.sh")).labelled("sh, bash, zsh"),
            snippet("powershell", Syntax::Powershell, include_str!("text/powershell.ps1")).labelled("PowerShell"),
        ],
    },
    Client { id: "curl", name: "curl", note: "", snippets: &[shell("curl", include_str!("text/curl.sh"))] },
    Client { id: "wget", name: "Wget", note: "", snippets: &[shell("wget", include_str!("text/wget.sh"))] },
    Client {
        id: "git",
        name: "Git",
        note: "Git for Windows with the schannel backend needs http.schannelUseSSLCAInfo=true as well.",
        snippets: &[shell("git", include_str!("text/git.sh"))],
    },
    Client {
        id: "node",
        name: "Node.js",
        note: "The ws package and raw sockets take no proxy from the environment.",
        snippets: &[
            shell("node", include_str!("text/node.sh")).labelled("22.21, 24.5 and later"),
            snippet("node-fetch", Syntax::Script, include_str!("text/harmock.mjs"))
                .labelled("fetch of any version, with the undici package")
                .saved_as("harmock.mjs", "harmock replay -- node --import ./harmock.mjs app.mjs"),
        ],
    },
    Client {
        id: "vitest",
        name: "Vitest",
        note: "Node 22.21, 24.5 and later need no file at all below harmock replay -- npx vitest run.",
        snippets: &[snippet("vitest", Syntax::Plain, include_str!("text/vitest.config.mts"))
            .saved_as("vitest.config.mts", "harmock replay -- npx vitest run")],
    },
    Client {
        id: "python",
        name: "Python: requests, httpx",
        note: "aiohttp wants ClientSession(trust_env=True) as well.",
        snippets: &[
            shell("python", include_str!("text/python.sh")),
            snippet("pytest", Syntax::Script, include_str!("text/conftest.py"))
                .saved_as("conftest.py", "harmock replay -- pytest"),
        ],
    },
    Client {
        id: "go",
        name: "Go",
        note: "Go never sends localhost to a proxy: give the server another name. On macOS and Windows, Go trusts the \
               system's store alone: harmock ca install.",
        snippets: &[shell("go", include_str!("text/go.sh"))],
    },
    Client {
        id: "java",
        name: "Java, Kotlin, Scala",
        note: "The trust store replaces the runtime's own for this process.",
        snippets: &[
            shell("java-truststore", include_str!("text/java-truststore.sh")).labelled("A trust store with the CA"),
            shell("java", include_str!("text/java.sh")),
        ],
    },
    Client { id: "ruby", name: "Ruby", note: "", snippets: &[shell("ruby", include_str!("text/ruby.sh"))] },
    Client {
        id: "dotnet",
        name: ".NET",
        note: "On macOS and Windows, .NET trusts the system's store alone: harmock ca install.",
        snippets: &[shell("dotnet", include_str!("text/dotnet.sh"))],
    },
    Client {
        id: "chrome",
        name: "Chrome, Chromium, Edge",
        note: "A throw-away profile that trusts the CA without installing it. harmock open URL does the same.",
        snippets: &[shell("chrome", include_str!("text/chrome.sh"))],
    },
    Client {
        id: "firefox",
        name: "Firefox",
        note: "",
        snippets: &[
            snippet("firefox", Syntax::Plain, include_str!("text/firefox.js"))
                .labelled("Of a profile")
                .saved_as("user.js", ""),
            shell("firefox-ca", include_str!("text/firefox-ca.sh")).labelled("The CA, for that profile"),
        ],
    },
    Client {
        id: "playwright",
        name: "Playwright",
        note: "",
        snippets: &[snippet("playwright", Syntax::Plain, include_str!("text/playwright.config.ts"))
            .saved_as("playwright.config.ts", "harmock replay -- npx playwright test")],
    },
    Client {
        id: "selenium",
        name: "Selenium",
        note: "Give webdriver.Chrome the options of this file.",
        snippets: &[snippet("selenium", Syntax::Plain, include_str!("text/harmock_chrome.py"))
            .saved_as("harmock_chrome.py", "harmock replay -- pytest")],
    },
    Client { id: "cypress", name: "Cypress", note: "", snippets: &[shell("cypress", include_str!("text/cypress.sh"))] },
    Client {
        id: "github-actions",
        name: "GitHub Actions",
        note: "",
        snippets: &[snippet("github-actions", Syntax::Plain, include_str!("text/offline.yml"))
            .saved_as(".github/workflows/offline.yml", "")],
    },
    Client {
        id: "systems",
        name: "Operating systems",
        note: "harmock ca uninstall takes it out again. Phones: set the proxy in the Wi-Fi settings, open \
               http://harmock.test/ and download the certificate; iOS wants it switched on under General, About, \
               Certificate Trust Settings.",
        snippets: &[
            shell("systems", include_str!("text/systems.sh"))
                .labelled("All stores of this machine, or the commands for them"),
            shell("debian", include_str!("text/debian.sh")).labelled("Debian, Ubuntu, Alpine"),
            shell("fedora", include_str!("text/fedora.sh")).labelled("Fedora, RHEL"),
            shell("macos", include_str!("text/macos.sh")).labelled("macOS"),
            snippet("windows", Syntax::Cmd, include_str!("text/windows.cmd")).labelled("Windows"),
        ],
    },
];
