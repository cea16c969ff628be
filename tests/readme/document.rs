//! The examples of a Markdown page: fenced blocks below a comment `<!-- example: NAME -->`, up to the next one or the
//! next heading.

use std::fs;
use std::path::Path;

/// Blocks that belong together, in the order in which a reader pastes them.
#[derive(Debug)]
pub(crate) struct Example {
    pub(crate) name: String,
    pub(crate) blocks: Vec<Block>,
}

#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) language: String,
    pub(crate) text: String,
}

impl Example {
    /// The example of this name in a page of the repository.
    #[track_caller]
    pub(crate) fn of(page: &str, name: &str) -> Self {
        let found = examples(page).into_iter().find(|example| example.name == name);
        found.unwrap_or_else(|| panic!("{page} has no example {name}"))
    }
}

impl Block {
    /// The name of the file that it is, from the comment in its first line.
    pub(crate) fn file_name(&self) -> Option<&str> {
        let first = self.text.lines().next()?;
        let name = first.strip_prefix("# ").or_else(|| first.strip_prefix("// "))?;
        (matches!(self.language.as_str(), "go" | "java" | "js" | "py" | "toml" | "ts" | "yaml")).then_some(name)
    }
}

/// All examples of a page. A block outside of an example fails the test, unless it is a picture: plain text.
pub(super) fn examples(page: &str) -> Vec<Example> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let mut examples: Vec<Example> = Vec::new();
    let mut inside = false;
    let mut block: Option<Block> = None;
    for (number, line) in text.lines().enumerate() {
        if let Some(open) = &mut block {
            if line.trim_end() != "```" {
                open.text.push_str(line);
                open.text.push('\n');
                continue;
            }
            let done = block.take().unwrap();
            match examples.last_mut() {
                Some(example) if inside => example.blocks.push(done),
                _ => assert_eq!(done.language, "text", "{page}:{}: this block belongs to no example", number + 1),
            }
        } else if let Some(language) = line.strip_prefix("```") {
            block = Some(Block { language: language.to_owned(), text: String::new() });
        } else if let Some(name) = line.strip_prefix("<!-- example: ") {
            let name = name.strip_suffix(" -->").unwrap_or_else(|| panic!("{page}:{}: {line}", number + 1));
            examples.push(Example { name: name.to_owned(), blocks: Vec::new() });
            inside = true;
        } else if line.starts_with('#') {
            inside = false;
        }
    }
    assert!(block.is_none(), "{page}: a block has no end");
    examples
}
