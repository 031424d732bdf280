//! Reads one pattern into alternatives, each a list of fields that must all be satisfied.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::dialect::{Dialect, Limits};
use crate::error::PatternFault;
use crate::operator;
use crate::predicate::Predicate;
use crate::tree::Tree;

/// Most combinations that `$or` may multiply out to in one pattern.
pub(crate) const MAX_ALTERNATIVES: usize = 1000;

/// A field's path and what its values must satisfy.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Names joined by dots. A dot inside a name counts as a joint.
    pub(crate) path: Box<[u8]>,
    pub(crate) predicate: Predicate,
    /// The list as JSON text.
    pub(crate) source: String,
}

/// A pattern with every `$or` multiplied out.
#[derive(Debug, Default)]
pub(crate) struct Pattern {
    pub(crate) fields: Vec<Field>,
    /// Each alternative's fields, as indices into `fields`.
    pub(crate) alternatives: Vec<Vec<usize>>,
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
        let mut reader = Reader {
            dialect,
            fields: Vec::new(),
        };
        let mut alternatives = vec![BTreeMap::new()];
        reader.object(members, None, false, &mut alternatives)?;
        Ok(Self {
            fields: reader.fields,
            alternatives: alternatives
                .into_iter()
                .map(|fields| fields.into_values().collect())
                .collect(),
        })
    }
}

/// A path's field. A path given again replaces the earlier field.
type Alternative = BTreeMap<Box<[u8]>, usize>;

struct Reader {
    dialect: Dialect,
    fields: Vec<Field>,
}

impl Reader {
    fn object(
        &mut self,
        members: &Members<'_>,
        path: Option<&[u8]>,
        inside_or: bool,
        alternatives: &mut Vec<Alternative>,
    ) -> Result<(), Located> {
        if members.is_empty() {
            return Err(located(path.unwrap_or_default(), PatternFault::EmptyObject));
        }
        for (index, (name, value)) in members.iter().enumerate() {
            let repeated_later = members[index + 1..].iter().any(|(later, _)| later == name);
            if repeated_later {
                continue;
            }
            if **name == *b"$or" {
                self.or(value, path, alternatives)?;
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
                Tree::Array(items) => {
                    let field = self.field(&path, value, items)?;
                    for alternative in &mut *alternatives {
                        alternative.insert(path.clone(), field);
                    }
                }
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

    fn or(
        &mut self,
        value: &Tree<'_>,
        path: Option<&[u8]>,
        alternatives: &mut Vec<Alternative>,
    ) -> Result<(), Located> {
        let at = path.unwrap_or_default();
        let branches = match value {
            Tree::Array(branches) if branches.len() >= 2 => branches,
            Tree::Array(branches) => {
                let found = format!("a list of {}", branches.len());
                return Err(located(at, PatternFault::Or { found }));
            }
            other => {
                return Err(located(
                    at,
                    PatternFault::Or {
                        found: other.kind().to_owned(),
                    },
                ));
            }
        };
        let mut combined = Vec::new();
        for branch in branches {
            let Tree::Object(members) = branch else {
                let found = format!("{} in its list", branch.kind());
                return Err(located(at, PatternFault::Or { found }));
            };
            let mut of_branch = alternatives.clone();
            self.object(members, path, true, &mut of_branch)?;
            if combined.len() + of_branch.len() > MAX_ALTERNATIVES {
                return Err(located(
                    at,
                    PatternFault::TooManyAlternatives {
                        max: MAX_ALTERNATIVES,
                    },
                ));
            }
            combined.append(&mut of_branch);
        }
        *alternatives = combined;
        Ok(())
    }

    fn field(
        &mut self,
        path: &[u8],
        list: &Tree<'_>,
        items: &[Tree<'_>],
    ) -> Result<usize, Located> {
        if items.is_empty() {
            return Err(located(path, PatternFault::EmptyList));
        }
        let tests = items.iter().map(|item| operator::item(item, self.dialect));
        let tests = tests
            .collect::<Result<Vec<_>, _>>()
            .map_err(|fault| located(path, fault))?;
        self.fields.push(Field {
            path: path.into(),
            predicate: Predicate::new(tests),
            source: list.render(),
        });
        Ok(self.fields.len() - 1)
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
