//! Reads one pattern into fields, and the alternatives that need each of them.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::alternatives::{Alternatives, Bits};
use crate::dialect::{Dialect, Limits};
use crate::error::PatternFault;
use crate::field::Field;
use crate::operator;
use crate::predicate::Predicate;
use crate::tree::Tree;

/// Most combinations that `$or` may multiply out to in one pattern.
///
/// Source: EventBridge's documented limit for a rule. Each field keeps a bit for each of them, at most 16 words:
/// the hundreds of fields that 4,096 characters have room for keep some 50 KB.
pub(crate) const MAX_ALTERNATIVES: usize = 1000;

/// A pattern with every `$or` multiplied out: it matches if one of its alternatives has all its fields satisfied.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// Each field with the alternatives that need it, counted from 0.
    pub(crate) fields: Vec<(Field, Bits)>,
    pub(crate) alternatives: usize,
}

/// Where the fault is (a dotted path) and what it is.
pub(crate) type Located = (String, PatternFault);

type Members<'a> = [(Cow<'a, [u8]>, Tree<'a>)];

impl Pattern {
    pub(crate) fn parse(text: &str, dialect: Dialect, limits: Limits) -> Result<Self, Located> {
        let whole = |fault| (String::new(), fault);
        let chars = text.chars().count();
        if chars > limits.max_pattern_chars {
            return Err(whole(PatternFault::TooLong {
                chars,
                max: limits.max_pattern_chars,
            }));
        }
        let (tree, end) =
            Tree::parse(text.as_bytes()).map_err(|at| whole(PatternFault::NotJson { at }))?;
        if end < text.len() {
            return Err(whole(PatternFault::TrailingText { at: end }));
        }
        let Tree::Object(members) = &tree else {
            return Err(whole(PatternFault::NotAnObject { found: tree.kind() }));
        };
        let mut alternatives = Alternatives::one();
        Reader { dialect }.object(members, None, false, &mut alternatives)?;
        Ok(Self {
            alternatives: alternatives.count(),
            fields: alternatives.into_fields(),
        })
    }
}

struct Reader {
    dialect: Dialect,
}

impl Reader {
    /// Adds an object's fields to every alternative so far.
    fn object(
        &self,
        members: &Members<'_>,
        path: Option<&[u8]>,
        inside_or: bool,
        alternatives: &mut Alternatives,
    ) -> Result<(), Located> {
        if members.is_empty() {
            return Err(located(path.unwrap_or_default(), PatternFault::EmptyObject));
        }
        let last: HashMap<&[u8], usize> = members
            .iter()
            .enumerate()
            .map(|(index, (name, _))| (&**name, index))
            .collect();
        for (index, (name, value)) in members.iter().enumerate() {
            let repeated_later = last.get(&**name).is_some_and(|last| *last > index);
            if repeated_later {
                continue;
            }
            if **name == *b"$or" {
                let one_of = self.or(value, path)?;
                alternatives
                    .multiply(one_of, MAX_ALTERNATIVES)
                    .map_err(|max| too_many(path, max))?;
                continue;
            }
            let path = join(path, name);
            if inside_or && operator::is_reserved_in_or(name) {
                let name = String::from_utf8_lossy(name).into_owned();
                return Err(located(&path, PatternFault::ReservedName { name }));
            }
            match value {
                Tree::Object(members) => {
                    self.object(members, Some(&path), inside_or, alternatives)?
                }
                Tree::Array(items) => alternatives.need(self.field(path, value, items)?),
                scalar => {
                    return Err(located(
                        &path,
                        PatternFault::NotInList {
                            found: scalar.render(),
                        },
                    ));
                }
            }
        }
        Ok(())
    }

    fn or(&self, value: &Tree<'_>, path: Option<&[u8]>) -> Result<Alternatives, Located> {
        let fault = |found| located(path.unwrap_or_default(), PatternFault::Or { found });
        let branches = match value {
            Tree::Array(branches) if branches.len() >= 2 => branches,
            Tree::Array(branches) => return Err(fault(format!("a list of {}", branches.len()))),
            other => return Err(fault(other.kind().to_owned())),
        };
        let mut one_of = Alternatives::none();
        for branch in branches {
            let Tree::Object(members) = branch else {
                return Err(fault(format!("{} in its list", branch.kind())));
            };
            let mut of_branch = Alternatives::one();
            self.object(members, path, true, &mut of_branch)?;
            one_of
                .append(of_branch, MAX_ALTERNATIVES)
                .map_err(|max| too_many(path, max))?;
        }
        Ok(one_of)
    }

    fn field(
        &self,
        path: Box<[u8]>,
        list: &Tree<'_>,
        items: &[Tree<'_>],
    ) -> Result<Field, Located> {
        if items.is_empty() {
            return Err(located(&path, PatternFault::EmptyList));
        }
        let tests = items.iter().map(|item| operator::item(item, self.dialect));
        let tests = tests
            .collect::<Result<Vec<_>, _>>()
            .map_err(|fault| located(&path, fault))?;
        Ok(Field {
            path,
            predicate: Predicate::new(tests),
            source: list.render(),
        })
    }
}

/// `path` is `None` at the root; a name may be empty.
fn join(path: Option<&[u8]>, name: &[u8]) -> Box<[u8]> {
    match path {
        None => name.into(),
        Some(path) => [path, b".", name].concat().into(),
    }
}

fn located(path: &[u8], fault: PatternFault) -> Located {
    (String::from_utf8_lossy(path).into_owned(), fault)
}

fn too_many(path: Option<&[u8]>, max: usize) -> Located {
    let fault = PatternFault::TooManyAlternatives { max };
    located(path.unwrap_or_default(), fault)
}
