//! Every example of the README and of the other pages does what the page says.
#![cfg(unix)]

mod document;
mod recipes;
mod sandbox;

use std::fs;
use std::path::Path;
use std::process::Command;

use document::examples;
use sandbox::Sandbox;

pub(crate) use document::Example;
pub(crate) use sandbox::in_order;

use crate::support::{in_clients, needs};

const PAGES: &[&str] = &[
    "README.md",
    "docs/architecture.md",
    "docs/archives.md",
    "docs/conditions.md",
    "docs/configuration.md",
    "docs/control-api.md",
    "docs/demo.md",
    "docs/examples.md",
    "docs/mock-server.md",
    "docs/recipes.md",
    "docs/recording.md",
    "docs/replay-differences.md",
    "docs/replay.md",
    "docs/rules.md",
    "docs/reports.md",
    "docs/secrets.md",
    "docs/templates.md",
    "docs/trust.md",
    "docs/webhooks.md",
];

#[test]
fn every_example_of_every_page_is_named_in_this_file() {
    for page in PAGES {
        for example in examples(page) {
            let call = format!("\"{page}\", \"{}\"", example.name);
            let tests = [include_str!("mod.rs"), include_str!("recipes.rs"), include_str!("../demo.rs")];
            assert!(tests.iter().any(|tests| tests.contains(&call)), "no test plays {call}");
        }
    }
}

#[test]
fn every_link_of_every_page_leads_to_a_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for page in PAGES.iter().chain(&["CHANGELOG.md"]) {
        let text = fs::read_to_string(root.join(page)).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or(target);
            let external = target.starts_with("https://") || file.is_empty();
            let there = root.join(page).parent().unwrap().join(file).exists();
            assert!(external || there, "{page}: {target} is not there");
        }
    }
}

#[test]
fn the_first_run_answers_from_the_sample_archive() {
    needs!(Curl);
    play("README.md", "first-run");
}

#[test]
fn installing_puts_the_version_that_the_readme_names_on_the_path() {
    play("README.md", "install");
}

#[test]
fn the_sample_archive_names_every_file_beside_it() {
    let hars = Path::new(env!("CARGO_MANIFEST_DIR")).join("hars");
    let archive = fs::read_to_string(hars.join("shop.har")).unwrap();
    let payloads = fs::read_dir(hars).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    for name in payloads.filter(|name| name != "shop.har" && !name.starts_with('.')) {
        assert!(archive.contains(&name), "no entry names hars/{name}");
    }
}

#[test]
fn rules_let_vary_what_they_name() {
    needs!(Curl);
    play("docs/rules.md", "rules");
}

#[test]
fn what_was_recorded_of_one_origin_answers_for_another() {
    needs!(Curl);
    play("docs/rules.md", "map");
}

#[test]
fn the_closest_entry_answers_and_what_was_let_pass_is_told() {
    needs!(Curl);
    play("docs/rules.md", "closest");
}

#[test]
fn answers_wait_as_the_page_says() {
    needs!(Curl);
    play("docs/conditions.md", "delays");
}

#[test]
fn answers_are_made_of_requests_as_the_page_says() {
    needs!(Curl);
    play("docs/templates.md", "templates");
    play("docs/templates.md", "wrong");
}

#[test]
fn webhooks_are_rendered_as_the_page_says() {
    play("docs/webhooks.md", "templates");
}

#[test]
fn answers_go_wrong_as_the_page_says() {
    needs!(Curl);
    play("docs/conditions.md", "faults");
}

#[test]
fn answers_are_patched_as_the_page_says() {
    needs!(Curl);
    play("docs/conditions.md", "patches");
}

#[test]
fn a_request_says_which_answer_it_wants() {
    needs!(Curl);
    play("docs/conditions.md", "choosing");
}

#[test]
fn a_miss_is_explained_without_a_proxy() {
    play("docs/rules.md", "explain");
}

/// Playing it would run this test again.
#[test]
fn the_command_that_runs_the_tests_is_a_script_without_syntax_errors() {
    let example = Example::of("README.md", "tests");
    let script = example.blocks[0].text.trim_end().strip_prefix("bash ").unwrap();
    let status = Command::new("bash").args(["-n", script]).current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap();
    assert!(status.success(), "bash -n {script}");
}

#[test]
fn a_command_is_recorded() {
    needs!(Curl);
    play("README.md", "record-command");
}

#[test]
fn a_shell_with_the_variables_is_recorded() {
    needs!(Curl);
    let example = Example::of("README.md", "record-shell");
    let said = Sandbox::new().play_until(&example, "recorded");
    assert!(said.contains("recorded 1 exchange into hars/recording.har (1 entry, 1 payload)"), "{said}");
}

#[test]
fn a_command_is_replayed() {
    needs!(Curl);
    play("README.md", "replay-command");
}

/// The actions themselves run nowhere but at GitHub; the commands of its steps do.
#[test]
fn the_steps_of_the_workflow_run() {
    needs!(Curl);
    let example = Example::of("README.md", "github-actions");
    let steps: Vec<_> = example.blocks[0].text.lines().filter_map(|line| line.strip_prefix("      - run: ")).collect();
    assert_eq!(steps.len(), 4, "{steps:?}");
    Sandbox::new().shell(&steps.join("\n"));
}

#[test]
fn the_workflow_is_yaml_with_the_keys_that_github_asks_for() {
    needs!(Python);
    let example = Example::of("README.md", "github-actions");
    let script = "import sys\nfrom ruamel.yaml import YAML\nflow = YAML(typ='safe').load(sys.argv[1])\n\
                  steps = flow['jobs']['test']['steps']\nassert flow['jobs']['test']['runs-on'] and 'on' in flow\n\
                  assert all(set(step) <= {'uses', 'with', 'run'} for step in steps)";
    let status = Command::new(in_clients(".venv/bin/python")).args(["-c", script, &example.blocks[0].text]).status();
    assert!(status.unwrap().success());
}

#[test]
fn a_proxy_in_the_background_is_waited_for() {
    needs!(Curl);
    play("README.md", "background");
}

#[test]
fn a_miss_is_explained_and_gives_the_exit_code_3() {
    needs!(Curl);
    play("README.md", "miss");
}

#[test]
fn curl_is_answered() {
    needs!(Curl);
    let mut sandbox = Sandbox::new();
    sandbox.start("harmock replay");
    sandbox.play(&Example::of("README.md", "curl"));
}

#[test]
fn requests_and_httpx_are_answered() {
    needs!(Python);
    play("README.md", "python");
}

#[test]
fn fetch_is_answered() {
    needs!(Node);
    play("README.md", "node");
}

#[test]
fn the_printed_playwright_config_leads_the_browser_through_the_proxy() {
    needs!(Runners, Chromium);
    let sandbox = Sandbox::new();
    sandbox.paste(&Example::of("docs/recipes.md", "playwright"));
    sandbox.play(&Example::of("README.md", "playwright-test"));
}

#[test]
fn a_script_with_playwright_core_sees_the_recorded_shop() {
    needs!(Playwright, Chromium);
    play("README.md", "playwright-core");
}

#[test]
fn a_browser_is_opened_and_recorded() {
    needs!(Chromium);
    let example = Example::of("README.md", "open-record");
    let said = Sandbox::new().play_until(&example, "GET https://api.shop.example/v1/products 200");
    assert!(said.contains("recorded 1 exchange into hars/visit.har"), "{said}");
}

#[test]
fn a_browser_is_opened_on_a_recording() {
    needs!(Chromium);
    let example = Example::of("README.md", "open-replay");
    let said = Sandbox::new().play_until(&example, "GET https://api.shop.example/v1/products 200");
    assert!(said.contains("missed 0"), "{said}");
}

#[test]
fn the_page_says_that_traffic_arrives_and_gives_the_certificate() {
    needs!(Curl);
    let mut sandbox = Sandbox::new();
    sandbox.start("harmock replay");
    sandbox.play(&Example::of("README.md", "page"));
}

#[test]
fn manual_pages_and_completions_are_written() {
    play("README.md", "man");
}

/// There it is compiled and run.
#[test]
fn the_rust_example_is_a_test_of_the_library() {
    let example = Example::of("README.md", "rust");
    assert!(include_str!("../library.rs").contains(&example.blocks[0].text));
}

#[test]
fn a_recording_is_looked_at_and_edited() {
    needs!(Curl);
    play("README.md", "edit");
}

#[test]
fn an_archive_is_packed_and_unpacked() {
    play("README.md", "pack");
}

#[test]
fn a_config_file_is_checked_and_shown() {
    play("README.md", "config");
}

#[test]
fn the_authority_is_shown_and_its_installation_rehearsed() {
    play("README.md", "trust");
}

#[test]
fn the_authority_is_exported() {
    play("docs/trust.md", "authority");
}

#[test]
fn the_variables_are_printed_for_each_shell() {
    play("docs/trust.md", "env");
}

#[test]
fn changes_to_trust_stores_are_shown_before_they_are_made() {
    play("docs/trust.md", "stores");
}

#[test]
fn archives_are_stored_in_the_ways_that_the_page_names() {
    needs!(Curl);
    play("docs/recording.md", "storage");
}

#[test]
fn two_recordings_are_compared() {
    needs!(Curl);
    play("docs/archives.md", "diff");
}

#[test]
fn git_shows_what_is_in_a_zip() {
    play("docs/archives.md", "textconv");
}

#[test]
fn several_archives_become_one() {
    needs!(Curl);
    play("docs/archives.md", "merge");
}

#[test]
fn payloads_that_nothing_names_are_collected() {
    play("docs/archives.md", "gc");
}

#[test]
fn what_killed_runs_left_is_looked_for() {
    play("docs/archives.md", "recover");
}

#[test]
fn entries_of_a_merge_are_exchanged() {
    needs!(Curl);
    play("docs/recording.md", "update-merge");
}

#[test]
fn this_repository_keeps_line_ends_as_the_page_advises() {
    let example = Example::of("docs/recording.md", "gitattributes");
    let own = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".gitattributes")).unwrap();
    assert!(own.lines().any(|line| line == example.blocks[0].text.trim_end()), "{own}");
}

const RECORDED_WITH_A_SECRET: &str = "harmock record --no-redact --har hars/session.har -- \
     curl -sS -H 'Authorization: Bearer s3cr3t-0123456789' https://api.shop.example/v1/products/7";

#[test]
fn an_archive_that_is_there_is_redacted() {
    needs!(Curl);
    let sandbox = Sandbox::new();
    sandbox.shell(RECORDED_WITH_A_SECRET);
    sandbox.play(&Example::of("docs/secrets.md", "existing"));
}

#[test]
fn more_places_are_redacted() {
    needs!(Curl);
    play("docs/secrets.md", "more");
}

#[test]
fn the_gate_passes_the_sample_archive_and_stops_a_secret() {
    needs!(Curl);
    let example = Example::of("README.md", "secrets-gate");
    let sandbox = Sandbox::new();
    sandbox.shell(&example.blocks[0].text);
    sandbox.shell(RECORDED_WITH_A_SECRET);
    sandbox.shell(&format!("! {}", example.blocks[0].text));
}

#[test]
fn the_hook_lets_no_secret_be_committed() {
    needs!(Curl);
    let example = Example::of("README.md", "secrets-hook");
    let sandbox = Sandbox::new();
    let commit = "git add hars && git -c user.name=a -c user.email=a@a.test commit -q -m";
    sandbox.shell(&format!("git init -q\n{}\n{commit} sample", example.blocks[0].text));
    sandbox.shell(&format!("{RECORDED_WITH_A_SECRET}\n! ({commit} secret)\ngit log --oneline | wc -l | grep -qx 1"));
}

#[test]
fn redirects_are_followed_or_served() {
    needs!(Curl);
    play("docs/replay.md", "redirects");
}

#[test]
fn a_miss_gets_what_not_found_says() {
    needs!(Curl);
    play("docs/replay.md", "not-found");
}

#[test]
fn the_config_file_of_the_settings_page_is_right() {
    play("docs/configuration.md", "file");
}

#[test]
fn a_test_asks_the_proxy_what_it_has_seen() {
    needs!(Curl);
    play("docs/control-api.md", "control");
    play("docs/control-api.md", "commit");
}

#[test]
fn reports_are_written_in_every_format() {
    needs!(Curl);
    play("docs/reports.md", "reports");
}

#[test]
fn the_reports_of_shards_are_merged() {
    needs!(Curl);
    play("docs/reports.md", "shards");
}

#[test]
fn a_trace_names_the_entry_behind_an_answer() {
    needs!(Curl);
    play("docs/reports.md", "trace");
}

#[test]
fn a_base_url_is_answered_beside_the_proxy() {
    needs!(Curl);
    play("docs/mock-server.md", "base-url");
}

#[test]
fn several_servers_share_an_address() {
    needs!(Curl);
    play("docs/mock-server.md", "several");
}

#[test]
fn a_base_url_with_tls_speaks_http_2() {
    needs!(Curl);
    play("docs/mock-server.md", "tls");
}

#[test]
fn a_private_mock_asks_for_its_key() {
    needs!(Curl);
    play("docs/mock-server.md", "private");
}

#[test]
fn a_mock_keeps_its_settings_beside_its_archives() {
    play("docs/mock-server.md", "repository");
}

#[test]
fn an_answer_that_no_traffic_has_is_added() {
    needs!(Curl);
    play("docs/examples.md", "add");
}

#[test]
fn the_answer_of_a_call_is_added() {
    play("docs/examples.md", "call");
}

#[test]
fn an_entry_of_a_trace_is_added() {
    needs!(Curl);
    play("docs/examples.md", "history");
}

#[test]
fn the_examples_of_a_document_are_imported() {
    play("docs/examples.md", "import");
}

#[test]
fn a_body_is_edited() {
    play("docs/examples.md", "edit");
}

#[test]
fn a_webhook_is_sent_and_signed() {
    play("docs/webhooks.md", "send");
}

#[track_caller]
fn play(page: &str, name: &str) {
    Sandbox::new().play(&Example::of(page, name));
}
