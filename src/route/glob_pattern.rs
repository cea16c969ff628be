//! One URL glob in Playwright's grammar: read into tokens, and written again as a globset glob that means the same.

/// A glob that cannot be used: which one, where, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GlobError {
    /// A `{` inside `{…}`.
    #[error(
        "glob `{glob}`: `{{` at character {at} stands inside a group, and groups do not nest; \
         write the alternatives as one flat list, or a literal brace as `\\{{`"
    )]
    NestedGroup {
        /// As the user wrote it.
        glob: String,
        /// Counted from one.
        at: usize,
    },
    /// A `}` without its `{`.
    #[error("glob `{glob}`: `}}` at character {at} closes no group; put the `{{` before it, or write it as `\\}}`")]
    UnopenedGroup {
        /// As the user wrote it.
        glob: String,
        /// Counted from one.
        at: usize,
    },
    /// A `{` without its `}`.
    #[error("glob `{glob}`: the group that `{{` at character {at} opens has no `}}`; close it, or write it as `\\{{`")]
    UnclosedGroup {
        /// As the user wrote it.
        glob: String,
        /// Counted from one.
        at: usize,
    },
    /// More than the matcher takes.
    #[error("glob `{glob}`: too large to compile ({reason}); split it into several shorter globs")]
    TooLarge {
        /// As the user wrote it, cut.
        glob: String,
        /// What the compiler said, on one line.
        reason: String,
    },
}

/// Stands for a literal backslash, because globset reads one as a separator on Windows. No URL holds it.
pub(super) const BACKSLASH: char = '\u{1}';

/// The pieces of a glob, named by what they match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// This character.
    Literal(char),
    /// `*`: any run without a slash.
    Segment,
    /// `**`: any run.
    Anything,
    /// `**/` after a slash: nothing, or a run that ends in a slash and has more than it.
    OptionalFolders,
    /// `**/` elsewhere: any run that ends in a slash.
    Folders,
    /// `{a,b}`.
    Group(Vec<Vec<Token>>),
}

/// What is wrong with the braces, and at which character (from zero).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BraceFault {
    Nested(usize),
    Unopened(usize),
    Unclosed(usize),
}

impl BraceFault {
    pub(super) fn of_glob(self, glob: &str) -> GlobError {
        let glob = glob.to_owned();
        match self {
            Self::Nested(at) => GlobError::NestedGroup { glob, at: at + 1 },
            Self::Unopened(at) => GlobError::UnopenedGroup { glob, at: at + 1 },
            Self::Unclosed(at) => GlobError::UnclosedGroup { glob, at: at + 1 },
        }
    }
}

/// Reads a resolved glob.
pub(super) fn parse(glob: &str) -> Result<Vec<Token>, BraceFault> {
    let chars: Vec<char> = glob.chars().collect();
    let mut tokens = Vec::new();
    let mut group: Option<Group> = None;
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let start = at;
        at += 1;
        let token = match c {
            '\\' => match chars.get(at) {
                Some(&escaped) => {
                    at += 1;
                    Token::Literal(escaped)
                }
                None => Token::Literal('\\'),
            },
            '*' => stars(&chars, start, &mut at),
            '{' if group.is_some() => return Err(BraceFault::Nested(start)),
            '{' => {
                group = Some(Group { opened: start, finished: Vec::new(), outside: std::mem::take(&mut tokens) });
                continue;
            }
            '}' => {
                let Some(mut open) = group.take() else { return Err(BraceFault::Unopened(start)) };
                open.finished.push(std::mem::replace(&mut tokens, open.outside));
                Token::Group(open.finished)
            }
            ',' => match &mut group {
                Some(open) => {
                    open.finished.push(std::mem::take(&mut tokens));
                    continue;
                }
                None => Token::Literal(','),
            },
            other => Token::Literal(other),
        };
        tokens.push(token);
    }
    match group {
        Some(open) => Err(BraceFault::Unclosed(open.opened)),
        None => Ok(tokens),
    }
}

/// Writes tokens in globset's grammar, for `literal_separator`, `backslash_escape` and `empty_alternates`.
pub(super) fn to_globset(tokens: &[Token]) -> String {
    let mut glob = String::new();
    write_tokens(tokens, &mut glob);
    // An empty group at the end matches nothing more, and keeps globset from deciding by file name and extension:
    // those are notions of paths, and a URL with a query has neither.
    glob.push_str("{}");
    glob
}

/// A `{` that waits for its `}`.
struct Group {
    opened: usize,
    finished: Vec<Vec<Token>>,
    outside: Vec<Token>,
}

fn stars(chars: &[char], start: usize, at: &mut usize) -> Token {
    while chars.get(*at) == Some(&'*') {
        *at += 1;
    }
    if *at == start + 1 {
        return Token::Segment;
    }
    if chars.get(*at) != Some(&'/') {
        return Token::Anything;
    }
    *at += 1;
    let after_slash = start.checked_sub(1).and_then(|before| chars.get(before)) == Some(&'/');
    if after_slash { Token::OptionalFolders } else { Token::Folders }
}

/// globset's own `**` is one for whole path components only; this is any run, slashes or not.
const ANY_RUN: &str = "{*,*/**/*}";

fn write_tokens(tokens: &[Token], glob: &mut String) {
    for token in tokens {
        match token {
            Token::Literal('\\') => glob.push(BACKSLASH),
            Token::Literal(c) => {
                if matches!(c, '?' | '*' | '[' | ']' | '{' | '}' | ',') {
                    glob.push('\\');
                }
                glob.push(*c);
            }
            Token::Segment => glob.push('*'),
            Token::Anything => glob.push_str(ANY_RUN),
            Token::Folders => {
                glob.push_str(ANY_RUN);
                glob.push('/');
            }
            // globset's `/**/` would also match `//`, where Playwright wants a character between the slashes.
            Token::OptionalFolders => {
                glob.push_str("{,{?,/}");
                glob.push_str(ANY_RUN);
                glob.push_str("/}");
            }
            Token::Group(alternatives) => {
                glob.push('{');
                for (n, alternative) in alternatives.iter().enumerate() {
                    if n > 0 {
                        glob.push(',');
                    }
                    write_tokens(alternative, glob);
                }
                glob.push('}');
            }
        }
    }
}
