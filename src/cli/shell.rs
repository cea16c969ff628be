//! Writing environment variables in the words of a shell or of a file format, with each one's own quoting.

use std::ffi::OsString;

use clap::ValueEnum;

/// Who reads the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// sh, bash, zsh, dash, ksh
    #[value(alias = "bash", alias = "zsh")]
    Sh,
    /// fish
    Fish,
    /// PowerShell
    #[value(alias = "pwsh")]
    Powershell,
    /// A .env file
    Dotenv,
    /// One JSON object; a variable to take away is null
    Json,
    /// The $GITHUB_ENV file of GitHub Actions
    Github,
}

impl Shell {
    /// The shell of the person at the keyboard, by `$SHELL`.
    pub(crate) fn of_user(shell: Option<OsString>) -> Self {
        let Some(shell) = shell.filter(|shell| !shell.is_empty()) else {
            return if cfg!(windows) { Self::Powershell } else { Self::Sh };
        };
        let path = shell.to_string_lossy();
        match path.rsplit(['/', '\\']).next().unwrap_or_default().trim_end_matches(".exe") {
            "fish" => Self::Fish,
            "pwsh" | "powershell" => Self::Powershell,
            _ => Self::Sh,
        }
    }

    /// The text that gives each variable its value, or takes it away where that is `None`.
    pub(crate) fn text(self, variables: &[(&str, Option<String>)]) -> String {
        if self == Self::Json {
            let object: serde_json::Map<_, _> =
                variables.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
            return format!("{:#}\n", serde_json::Value::Object(object));
        }
        let mut text = String::new();
        for (name, value) in variables {
            text.push_str(&match value {
                Some(value) => self.set(name, value),
                None => self.unset(name),
            });
            text.push('\n');
        }
        text
    }

    fn set(self, name: &str, value: &str) -> String {
        match self {
            Self::Sh => format!("export {name}={}", sh(value)),
            Self::Fish => format!("set -gx {name} {}", fish(value)),
            Self::Powershell => format!("$env:{name} = {}", powershell(value)),
            Self::Dotenv => format!("{name}={}", dotenv(value)),
            Self::Json | Self::Github => github(name, value),
        }
    }

    /// The two file formats have no word for taking a variable away; an empty one is as good to those who read it.
    fn unset(self, name: &str) -> String {
        match self {
            Self::Sh => format!("unset {name}"),
            Self::Fish => format!("set -e {name}"),
            Self::Powershell => format!("Remove-Item Env:{name} -ErrorAction SilentlyContinue"),
            Self::Dotenv | Self::Json | Self::Github => format!("{name}="),
        }
    }
}

/// POSIX: nothing is special between single quotes but the quote itself.
fn sh(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// fish: between single quotes a backslash escapes the quote and itself.
fn fish(value: &str) -> String {
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}

/// PowerShell: between single quotes a doubled quote is one, and the typographic quotes count as quotes too.
fn powershell(value: &str) -> String {
    let mut quoted = String::from("'");
    for character in value.chars() {
        if matches!(character, '\'' | '\u{2018}'..='\u{201b}') {
            quoted.push(character);
        }
        quoted.push(character);
    }
    quoted.push('\'');
    quoted
}

/// The readers of `.env` files agree on bare words and on single quotes; in double quotes most take backslash escapes.
fn dotenv(value: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "_-./:,@%+=".contains(c);
    if !value.is_empty() && value.chars().all(bare) {
        return value.to_owned();
    }
    if !value.contains(['\'', '\n', '\r']) {
        return format!("'{value}'");
    }
    let mut quoted = String::from("\"");
    for character in value.chars() {
        match character {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '"' | '\\' | '$' => quoted.extend(['\\', character]),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// `NAME=value`, or between two lines of a word that is no line of the value.
fn github(name: &str, value: &str) -> String {
    if !value.contains(['\n', '\r']) {
        return format!("{name}={value}");
    }
    let mut end = String::from("HARMOCK_END");
    while value.contains(&end) {
        end.push('_');
    }
    format!("{name}<<{end}\n{value}\n{end}")
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// What a path may hold at its worst; no NUL can be in a variable.
    const NASTY: &[&str] = &[
        "",
        "plain",
        "/home/a b/c",
        "it's",
        "'",
        "''",
        "\\",
        "\\'",
        "a\\\\'b\\",
        "\"double\" $HOME `id` $(id) !! #x ; & | < > * ? ~ {a,b} (x) [y] %PATH%",
        "-n",
        " leading and trailing ",
        "tab\there",
        "two\nlines\n",
        "caf\u{e9} \u{2019}quoted\u{2018}",
    ];

    fn listing() -> (Vec<String>, Vec<(&'static str, Option<String>)>) {
        const NAMES: [&str; 15] =
            ["V0", "V1", "V2", "V3", "V4", "V5", "V6", "V7", "V8", "V9", "V10", "V11", "V12", "V13", "V14"];
        let mut variables: Vec<_> =
            NAMES.into_iter().zip(NASTY).map(|(name, value)| (name, Some((*value).to_owned()))).collect();
        variables.push(("GONE", None));
        (NAMES.iter().map(|name| (*name).to_owned()).collect(), variables)
    }

    /// What the shell's child sees of the variables after it took the lines in; `None`: no such shell here.
    fn seen_through(shell: &str, load: &str, format: Shell) -> Option<Vec<u8>> {
        let (names, variables) = listing();
        let lines = format.text(&variables);
        let script = format!("{load}\nenv -0");
        let output = Command::new(shell)
            .args(["-c", &script])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", std::env::temp_dir())
            .env("LC_ALL", "C.UTF-8")
            .env("GONE", "still here")
            .env("LINES_TO_LOAD", &lines)
            .stderr(Stdio::inherit())
            .output()
            .ok()?;
        assert!(output.status.success(), "{shell} failed on:\n{lines}");
        let mut kept = Vec::new();
        for name in names.iter().map(String::as_str).chain(["GONE"]) {
            let prefix = [name.as_bytes(), b"="].concat();
            for pair in output.stdout.split(|byte| *byte == 0).filter(|pair| pair.starts_with(&prefix)) {
                kept.extend_from_slice(&pair[prefix.len()..]);
                kept.push(0);
            }
        }
        Some(kept)
    }

    fn expected() -> Vec<u8> {
        NASTY.iter().flat_map(|value| [value.as_bytes(), &[0]].concat()).collect()
    }

    #[cfg(unix)]
    #[test]
    fn every_posix_shell_here_reads_back_the_nastiest_values() {
        for shell in ["sh", "dash", "bash", "zsh", "ksh"] {
            if let Some(seen) = seen_through(shell, "eval \"$LINES_TO_LOAD\"", Shell::Sh) {
                assert_eq!(String::from_utf8_lossy(&seen), String::from_utf8_lossy(&expected()), "{shell}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn fish_reads_back_the_nastiest_values() {
        if let Some(seen) = seen_through("fish", "printf '%s' $LINES_TO_LOAD | source", Shell::Fish) {
            assert_eq!(String::from_utf8_lossy(&seen), String::from_utf8_lossy(&expected()));
        }
    }

    #[test]
    fn powershell_quotes_are_doubled_the_typographic_ones_too() {
        let text = Shell::Powershell.text(&[("A", Some("it's \u{2019} $x `n".into())), ("B", None)]);
        assert_eq!(text, "$env:A = 'it''s \u{2019}\u{2019} $x `n'\nRemove-Item Env:B -ErrorAction SilentlyContinue\n");
    }

    #[test]
    fn dotenv_leaves_plain_values_bare_and_picks_quotes_that_the_value_allows() {
        assert_eq!(dotenv("http://127.0.0.1:8899"), "http://127.0.0.1:8899");
        assert_eq!(dotenv("/a b/$c"), "'/a b/$c'");
        assert_eq!(dotenv("it's $1\n"), "\"it's \\$1\\n\"");
        assert_eq!(dotenv(""), "''");
    }

    #[test]
    fn github_lines_are_plain_and_values_of_several_lines_stand_between_a_word_they_do_not_hold() {
        let text =
            Shell::Github.text(&[("A", Some("x y".into())), ("B", Some("1\nHARMOCK_END\n2".into())), ("C", None)]);
        assert_eq!(text, "A=x y\nB<<HARMOCK_END_\n1\nHARMOCK_END\n2\nHARMOCK_END_\nC=\n");
    }

    #[test]
    fn json_is_one_object_with_null_for_what_is_taken_away() {
        let text = Shell::Json.text(&[("A", Some("x\"y".into())), ("B", None)]);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value, serde_json::json!({"A": "x\"y", "B": null}));
    }

    #[test]
    fn the_shell_is_guessed_by_the_name_of_its_file() {
        assert_eq!(Shell::of_user(Some("/usr/bin/fish".into())), Shell::Fish);
        assert_eq!(Shell::of_user(Some("/opt/microsoft/powershell/7/pwsh".into())), Shell::Powershell);
        assert_eq!(Shell::of_user(Some("/bin/zsh".into())), Shell::Sh);
    }
}
