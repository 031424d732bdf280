//! What a field's list of values and operators accepts.

use crate::number::comparable;
use crate::standing::Standing;
use crate::text::{Block, Folded, Wildcard};

/// One item of a field's list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    Literal(Literal),
    String(Box<[u8]>),
    Number(Number),
    /// `exists: true`
    Present,
    /// `exists: false`
    Absent,
    Text(TextTest),
    Range(Range),
    AnythingBut(Not),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Literal {
    Null = 1,
    True = 2,
    False = 4,
}

/// A number to equal, by value if comparable, else by its text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Number {
    pub(crate) text: Box<[u8]>,
    pub(crate) value: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TextTest {
    IgnoreCase(Folded),
    Prefix(Box<[u8]>),
    Suffix(Box<[u8]>),
    PrefixIgnoreCase(Folded),
    SuffixIgnoreCase(Folded),
    Wildcard(Wildcard),
    Block(Block),
}

impl TextTest {
    fn accepts(&self, value: &[u8]) -> bool {
        match self {
            Self::IgnoreCase(text) => text.equals(value),
            Self::Prefix(text) => value.starts_with(text),
            Self::Suffix(text) => value.ends_with(text),
            Self::PrefixIgnoreCase(text) => text.is_prefix_of(value),
            Self::SuffixIgnoreCase(text) => text.is_suffix_of(value),
            Self::Wildcard(wildcard) => wildcard.matches(value),
            Self::Block(block) => block.contains(value),
        }
    }
}

/// Numbers between two bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) from: Bound,
    pub(crate) to: Bound,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bound {
    pub(crate) value: f64,
    pub(crate) inclusive: bool,
}

impl Range {
    fn contains(&self, value: f64) -> bool {
        let Self { from, to } = self;
        (value > from.value || from.inclusive && value == from.value)
            && (value < to.value || to.inclusive && value == to.value)
    }
}

/// What `anything-but` excludes. It accepts every leaf that is none of these.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Not {
    Strings(Strings),
    Numbers(Box<[f64]>),
    Texts(Box<[TextTest]>),
}

impl Not {
    fn accepts(&self, leaf: &Leaf<'_>) -> bool {
        match (self, leaf) {
            (Self::Strings(texts), Leaf::String(value)) => !texts.contains(value),
            (Self::Texts(tests), Leaf::String(value)) => {
                !tests.iter().any(|test| test.accepts(value))
            }
            (Self::Numbers(numbers), Leaf::Number(_, value)) => {
                value.is_none_or(|value| !numbers.contains(&value))
            }
            _ => true,
        }
    }
}

/// A set of strings, sorted by length and content.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Strings(Box<[Box<[u8]>]>);

/// Up to this many strings are compared one after the other.
const FEW: usize = 8;

impl Strings {
    pub(crate) fn new(mut texts: Vec<Box<[u8]>>) -> Self {
        texts.sort_by(|one, other| (one.len(), one).cmp(&(other.len(), other)));
        texts.dedup();
        Self(texts.into())
    }

    #[inline]
    fn contains(&self, value: &[u8]) -> bool {
        if self.0.len() <= FEW {
            return self.0.iter().any(|text| **text == *value);
        }
        self.0
            .binary_search_by(|text| (text.len(), &**text).cmp(&(value.len(), value)))
            .is_ok()
    }
}

/// A value of an event that is neither object nor array.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Leaf<'a> {
    /// Escapes resolved.
    String(&'a [u8]),
    /// The number as written, and its value if it is comparable. A predicate that does not
    /// [compare](Predicate::compares) does not look at the value.
    Number(&'a [u8], Option<f64>),
    Literal(Literal),
}

impl<'a> Leaf<'a> {
    /// Tells the kind of a number, `true`, `false` or `null` from its text.
    #[inline]
    pub(crate) fn bare(text: &'a [u8], compares: bool) -> Self {
        match text.first() {
            Some(b't') => Self::Literal(Literal::True),
            Some(b'f') => Self::Literal(Literal::False),
            Some(b'n') => Self::Literal(Literal::Null),
            _ if compares => Self::Number(text, comparable(text)),
            _ => Self::Number(text, None),
        }
    }
}

/// A field's whole list, sorted by what each test looks at.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Predicate {
    present: bool,
    absent: bool,
    literals: u8,
    strings: Strings,
    texts: Vec<TextTest>,
    numbers: Vec<Number>,
    ranges: Vec<Range>,
    excluded: Vec<Not>,
}

impl Predicate {
    pub(crate) fn new(tests: Vec<Test>) -> Self {
        let mut new = Self::default();
        let mut strings = Vec::new();
        for test in tests {
            match test {
                Test::Literal(literal) => new.literals |= literal as u8,
                Test::String(text) => strings.push(text),
                Test::Number(number) => new.numbers.push(number),
                Test::Present => new.present = true,
                Test::Absent => new.absent = true,
                Test::Text(text) => new.texts.push(text),
                Test::Range(range) => new.ranges.push(range),
                Test::AnythingBut(not) => new.excluded.push(not),
            }
        }
        new.strings = Strings::new(strings);
        new
    }

    /// Returns whether the field may be missing.
    pub(crate) fn allows_absence(&self) -> bool {
        self.absent
    }

    /// Returns whether any of the values that can stand at a place may be accepted. What `anything-but` excludes is
    /// not looked at: something else is always left.
    pub(crate) fn may_accept(&self, standing: Standing) -> bool {
        let any = self.present || !self.excluded.is_empty();
        match standing {
            Standing::Nothing => false,
            Standing::Anything => true,
            Standing::Text => any || !self.strings.0.is_empty() || !self.texts.is_empty(),
            Standing::Number => any || !self.numbers.is_empty() || !self.ranges.is_empty(),
            Standing::Boolean => {
                any || self.literals & (Literal::True as u8 | Literal::False as u8) != 0
            }
        }
    }

    #[inline]
    pub(crate) fn accepts(&self, leaf: &Leaf<'_>) -> bool {
        if self.present {
            return true;
        }
        let accepted = match leaf {
            Leaf::String(value) => {
                self.strings.contains(value) || self.texts.iter().any(|test| test.accepts(value))
            }
            Leaf::Number(text, value) => self.accepts_number(text, *value),
            Leaf::Literal(literal) => self.literals & *literal as u8 != 0,
        };
        accepted || self.excluded.iter().any(|not| not.accepts(leaf))
    }

    /// Returns whether any test looks at the values of numbers.
    pub(crate) fn compares(&self) -> bool {
        let excludes = self
            .excluded
            .iter()
            .any(|not| matches!(not, Not::Numbers(_)));
        excludes || !self.numbers.is_empty() || !self.ranges.is_empty()
    }

    fn accepts_number(&self, text: &[u8], value: Option<f64>) -> bool {
        match value {
            Some(value) => {
                self.numbers
                    .iter()
                    .any(|number| number.value == Some(value))
                    || self.ranges.iter().any(|range| range.contains(value))
            }
            None => self.numbers.iter().any(|number| *number.text == *text),
        }
    }
}
