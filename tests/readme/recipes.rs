//! The recipes: each is what `harmock snippet` prints, records a run, and shows the same with the internet gone.

use super::document::{Example, examples};
use super::sandbox::Sandbox;
use crate::support::needs;

const PAGE: &str = "docs/recipes.md";

/// The path of the authority on the page is Linux's.
#[cfg(target_os = "linux")]
#[test]
fn every_recipe_is_shown_as_it_is_printed() {
    let sandbox = Sandbox::new();
    let names: Vec<String> = examples(PAGE).into_iter().map(|example| example.name).collect();
    let recipes: Vec<_> = names.iter().filter(|name| !["snippet", "doctor"].contains(&name.as_str())).collect();
    assert!(recipes.len() >= 10, "{recipes:?}");
    for name in recipes {
        let printed = sandbox.shell(&format!("harmock snippet {name} 2> said"));
        let example = Example::of(PAGE, name);
        let shown = example.blocks.iter().any(|block| sandbox.here(&block.text).starts_with(&printed));
        assert!(shown, "{PAGE} shows no block of {name} that begins with:\n{printed}");
    }
}

#[test]
fn the_workflow_of_the_readme_is_the_recipe() {
    let (readme, recipe) =
        (Example::of("README.md", "github-actions"), Example::of("docs/recipes.md", "github-actions"));
    assert_eq!(readme.blocks[0].text, recipe.blocks[0].text);
}

#[test]
fn the_snippets_are_listed_and_printed() {
    Sandbox::new().play(&Example::of("docs/recipes.md", "snippet"));
}

#[test]
fn the_doctor_tells_a_broken_shell_from_a_sound_one() {
    Sandbox::new().play(&Example::of("docs/recipes.md", "doctor"));
}

#[test]
fn curl_records_and_replays() {
    needs!(Curl);
    recorded_and_replayed(&Example::of("docs/recipes.md", "curl"));
}

#[test]
fn the_fetch_of_node_records_and_replays() {
    needs!(Node);
    recorded_and_replayed(&Example::of("docs/recipes.md", "node-fetch"));
}

#[test]
fn vitest_records_and_replays() {
    needs!(Node, Runners);
    let sandbox = Sandbox::new();
    sandbox.paste(&Example::of("docs/recipes.md", "node-fetch"));
    sandbox.play_recorded(&Example::of("docs/recipes.md", "vitest"));
}

#[test]
fn pytest_records_and_replays() {
    needs!(Python);
    recorded_and_replayed(&Example::of("docs/recipes.md", "pytest"));
}

#[test]
fn playwright_test_records_and_replays() {
    needs!(Runners, Chromium);
    recorded_and_replayed(&Example::of("docs/recipes.md", "playwright"));
}

#[test]
fn selenium_records_and_replays() {
    needs!(Python, Chromium, Chromedriver);
    recorded_and_replayed(&Example::of("docs/recipes.md", "selenium"));
}

#[test]
fn go_records_and_replays() {
    needs!(Go);
    recorded_and_replayed(&Example::of("docs/recipes.md", "go"));
}

#[test]
fn java_records_and_replays() {
    needs!(Java);
    recorded_and_replayed(&Example::of("docs/recipes.md", "java"));
}

/// It has a program of its own, which is not here; its block is compared with the others.
#[test]
fn cypress_is_told_of_the_proxy_and_keeps_localhost_on_it() {
    let text = &Example::of("docs/recipes.md", "cypress").blocks[0].text;
    assert!(text.contains("HTTPS_PROXY=http://127.0.0.1:8899") && text.contains("NO_PROXY='<-loopback>'"), "{text}");
}

#[track_caller]
fn recorded_and_replayed(example: &Example) {
    Sandbox::new().play_recorded(example);
}
