//! Which URLs a glob could match at all: a small automaton of the glob, run against the shape of a URL.

use super::glob_pattern::Token;

/// The automaton of one glob.
#[derive(Debug, Clone)]
pub(super) struct Automaton {
    nodes: Vec<Node>,
    start: usize,
}

/// What a node takes, and which node follows.
#[derive(Debug, Clone, Copy)]
enum Node {
    Accept,
    Char(char, usize),
    NotSlash(usize),
    AnyChar(usize),
    /// Goes on at either without taking anything.
    Either(usize, usize),
}

/// How far a URL is written: `0..prefix.len()` inside the prefix, then these.
#[derive(Debug, Clone, Copy)]
struct Shape<'a> {
    prefix: &'a [char],
    any_authority: bool,
}

impl Automaton {
    pub(super) fn new(tokens: &[Token]) -> Self {
        let mut automaton = Self { nodes: vec![Node::Accept], start: 0 };
        automaton.start = automaton.add_all(tokens, 0);
        automaton
    }

    /// Whether any serialised URL of an origin, which ends in `/`, could match. Errs on the side of yes.
    pub(super) fn may_match_origin(&self, origin: &str) -> bool {
        let prefix: Vec<char> = origin.chars().collect();
        self.reaches(Shape { prefix: &prefix, any_authority: false })
    }

    /// Whether any serialised URL of this scheme could match. Errs on the side of yes.
    pub(super) fn may_match_scheme(&self, scheme: &str) -> bool {
        let prefix: Vec<char> = scheme.chars().chain("://".chars()).collect();
        self.reaches(Shape { prefix: &prefix, any_authority: true })
    }

    /// Whether every URL of an origin, which ends in `/`, matches. Errs on the side of no.
    pub(super) fn covers_origin(&self, origin: &str) -> bool {
        let mut nodes = self.closure(vec![self.start]);
        for c in origin.chars() {
            let next = nodes.iter().filter_map(|&node| match self.nodes[node] {
                Node::Char(own, next) => (own == c).then_some(next),
                Node::NotSlash(next) => (c != '/').then_some(next),
                Node::AnyChar(next) => Some(next),
                Node::Accept | Node::Either(..) => None,
            });
            nodes = self.closure(next.collect());
        }
        // A run of anything that may also end here.
        nodes.iter().any(|&node| match self.nodes[node] {
            Node::AnyChar(again) => self.closure(vec![again]).iter().any(|&n| matches!(self.nodes[n], Node::Accept)),
            _ => false,
        })
    }

    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Builds backwards: each token is told what follows it.
    fn add_all(&mut self, tokens: &[Token], end: usize) -> usize {
        tokens.iter().rev().fold(end, |next, token| match token {
            Token::Literal(c) => self.add(Node::Char(*c, next)),
            Token::Segment => self.add_run(next, Node::NotSlash),
            Token::Anything => self.add_run(next, Node::AnyChar),
            Token::Folders => {
                let slash = self.add(Node::Char('/', next));
                self.add_run(slash, Node::AnyChar)
            }
            Token::OptionalFolders => {
                let slash = self.add(Node::Char('/', next));
                let run = self.add_run(slash, Node::AnyChar);
                let first = self.add(Node::AnyChar(run));
                self.add(Node::Either(first, next))
            }
            Token::Group(alternatives) => {
                let starts: Vec<usize> = alternatives.iter().map(|tokens| self.add_all(tokens, next)).collect();
                starts.into_iter().reduce(|one, other| self.add(Node::Either(one, other))).unwrap_or(next)
            }
        })
    }

    fn add_run(&mut self, next: usize, taking: fn(usize) -> Node) -> usize {
        let choice = self.add(Node::Either(next, next));
        let body = self.add(taking(choice));
        self.nodes[choice] = Node::Either(body, next);
        choice
    }

    /// All nodes that can be reached without taking a character.
    fn closure(&self, mut open: Vec<usize>) -> Vec<usize> {
        let mut seen = vec![false; self.nodes.len()];
        let mut closed = Vec::new();
        while let Some(node) = open.pop() {
            if std::mem::replace(&mut seen[node], true) {
                continue;
            }
            closed.push(node);
            if let Node::Either(one, other) = self.nodes[node] {
                open.extend([one, other]);
            }
        }
        closed
    }

    /// Searches the pairs of a node and a place in the URL for one where both are at their end.
    fn reaches(&self, shape: Shape<'_>) -> bool {
        let places = shape.path() + 1;
        let mut seen = vec![false; self.nodes.len() * places];
        let mut open = vec![(self.start, 0)];
        while let Some((node, place)) = open.pop() {
            if std::mem::replace(&mut seen[node * places + place], true) {
                continue;
            }
            match self.nodes[node] {
                Node::Accept if place == shape.path() => return true,
                Node::Accept => {}
                Node::Either(one, other) => open.extend([(one, place), (other, place)]),
                Node::Char(c, next) => {
                    open.extend(shape.after(place, |own| own == c, Some(c)).map(|place| (next, place)));
                }
                Node::NotSlash(next) => {
                    open.extend(shape.after(place, |own| own != '/', None).map(|place| (next, place)));
                }
                Node::AnyChar(next) => {
                    open.extend(shape.after(place, |_| true, None).map(|place| (next, place)));
                }
            }
        }
        false
    }
}

impl Shape<'_> {
    /// The last place: in the path or behind it.
    fn path(self) -> usize {
        self.prefix.len() + if self.any_authority { 2 } else { 0 }
    }

    /// The places that one more character can lead to. `takes` says which characters the glob takes here; `only` is
    /// that character where there is but one.
    fn after(self, place: usize, takes: impl Fn(char) -> bool, only: Option<char>) -> impl Iterator<Item = usize> {
        let (stays, moves) = if let Some(&own) = self.prefix.get(place) {
            (false, takes(own).then_some(place + 1))
        } else if place == self.path() {
            (only.is_none_or(in_url), None)
        } else {
            let nonempty = self.prefix.len() + 1;
            let moves = if place < nonempty {
                only.is_none_or(in_authority).then_some(nonempty)
            } else {
                takes('/').then_some(self.path())
            };
            (place == nonempty && only.is_none_or(in_authority), moves)
        };
        stays.then_some(place).into_iter().chain(moves)
    }
}

/// Whether a serialised URL without fragment can hold this character.
fn in_url(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '#')
}

/// Whether the host and port of a serialised URL can hold it.
fn in_authority(c: char) -> bool {
    c.is_ascii_graphic() && !c.is_ascii_uppercase() && !matches!(c, '/' | '?' | '\\' | '#' | '<' | '>')
}
