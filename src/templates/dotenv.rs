//! The format of `.env` files: `NAME=value` on each line, with comments, quotes and `export`.

/// One variable of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) value: String,
    /// What the comment behind it says: `# secret` or `# not secret`.
    pub(super) secret: Option<bool>,
}

type Wrong = (usize, &'static str);

/// Reads a file; the error is a line, from one, and what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Vec<Line>, Wrong> {
    let mut reader = Reader { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 };
    let mut lines = Vec::new();
    while !reader.rest.is_empty() {
        reader.skip_blank();
        if reader.rest.starts_with(['\n', '#']) {
            reader.rest_of_line();
        } else if !reader.rest.is_empty() {
            lines.push(reader.variable()?);
        }
    }
    Ok(lines)
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Reader<'a> {
    fn variable(&mut self) -> Result<Line, Wrong> {
        let line = self.line;
        if let Some(after) = self.rest.strip_prefix("export").filter(|after| after.starts_with([' ', '\t'])) {
            self.rest = after.trim_start_matches([' ', '\t']);
        }
        let length =
            self.rest.find(|char: char| !(char.is_ascii_alphanumeric() || char == '_')).unwrap_or(self.rest.len());
        let (name, after) = self.rest.split_at(length);
        if name.is_empty() || name.starts_with(|char: char| char.is_ascii_digit()) {
            return Err((line, "expected `NAME=value`; a name has letters, digits and `_`, and begins with no digit"));
        }
        let after = after.trim_start_matches([' ', '\t']).strip_prefix('=');
        self.rest =
            after.ok_or((line, "expected `=` behind the name, as in `NAME=value`"))?.trim_start_matches([' ', '\t']);
        let value = match self.rest.chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(quote)?,
            _ => self.bare(),
        };
        self.skip_blank();
        let comment = self.rest_of_line();
        let Some(comment) = comment.strip_prefix('#') else {
            return match comment.is_empty() {
                true => Ok(Line { name: name.to_owned(), value, secret: None }),
                false => Err((self.line - 1, "behind the closing quote there is something that is no comment")),
            };
        };
        let secret = match comment.trim() {
            "secret" => Some(true),
            "not secret" => Some(false),
            _ => None,
        };
        Ok(Line { name: name.to_owned(), value, secret })
    }

    /// Up to the end of the line or a `#` behind white space.
    fn bare(&mut self) -> String {
        let line = &self.rest[..self.rest.find('\n').unwrap_or(self.rest.len())];
        let comment =
            line.match_indices('#').find(|(at, _)| line[..*at].is_empty() || line[..*at].ends_with([' ', '\t']));
        let value = &line[..comment.map_or(line.len(), |(at, _)| at)];
        self.rest = &self.rest[value.len()..];
        value.trim().to_owned()
    }

    /// Up to the closing quote, over several lines where it is there; between double quotes `\` begins an escape.
    fn quoted(&mut self, quote: char) -> Result<String, Wrong> {
        let start = self.line;
        let mut value = String::new();
        let mut chars = self.rest[1..].char_indices();
        while let Some((at, char)) = chars.next() {
            self.line += usize::from(char == '\n');
            match char {
                char if char == quote => {
                    self.rest = &self.rest[1 + at + 1..];
                    return Ok(value);
                }
                '\\' if quote == '"' => match chars.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, 'r')) => value.push('\r'),
                    Some((_, 't')) => value.push('\t'),
                    Some((_, char @ ('"' | '\\' | '$'))) => value.push(char),
                    Some(_) => return Err((self.line, "unknown escape; there is \\n, \\r, \\t, \\\", \\\\ and \\$")),
                    None => break,
                },
                '\r' => {}
                char => value.push(char),
            }
        }
        Err((start, "the quote is not closed"))
    }

    fn skip_blank(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r']);
    }

    /// What is left of this line, without what is around it; goes to the next.
    fn rest_of_line(&mut self) -> &'a str {
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        self.line += 1;
        line.trim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap().into_iter().map(|line| (line.name, line.value)).collect()
    }

    #[test]
    fn values_are_bare_or_quoted_and_comments_are_none() {
        let text =
            "\u{feff}# a comment\r\n\r\nA=1\r\n  export B = two words # behind\nC=a#b\nD='it''\n".replace("''", "'");
        let expected = [("A", "1"), ("B", "two words"), ("C", "a#b"), ("D", "it")];
        assert_eq!(values(&text), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(values("A=\nB=\"\"\nC=#x"), ["A", "B", "C"].map(|name| (name.to_owned(), String::new())));
        assert_eq!(values("A='$x \\n \"'")[0].1, "$x \\n \"");
        assert_eq!(values(r#"A="a\n\t\"\\\$b" # c"#)[0].1, "a\n\t\"\\$b");
        assert_eq!(values("A=\"one\r\ntwo\"\nB='three\nfour'")[1].1, "three\nfour");
        assert_eq!(values("A=a=b\\n")[0].1, "a=b\\n");
    }

    #[test]
    fn a_comment_behind_a_value_says_whether_it_is_a_secret() {
        let marks: Vec<_> = parse("A=1 # secret\nB='2' # not secret\nC=3 # secretive\nD=4").unwrap();
        assert_eq!(marks.iter().map(|line| line.secret).collect::<Vec<_>>(), [Some(true), Some(false), None, None]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line) in [
            ("A=1\nB", 2),
            ("A='1\n2'\n1B=2", 3),
            ("A=1\n\nB=\"x\ny", 3),
            ("A='x' y", 1),
            ("=x", 1),
            ("A=\"\\q\"", 1),
            ("A-B=1", 1),
        ] {
            assert_eq!(parse(text).unwrap_err().0, line, "{text}");
        }
    }
}
