//! What the layers make of one another, for every setting there is.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Parser;

use super::environment::Environment;
use super::file::ConfigFile;
use super::keys::{self, KEYS};
use super::layers::{NotedValue, Source};
use super::value::Item;
use super::{Layers, all_settings};
use crate::cli::flags::{ScopeFlags, SharedFlags};
use crate::cli::record::RecordFlags;
use crate::cli::replay::ReplayFlags;

#[derive(Debug, Parser)]
struct AllFlags {
    #[arg(value_parser = super::value::flag::<Item<PathBuf>>())]
    archives: Vec<Item<PathBuf>>,
    #[command(flatten)]
    scope: ScopeFlags,
    #[command(flatten)]
    record: RecordFlags,
    #[command(flatten)]
    replay: ReplayFlags,
    #[command(flatten)]
    shared: SharedFlags,
}

/// The file lies in no folder that exists, so that its paths can be compared as text.
const FILE: &str = "harmock.toml";

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))).collect()
}

/// The setting in force and its highest source, as `config show` has them.
fn in_force(name: &str, file: &str, variables: &[(&str, &str)], flags: &[&str]) -> (String, Source) {
    let file = ConfigFile::parse(Path::new(FILE), file).unwrap_or_else(|problems| panic!("{file}: {problems}"));
    let mut layers = Layers::new(environment(variables), Some(file));
    let flags = AllFlags::try_parse_from(["harmock"].iter().chain(flags)).unwrap();
    all_settings(&mut layers, &flags.archives, &flags.scope, &flags.record, &flags.replay, &flags.shared).unwrap();
    let note = layers.into_notes().into_iter().find(|note| note.name == name).unwrap_or_else(|| panic!("{name}"));
    let value = match note.value {
        NotedValue::One(value) => value.to_string(),
        NotedValue::List(values) => values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        NotedValue::Unset(_) => String::new(),
    };
    (value, note.sources.last().unwrap().clone())
}

fn problems(file: &str) -> Vec<String> {
    match ConfigFile::parse(Path::new(FILE), file) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.lines().collect(),
    }
}

/// A setting, three values that are not its default, as TOML, and the flags that say the third.
type Sample = (&'static str, [&'static str; 3], &'static [&'static str]);

const SAMPLES: &[Sample] = &[
    ("archives", [r#""a.har""#, r#""b.har""#, r#""c.har""#], &["c.har"]),
    ("har", [r#""a.har""#, r#""b.har""#, r#""c.zip""#], &["--har", "c.zip"]),
    ("glob", [r#""**/a""#, r#""**/b""#, r#""**/c,d""#], &["--glob", "**/c,d"]),
    ("exclude", [r#""**/a""#, r#""**/{b,x}""#, r#""**/c""#], &["--exclude", "**/c"]),
    ("update", [r#""append""#, r#""replace""#, r#""append""#], &["--update", "append"]),
    ("content", [r#""embed""#, r#""omit""#, r#""embed""#], &["--content", "embed"]),
    ("mode", [r#""full""#, r#""minimal""#, r#""full""#], &["--mode=full"]),
    ("raw", ["true", "false", "true"], &["--raw"]),
    ("keep-conditional", ["true", "false", "true"], &["--keep-conditional"]),
    ("keep-payloads", ["true", "false", "true"], &["--keep-payloads"]),
    ("overwrite-edits", ["true", "false", "true"], &["--overwrite-edits"]),
    ("volatile", [r#""x-a""#, r#""x-b-*""#, r#""x-c""#], &["--volatile", "x-c"]),
    ("redact", [r#""query:a""#, r#""header:b""#, r#""json:$..c""#], &["--redact", "json:$..c"]),
    ("no-redact", ["", "true", "false"], &["--no-redact=false"]),
    ("not-found", [r#""abort""#, r#""fallback""#, r#""record""#], &["--not-found", "record"]),
    ("out-of-scope", [r#""fail""#, r#""pass""#, r#""fail""#], &["--out-of-scope", "fail"]),
    ("redirects", [r#""serve""#, r#""follow""#, r#""serve""#], &["--redirects", "serve"]),
    ("cors", [r#""recorded""#, r#""auto""#, r#""recorded""#], &["--cors", "recorded"]),
    ("stream-speed", ["1", "10", "0.5"], &["--stream-speed", "0.5"]),
    (
        "rules",
        [r#"{ glob = "**/a", json = "canonical" }"#, r#"{ ignore-query = ["a", "b"] }"#, r#"{ ignore-query = "c" }"#],
        &["--rules", r#"ignore-query = "c""#],
    ),
    (
        "map",
        [r#""http://a=https://b""#, r#""http://c=https://b""#, r#""http://d=https://b""#],
        &["--map", "http://d=https://b"],
    ),
    ("map-bodies", ["true", "false", "true"], &["--map-bodies"]),
    ("ignore-miss", [r#""**/a""#, r#""**/b""#, r#""**/c""#], &["--ignore-miss", "**/c"]),
    ("delay", [r#""1s""#, r#""recorded*2""#, r#""300ms""#], &["--delay", "300"]),
    ("bandwidth", [r#""1MiB""#, r#""2KiB""#, "3"], &["--bandwidth", "3"]),
    ("seed", ["1", "2", "3"], &["--seed", "3"]),
    ("mock-headers", ["true", "false", "true"], &["--mock-headers"]),
    ("max-misses", ["1", "2", "3"], &["--max-misses", "3"]),
    ("fail-on-unused", ["true", "false", "true"], &["--fail-on-unused"]),
    ("report", [r#""a.json""#, r#""b.xml""#, r#""c.md""#], &["--report", "c.md"]),
    ("report-format", [r#""json""#, r#""junit""#, r#""github""#], &["--report-format", "github"]),
    ("trace", [r#""a.har""#, r#""b.har""#, r#""c.har""#], &["--trace", "c.har"]),
    ("annotate", ["true", "false", "true"], &["--annotate"]),
    ("exchanges", ["1", "2", "3"], &["--exchanges", "3"]),
    ("cache-size", [r#""1MiB""#, r#""2KiB""#, "3"], &["--cache-size", "3"]),
    ("allow-templates", ["true", "false", "true"], &["--allow-templates"]),
    ("env", [r#"".env""#, r#""b.env""#, r#""c.env""#], &["--env", "c.env"]),
    ("env-pass", ["", r#""B""#, r#""C_1""#], &["--env-pass", "C_1"]),
    ("allow-callbacks", ["", r#""**/b""#, r#""**/c""#], &["--allow-callbacks", "**/c"]),
    ("offline", ["true", "false", "true"], &["--offline"]),
    ("strict-archives", ["true", "true", "false"], &["--strict-archives=no"]),
    ("listen", [r#""127.0.0.1:1""#, r#""127.0.0.1:2""#, r#""0.0.0.0:3""#], &["--listen", "0.0.0.0:3"]),
    ("sessions", ["true", "false", "true"], &["--sessions"]),
    ("name", [r#""a""#, r#""b""#, r#""c d""#], &["--name", "c d"]),
    ("origin", [r#""https://a""#, r#""/b=http://b/x""#, r#""127.0.0.1:3=https://c""#], &["--origin", "3=https://c"]),
    ("tls", ["true", "false", "true"], &["--tls"]),
    ("allow-host", ["", r#""b.test""#, r#""c.test""#], &["--allow-host", "c.test"]),
    ("api-key-file", [r#""a""#, r#""b""#, r#""c""#], &["--api-key-file", "c"]),
    ("public", ["", "true", "false"], &["--public=false"]),
    ("ca-dir", ["", r#""b""#, r#""c""#], &["--ca-dir", "c"]),
    ("tunnel", [r#""a.example""#, r#""b.example""#, r#""c.example""#], &["--tunnel", "c.example"]),
    ("upstream-ca", [r#""a.pem""#, r#""b.pem""#, r#""c.pem""#], &["--upstream-ca", "c.pem"]),
    ("upstream-proxy", ["", r#""http://b:1""#, r#""none""#], &["--upstream-proxy", "none"]),
    ("insecure-upstream", ["", "true", "false"], &["--insecure-upstream=0"]),
    ("connect-timeout", [r#""1s""#, r#""2s""#, r#""3s""#], &["--connect-timeout", "3s"]),
    ("tls-timeout", [r#""1s""#, r#""2s""#, r#""3s""#], &["--tls-timeout", "3s"]),
    ("first-byte-timeout", [r#""1s""#, r#""2s""#, r#""3s""#], &["--first-byte-timeout", "3s"]),
    ("idle-timeout", [r#""1s""#, r#""2s""#, r#""3s""#], &["--idle-timeout", "3s"]),
    ("detect-timeout", [r#""1500ms""#, r#""2s""#, r#""3s""#], &["--detect-timeout", "3s"]),
    ("grace", [r#""1s""#, r#""2s""#, r#""0s""#], &["--grace", "0s"]),
    ("max-connections", ["1", "2", "3"], &["--max-connections", "3"]),
    ("log", [r#""a.log""#, r#""b.log""#, r#""off""#], &["--log", "off"]),
    ("log-format", [r#""json""#, r#""text""#, r#""json""#], &["--log-format", "json"]),
    ("verbose", ["1", "2", "3"], &["-vvv"]),
    ("quiet", ["1", "2", "3"], &["-qqq"]),
    ("ready-file", [r#""a""#, r#""b""#, r#""c""#], &["--ready-file", "c"]),
];

/// One says where the values are, two have values that are never shown, and one belongs to `replay` and not to its settings.
const NO_SAMPLE: &[&str] = &["config", "token", "api-key", "force-update"];

#[test]
fn every_setting_is_tried() {
    let sampled: BTreeSet<_> = SAMPLES.iter().map(|(name, ..)| *name).chain(NO_SAMPLE.iter().copied()).collect();
    assert_eq!(sampled, KEYS.iter().map(|key| key.name).collect());
}

#[test]
fn every_setting_is_shown_in_the_order_of_the_table() {
    let mut layers = Layers::new(environment(&[("HARMOCK_FORCE_UPDATE", "1")]), None);
    let flags = AllFlags::parse_from(["harmock"]);
    all_settings(&mut layers, &flags.archives, &flags.scope, &flags.record, &flags.replay, &flags.shared).unwrap();
    let notes = layers.into_notes();
    assert!(notes.iter().map(|note| note.name).eq(KEYS.iter().map(|key| key.name)));
    let forced = notes.iter().find(|note| note.name == "force-update").unwrap();
    assert_eq!(forced.sources, [Source::Variable("HARMOCK_FORCE_UPDATE".into())]);
}

#[test]
fn the_file_outranks_the_default() {
    for (name, [in_file, ..], _) in
        SAMPLES.iter().filter(|(name, ..)| keys::find(name).unwrap().never_in_file.is_none())
    {
        let (value, source) = in_force(name, &format!("\n{name} = {in_file}"), &[], &[]);
        assert_eq!(value, *in_file, "{name}");
        assert_eq!(source, Source::File { path: FILE.into(), line: 2 }, "{name}");
        assert_eq!(in_force(name, "", &[], &[]).1, Source::Default, "{name}");
    }
}

#[test]
fn a_variable_outranks_the_file_and_a_flag_outranks_both() {
    for (name, [in_file, in_variable, in_flag], flags) in SAMPLES {
        let key = keys::find(name).unwrap();
        let file = if in_file.is_empty() { String::new() } else { format!("{name} = {in_file}") };
        let (variable, text) = (key.variable(), in_variable.trim_matches('"'));
        let variables = [(variable.as_str(), text)];
        let expected = (in_variable.to_string(), Source::Variable(variable.clone()));
        assert_eq!(in_force(name, &file, &variables, &[]), expected, "{name}");
        assert_eq!(in_force(name, &file, &variables, flags), (in_flag.to_string(), Source::Flag), "{name}");
    }
}

/// Flags that are no settings, and why.
const NO_SETTING: &[(&str, &str)] = &[
    ("command", "what to run belongs to one call"),
    ("help", "asks, and does not set"),
    ("version", "asks, and does not set"),
];

#[test]
fn every_flag_of_record_and_replay_is_a_variable_and_a_key_too() {
    let mut root = crate::cli::command();
    root.build();
    for command in ["record", "replay"] {
        for argument in root.find_subcommand(command).unwrap().get_arguments() {
            let name = argument.get_long().unwrap_or(argument.get_id().as_str());
            if NO_SETTING.iter().all(|(other, _)| *other != name) {
                let key =
                    keys::find(name).unwrap_or_else(|| panic!("--{name} of {command} is in no layer but the flag"));
                let help = argument.get_long_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains(&format!("[env: {}]", key.variable())), "--{name} does not name its variable");
            }
        }
    }
}

#[test]
fn every_setting_is_documented() {
    let page = include_str!("../../../docs/configuration.md");
    for key in KEYS {
        let (name, variable) = (format!("`{}`", key.name), format!("`{}`", key.variable()));
        let row = page.lines().find(|line| line.starts_with(&format!("| {name}"))).unwrap_or_else(|| panic!("{name}"));
        assert!(row.contains(&variable), "{row}");
        assert_eq!(row.contains("never in the file"), key.never_in_file.is_some(), "{row}");
    }
}

#[test]
fn help_and_documentation_name_the_default_that_is_in_force() {
    let mut root = crate::cli::command();
    root.build();
    let page = include_str!("../../../docs/configuration.md");
    for (name, ..) in SAMPLES {
        let default = in_force(name, "", &[], &[]).0.replace('"', "");
        let row = page.lines().find(|line| line.starts_with(&format!("| `{name}`"))).unwrap();
        if !default.is_empty() {
            assert!(row.split('|').nth(3).unwrap().replace('`', "").trim() == default, "{default}: {row}");
        }
        for command in ["record", "replay"] {
            let arguments = root.find_subcommand(command).unwrap().get_arguments();
            let help = arguments.filter(|argument| argument.get_long().unwrap_or(argument.get_id().as_str()) == *name);
            for help in help.map(|argument| argument.get_help().unwrap().to_string()) {
                // A switch is off and a count zero without saying so.
                let quiet = ["", "false", "0"].contains(&default.as_str());
                assert!(quiet || help.contains(&format!("[default: {default}]")), "--{name}: {help}");
            }
        }
    }
}

#[test]
fn items_with_a_plus_add_to_the_layers_below_and_others_take_their_place() {
    let glob = |file: &str, variable: &str, flags: &[&str]| {
        in_force("glob", file, &[("HARMOCK_GLOB", variable)], flags).0.replace('"', "")
    };
    assert_eq!(glob(r#"glob = ["a"]"#, "+b", &["--glob", "+c"]), "a b c");
    assert_eq!(glob(r#"glob = ["a"]"#, "b", &["--glob", "+c"]), "b c");
    assert_eq!(glob(r#"glob = ["a"]"#, "+b", &["--glob", "+c", "--glob", "d"]), "c d");
    assert_eq!(glob(r#"glob = "a""#, "", &[]), "a");
    assert_eq!(in_force("archives", r#"archives = ["+more"]"#, &[], &[]).0, r#""hars" "more""#);
    assert_eq!(in_force("archives", "archives = []", &[], &[]).0, "");
}

#[test]
fn an_unknown_key_is_told_the_nearest_one_and_its_place() {
    assert_eq!(
        problems("glob = []\n  not_fuond = \"fail\"\n"),
        ["harmock.toml:2:3: unknown key `not_fuond`; the nearest known one is `not-found`"]
    );
}

#[test]
fn a_wrong_type_is_told_the_right_one_and_its_place() {
    for (text, expected) in [
        ("grace = 5", "1:9: grace = 5: expected a duration such as `10s`"),
        ("raw = \"yes\"", "1:7: raw = \"yes\": expected true or false, found a string"),
        ("glob = [\"a\",\n  3]", "2:3: glob = 3: expected a string, found an integer"),
        ("har = [\"a.har\"]", "1:7: har: expected a path as a string, found a list"),
        ("max-misses = 1.5", "1:14: max-misses = 1.5: expected a whole number, found a float"),
        ("[listen]\nport = 1", "1:1: listen: expected a string, found a table"),
        ("max-misses = 99999999999999999999", "found an integer beyond 64 bits"),
    ] {
        let found = problems(text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(expected), "{found:?}");
    }
}

#[test]
fn what_would_give_a_cloned_repository_power_counts_only_outside_the_file() {
    for text in [
        "public = true",
        "insecure-upstream = true",
        "upstream-proxy = \"none\"",
        "ca-dir = \"ca\"",
        "config = \"other.toml\"",
        "listen = \"0.0.0.0:1\"",
        "origin = \"0.0.0.0:1=https://a\"",
        "allow-host = \"a.test\"",
        "api-key = \"0123456789abcdef\"",
        "api-key-file = \"../keys\"",
        "har = \"/tmp/x.har\"",
        "archives = [\"hars\", \"../x\"]",
        "archives = [\"+../x\"]",
        "log = \"../log\"",
        "ready-file = \"/ready\"",
        "upstream-ca = [\"../ca.pem\"]",
    ] {
        let found = problems(text);
        assert!(found.len() == 1 && found[0].contains("counts only as"), "{text}: {found:?}");
    }
}

#[test]
fn every_problem_of_the_file_is_found_in_its_order() {
    let found = problems("verbos = 1\nraw = 1\nglob = [1, \"a\", 2]\n");
    let places: Vec<_> = found.iter().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(places, ["harmock.toml:1:1", "harmock.toml:2:7", "harmock.toml:3:9", "harmock.toml:3:17"]);
}

#[test]
fn what_is_not_toml_is_placed_in_characters_and_said_on_one_line() {
    let found = problems("# ä\nlog = \"ä\" oops\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("harmock.toml:2:11: not TOML: "), "{found:?}");
    assert!(problems("\u{feff}globs = 1")[0].starts_with("harmock.toml:1:1: unknown key"));
    assert!(problems("\u{feff}glob = []").is_empty());
}

#[test]
fn the_louder_of_verbose_and_quiet_is_the_one_in_the_higher_layer() {
    let verbosity = |file: &str, flags: &[&str]| {
        let file = ConfigFile::parse(Path::new(FILE), file).unwrap();
        let flags = AllFlags::try_parse_from(["harmock"].iter().chain(flags)).unwrap();
        let mode = crate::proxy::ReplayConfig::default().into();
        let mut layers = Layers::new(Environment::default(), Some(file));
        super::resolve::config(&mut layers, &flags.shared, mode).unwrap().1.verbosity
    };
    assert_eq!(verbosity("", &[]), 0);
    assert_eq!(verbosity("quiet = true", &[]), -1);
    assert_eq!(verbosity("quiet = 2", &["-v"]), 1);
    assert_eq!(verbosity("", &["-vv", "-q"]), 1);
}

#[test]
fn a_limit_on_both_sides_is_set_on_both() {
    let flags = AllFlags::parse_from(["harmock", "--tls-timeout", "3s", "--idle-timeout", "4s"]);
    let mode = crate::proxy::ReplayConfig::default().into();
    let mut layers = Layers::new(Environment::default(), None);
    let (config, _) = super::resolve::config(&mut layers, &flags.shared, mode).unwrap();
    assert_eq!((config.limits.tls.as_secs(), config.upstream.tls.as_secs()), (3, 3));
    assert_eq!((config.limits.idle.as_secs(), config.upstream.idle.as_secs()), (4, 4));
}
