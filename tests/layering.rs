//! The modules use one another as the table of `docs/architecture.md` says, and not otherwise.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each module of the crate with those that it names.
type Uses = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_module_uses_another_that_the_table_does_not_allow() {
    let (allowed, found) = (table(), uses());
    let names = |uses: &Uses| uses.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&allowed), names(&found), "the table names other modules than there are in src");
    for (module, used) in &found {
        let forbidden: Vec<_> = used.difference(&allowed[module]).collect();
        assert!(forbidden.is_empty(), "src/{module} uses {forbidden:?}, which docs/architecture.md does not allow");
    }
}

#[test]
fn the_table_has_no_cycle() {
    let mut left = table();
    while !left.is_empty() {
        let ready: Vec<_> = left.iter().filter(|(_, uses)| !uses.iter().any(|used| left.contains_key(used))).collect();
        let ready: Vec<String> = ready.into_iter().map(|(module, _)| module.clone()).collect();
        assert!(!ready.is_empty(), "these use one another in a circle: {:?}", left.keys());
        left.retain(|module, _| !ready.contains(module));
    }
}

#[test]
fn clap_is_used_by_the_command_line_alone() {
    for (module, files) in modules() {
        for code in files.iter().map(|file| shipped(&fs::read_to_string(file).unwrap()).0) {
            assert!(module == "cli" || !code.contains("clap::"), "src/{module} uses clap");
        }
    }
}

mod reading_code {
    use super::*;

    #[test]
    fn grouped_imports_are_taken_apart() {
        let code = "use crate::{ca::{Root, Leaf}, har, message as m, log::*};\nfn f() { crate::route::go() }";
        assert_eq!(named(code).into_iter().collect::<Vec<_>>(), ["ca", "har", "log", "message", "route"]);
    }

    #[test]
    fn comments_texts_and_test_code_do_not_count() {
        let code = "// crate::a\n/* crate::b */ const T: &str = \"crate::c \\\" crate::d\"; const Q: char = '\"';\n\
                    #[cfg(test)]\nmod tests { use crate::e; fn f() { {} } }\n#[cfg(test)] use crate::f;\n\
                    #[cfg(test)]\npub(crate) mod apart;\nfn g<'a>(x: &'a crate::g::G) {}";
        let (code, test_modules) = shipped(code);
        assert_eq!(named(&code).into_iter().collect::<Vec<_>>(), ["g"]);
        assert_eq!(test_modules, ["apart"]);
    }
}

/// The table: the rows below the heading whose first cell is `module`.
fn table() -> Uses {
    let page = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let rows = page.lines().skip_while(|line| !line.starts_with("| module |")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|')).map(|line| line.split('|').map(names).collect::<Vec<_>>());
    rows.map(|cells| (cells[1][0].clone(), cells[2].iter().cloned().collect())).collect()
}

/// The names between backticks.
fn names(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn uses() -> Uses {
    let modules = modules();
    let known: BTreeSet<String> = modules.keys().cloned().collect();
    let used = |module: &String, files: &[PathBuf]| {
        let code = files.iter().map(|file| shipped(&fs::read_to_string(file).unwrap()).0);
        let mut used: BTreeSet<String> =
            code.flat_map(|code| named(&code)).filter(|name| known.contains(name)).collect();
        used.remove(module);
        used
    };
    modules.iter().map(|(module, files)| (module.clone(), used(module, files))).collect()
}

/// The modules at the top of the crate, each with its files, those of its tests left out.
fn modules() -> BTreeMap<String, Vec<PathBuf>> {
    let mut modules = BTreeMap::new();
    for entry in fs::read_dir(root().join("src")).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_stem().unwrap().to_str().unwrap().to_owned();
        if !matches!(name.as_str(), "lib" | "main") {
            let start = if entry.is_dir() { entry.join("mod.rs") } else { entry };
            let mut files = Vec::new();
            collect(start, &mut files);
            modules.insert(name, files);
        }
    }
    modules
}

/// A file and those of the modules below it.
fn collect(file: PathBuf, files: &mut Vec<PathBuf>) {
    let (code, tests) = shipped(&fs::read_to_string(&file).unwrap());
    let folder = match file.file_name().unwrap().to_str() {
        Some("mod.rs") => file.parent().unwrap().to_owned(),
        _ => file.with_extension(""),
    };
    for name in declared(&code).into_iter().filter(|name| !tests.contains(name)) {
        let [flat, nested] = [folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")];
        collect(if flat.is_file() { flat } else { nested }, files);
    }
    files.push(file);
}

/// The modules that stand in files of their own: `mod NAME;`.
fn declared(code: &str) -> Vec<String> {
    let declarations = code.split("mod ").skip(1).map(|rest| (identifier(rest), rest));
    let in_files = declarations.filter(|(name, rest)| !name.is_empty() && rest[name.len()..].starts_with(';'));
    in_files.map(|(name, _)| name).collect()
}

/// The modules of the crate that code names: `crate::NAME` and `crate::{NAME…, …}`.
fn named(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(identifier(rest));
            continue;
        };
        let mut depth = 0;
        let mut item = String::new();
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    names.insert(identifier(item.trim()));
                    item.clear();
                    continue;
                }
                _ => {}
            }
            item.push(c);
        }
        names.insert(identifier(item.trim()));
    }
    names.remove("");
    names
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Code without comments, texts and what is there for tests alone; and the names of the modules that are.
fn shipped(source: &str) -> (String, Vec<String>) {
    let code = without_texts(source);
    let mut kept = String::new();
    let mut test_modules = Vec::new();
    let mut rest = code.as_str();
    while let Some((before, item)) = rest.split_once("#[cfg(test)]") {
        kept.push_str(before);
        let end = end_of_item(item);
        if let Some((_, name)) = item[..end].split_once("mod ")
            && item[..end].ends_with(';')
        {
            test_modules.push(identifier(name));
        }
        rest = &item[end..];
    }
    kept.push_str(rest);
    (kept, test_modules)
}

/// Behind the `;` or the closing brace that ends the first item.
fn end_of_item(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            ';' if depth == 0 => return at + 1,
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                // `use a::{b};` goes on behind its braces.
                if depth == 0 && !code[at + 1..].starts_with(';') {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    code.len()
}

/// Code with comments gone and every text and character emptied.
fn without_texts(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            length_of_text(rest)
        };
        if skipped > 0 {
            code.push(' ');
            rest = &rest[skipped..];
        } else {
            code.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    code
}

/// How long the text or character is that begins here; 0: none does.
fn length_of_text(rest: &str) -> usize {
    let raw = rest.strip_prefix('b').unwrap_or(rest);
    if let Some(hashes) = raw.strip_prefix('r')
        && let count = hashes.len() - hashes.trim_start_matches('#').len()
        && let Some(body) = hashes[count..].strip_prefix('"')
    {
        let close = format!("\"{}", "#".repeat(count));
        let end = body.find(&close).map_or(body.len(), |end| end + close.len());
        return rest.len() - body.len() + end;
    }
    if let Some(body) = rest.strip_prefix('"') {
        let mut escaped = false;
        let end = body.find(|c| {
            let closes = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        });
        return 1 + end.map_or(body.len(), |end| end + 1);
    }
    let Some(body) = rest.strip_prefix('\'') else { return 0 };
    // A lifetime has no closing quote behind its first character.
    if body.starts_with('\\') {
        // What is escaped may itself be a quote.
        return body[2..].find('\'').map_or(rest.len(), |end| end + 4);
    }
    let length = body.chars().next().map_or(0, char::len_utf8);
    if body[length..].starts_with('\'') { length + 2 } else { 0 }
}
