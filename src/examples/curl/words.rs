//! The words of a command line, as the shell would have split it that the text was copied for.

use std::fmt;

/// Why a text has no words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SplitError {
    /// A quote that nothing closes.
    Unclosed(char),
    /// Something that a shell acts on.
    Shell(String),
}

impl fmt::Display for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclosed(quote) => write!(f, "a {quote} is not closed"),
            Self::Shell(what) => write!(
                f,
                "{what} is for a shell, and harmock runs none: put the text in quotes, or write what is meant"
            ),
        }
    }
}

/// Splits what was copied for a POSIX shell or for the Windows command line; which of them shows in the text.
pub(super) fn split(text: &str) -> Result<Vec<Vec<u8>>, SplitError> {
    let text = text.trim();
    if is_windows(text) { windows(text) } else { Posix { rest: text, words: Vec::new(), word: None }.split() }
}

/// `^"` opens each argument that DevTools copies for `cmd`, and `^` at the end of a line goes on in the next.
fn is_windows(text: &str) -> bool {
    text.contains("^\"") || text.lines().any(|line| line.trim_end().ends_with(" ^")) || text.starts_with("curl.exe ")
}

struct Posix<'t> {
    rest: &'t str,
    words: Vec<Vec<u8>>,
    word: Option<Vec<u8>>,
}

impl Posix<'_> {
    fn split(mut self) -> Result<Vec<Vec<u8>>, SplitError> {
        while let Some(char) = self.next() {
            match char {
                ' ' | '\t' | '\n' | '\r' => self.words.extend(self.word.take()),
                '\\' => self.escaped(),
                '\'' => self.single()?,
                '"' => self.double()?,
                '$' if self.rest.starts_with('\'') => {
                    self.next();
                    self.ansi_c()?;
                }
                '$' => self.variable()?,
                '|' | ';' | '&' | '<' | '>' | '(' | ')' | '`' => return Err(SplitError::Shell(format!("`{char}`"))),
                other => self.push(other),
            }
        }
        self.words.extend(self.word.take());
        Ok(self.words)
    }

    fn next(&mut self) -> Option<char> {
        let char = self.rest.chars().next()?;
        self.rest = &self.rest[char.len_utf8()..];
        Some(char)
    }

    fn word(&mut self) -> &mut Vec<u8> {
        self.word.get_or_insert_default()
    }

    fn push(&mut self, char: char) {
        self.word().extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// A line that ends in a backslash goes on in the next.
    fn escaped(&mut self) {
        match self.next() {
            Some('\n') | None => {}
            Some('\r') if self.rest.starts_with('\n') => _ = self.next(),
            Some(char) => self.push(char),
        }
    }

    fn single(&mut self) -> Result<(), SplitError> {
        self.word();
        loop {
            match self.next().ok_or(SplitError::Unclosed('\''))? {
                '\'' => return Ok(()),
                char => self.push(char),
            }
        }
    }

    fn double(&mut self) -> Result<(), SplitError> {
        self.word();
        loop {
            match self.next().ok_or(SplitError::Unclosed('"'))? {
                '"' => return Ok(()),
                '\\' if self.rest.starts_with(['$', '`', '"', '\\', '\n']) => self.escaped(),
                '$' => self.variable()?,
                '`' => return Err(SplitError::Shell("a command between backquotes".to_owned())),
                char => self.push(char),
            }
        }
    }

    /// A `$` that stands for itself; what it would be filled in with, nobody knows here.
    fn variable(&mut self) -> Result<(), SplitError> {
        let name: String =
            self.rest.chars().take_while(|char| char.is_ascii_alphanumeric() || "_{(".contains(*char)).collect();
        if name.is_empty() {
            self.push('$');
            return Ok(());
        }
        Err(SplitError::Shell(format!("the variable ${name}")))
    }

    /// `$'…'`: escapes as in C.
    fn ansi_c(&mut self) -> Result<(), SplitError> {
        self.word();
        let unclosed = || SplitError::Unclosed('\'');
        // Half of a character that takes two escapes of UTF-16.
        let mut high = None;
        loop {
            let char = self.next().ok_or_else(unclosed)?;
            if char == '\'' {
                return Ok(());
            }
            if char != '\\' {
                self.push(char);
                continue;
            }
            let escape = self.next().ok_or_else(unclosed)?;
            match escape {
                'u' | 'U' => {
                    let code = self.digits(0, 16, if escape == 'u' { 4 } else { 8 });
                    match (high.take(), code) {
                        (_, 0xD800..=0xDBFF) => high = Some(code),
                        (Some(high), 0xDC00..=0xDFFF) => {
                            self.push_code(0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00));
                        }
                        (_, code) => self.push_code(code),
                    }
                }
                'x' => self.byte(0, 16, 2),
                '0'..='7' => {
                    let first = escape.to_digit(8).unwrap_or_default();
                    self.byte(first, 8, 2);
                }
                'c' => {
                    let control = self.next().ok_or_else(unclosed)?;
                    self.word().push((control as u32 & 0x1F) as u8);
                }
                _ => self.push(named(escape)),
            }
        }
    }

    fn push_code(&mut self, code: u32) {
        self.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    }

    fn byte(&mut self, first: u32, radix: u32, most: usize) {
        let byte = self.digits(first, radix, most);
        self.word().push((byte & 0xFF) as u8);
    }

    /// Behind the digit `first`, so many more at most.
    fn digits(&mut self, first: u32, radix: u32, most: usize) -> u32 {
        let mut value = first;
        for _ in 0..most {
            let Some(digit) = self.rest.chars().next().and_then(|char| char.to_digit(radix)) else { break };
            value = value.wrapping_mul(radix).wrapping_add(digit);
            self.next();
        }
        value
    }
}

fn named(escape: char) -> char {
    match escape {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'e' | 'E' => '\u{1B}',
        'f' => '\u{C}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{B}',
        other => other,
    }
}

/// The two parsers that a command line passes on Windows: `cmd` takes the carets, then the program's own start takes the
/// quotes and the backslashes before them.
fn windows(text: &str) -> Result<Vec<Vec<u8>>, SplitError> {
    // Between caret quotes DevTools doubles each backslash; by hand they are doubled before a quote alone.
    let doubled = text.contains("^\"");
    quoted_words(&without_carets(text)?, doubled)
}

/// A character, and whether a caret made it plain.
type Marked = (char, bool);

fn without_carets(text: &str) -> Result<Vec<Marked>, SplitError> {
    let mut marked = Vec::with_capacity(text.len());
    let (mut rest, mut in_quotes) = (text.chars().peekable(), false);
    while let Some(char) = rest.next() {
        match char {
            '^' if !in_quotes => {
                let mut next = rest.next();
                if next == Some('\r') {
                    next = rest.next();
                }
                // The end of the line goes, and what comes then is plain.
                if next == Some('\n') {
                    next = rest.next();
                    if next == Some('\r') {
                        next = rest.next();
                    }
                }
                marked.extend(next.map(|char| (char, true)));
            }
            '"' => {
                // The quote of an escaped `\"` closes nothing for the program, and everything for `cmd`.
                in_quotes = !in_quotes;
                marked.push((char, false));
            }
            '|' | '&' | '<' | '>' if !in_quotes => return Err(SplitError::Shell(format!("`{char}`"))),
            other => marked.push((other, false)),
        }
    }
    Ok(marked)
}

fn quoted_words(marked: &[Marked], doubled: bool) -> Result<Vec<Vec<u8>>, SplitError> {
    let (mut words, mut word, mut in_quotes) = (Vec::new(), None::<String>, false);
    let mut at = 0;
    while let Some(&(char, _)) = marked.get(at) {
        match char {
            ' ' | '\t' | '\r' | '\n' if !in_quotes => words.extend(word.take().map(String::into_bytes)),
            '"' => {
                in_quotes = !in_quotes;
                word.get_or_insert_default();
            }
            '\\' => {
                let run = marked[at..].iter().take_while(|(char, _)| *char == '\\').count();
                let before_quote = marked.get(at + run).is_some_and(|(char, _)| *char == '"');
                let word = word.get_or_insert_default();
                let halved = before_quote || doubled;
                let kept = if halved { run / 2 } else { run };
                word.extend(std::iter::repeat_n('\\', kept));
                at += run - 1;
                if halved && run % 2 == 1 {
                    match before_quote {
                        true => {
                            word.push('"');
                            at += 1;
                        }
                        false => word.push('\\'),
                    }
                }
            }
            other => word.get_or_insert_default().push(other),
        }
        at += 1;
    }
    if in_quotes {
        return Err(SplitError::Unclosed('"'));
    }
    words.extend(word.map(String::into_bytes));
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        split(text).unwrap().into_iter().map(|word| String::from_utf8(word).unwrap()).collect()
    }

    #[test]
    fn posix_quotes_escapes_and_lines_that_go_on() {
        let text = "curl 'https://a.test/?a=1&b=2' \\\n  -H 'accept: */*' --data-raw \"{\\\"a\\\": \\$1}\" a\\ b''";
        assert_eq!(
            words(text),
            ["curl", "https://a.test/?a=1&b=2", "-H", "accept: */*", "--data-raw", "{\"a\": $1}", "a b"]
        );
    }

    #[test]
    fn ansi_c_quotes_as_browsers_write_them() {
        let text = r"curl $'it\'s\n\u0021 \ud83d\ude00 \xc3\xa9 \101\t\\'";
        assert_eq!(words(text), ["curl", "it's\n! \u{1f600} \u{e9} A\t\\"]);
    }

    #[test]
    fn a_shell_s_own_signs_are_refused_by_name() {
        for (text, named) in [
            ("curl http://a.test/?a=1&b=2", "`&`"),
            ("curl http://a.test/ | jq .", "`|`"),
            ("curl -H \"Authorization: Bearer $TOKEN\" http://a.test/", "the variable $TOKEN"),
            ("curl \"`date`\"", "between backquotes"),
        ] {
            let said = split(text).unwrap_err().to_string();
            assert!(said.contains(named), "{said}");
        }
        assert_eq!(split("curl 'http://a"), Err(SplitError::Unclosed('\'')));
        assert_eq!(words("curl '$5' \"costs $ 5\""), ["curl", "$5", "costs $ 5"]);
    }

    #[test]
    fn what_devtools_copies_for_cmd() {
        let text = concat!(
            "curl ^\"https://a.test/x?a=1^&b=^%^20^\" ^\r\n",
            "  -X ^\"POST^\" ^\n",
            "  --data-raw ^\"^{^\\^\"a^\\^\":^\\^\"x^\\^\\ny^\\^\",^\n\n^\\^\"b^\\^\":1^}^\""
        );
        assert_eq!(
            words(text),
            ["curl", "https://a.test/x?a=1&b=%20", "-X", "POST", "--data-raw", "{\"a\":\"x\\ny\",\n\"b\":1}"]
        );
    }

    #[test]
    fn plain_quotes_of_cmd_keep_single_backslashes() {
        let text = "curl \"https://a.test/?a=1&b=2\" ^\n  --data-binary \"{\\\"p\\\":\\\"C:\\dir\\\"}\"";
        assert_eq!(words(text), ["curl", "https://a.test/?a=1&b=2", "--data-binary", "{\"p\":\"C:\\dir\"}"]);
        assert!(split("curl http://a.test/?a&b ^\n -i").unwrap_err().to_string().contains("`&`"));
    }
}
