//! A decision log in few bytes: its lines are much alike but for their numbers.

use std::collections::HashMap;

/// Stands in a pattern where a number stood.
pub(super) const NUMBER: char = '\u{1}';

/// Patterns of lines, each once.
#[derive(Default)]
pub(super) struct Patterns {
    places: HashMap<String, usize>,
    all: Vec<String>,
}

impl Patterns {
    /// Returns the place of a line's pattern, and the numbers that stood in it.
    pub(super) fn take(&mut self, line: &str) -> (usize, Vec<u64>) {
        let (pattern, numbers) = split(line);
        let place = *self.places.entry(pattern).or_insert_with_key(|pattern| {
            self.all.push(pattern.clone());
            self.all.len() - 1
        });
        (place, numbers)
    }

    /// Returns the patterns, each at its place.
    pub(super) fn into_all(self) -> Vec<String> {
        self.all
    }
}

/// Takes the whole numbers out of a line: those that stand by themselves, and are written just as numbers are.
fn split(line: &str) -> (String, Vec<u64>) {
    let (mut pattern, mut numbers) = (String::with_capacity(line.len()), Vec::new());
    let mut rest = line;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let alone = !before.is_alphanumeric() && !rest[digits..].starts_with(char::is_alphanumeric);
        let plain = digits == 1 || !rest.starts_with('0');
        // 15 digits are exact in JavaScript.
        if (1..=15).contains(&digits)
            && alone
            && plain
            && let Ok(number) = rest[..digits].parse()
        {
            pattern.push(NUMBER);
            numbers.push(number);
            before = '0';
            rest = &rest[digits..];
            continue;
        }
        let taken = digits.max(first.len_utf8());
        // The mark of a number that stands in a text itself would be taken for one.
        pattern.extend(
            rest[..taken]
                .chars()
                .map(|each| if each == NUMBER { '\u{fffd}' } else { each }),
        );
        before = if digits > 0 { '0' } else { first };
        rest = &rest[taken..];
    }
    (pattern, numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined((pattern, numbers): (String, Vec<u64>)) -> String {
        let mut numbers = numbers.iter();
        pattern
            .split(NUMBER)
            .enumerate()
            .map(|(at, part)| match at {
                0 => part.to_owned(),
                _ => format!("{}{part}", numbers.next().unwrap()),
            })
            .collect()
    }

    #[test]
    fn a_line_comes_back_as_it_was() {
        for line in [
            "",
            "7",
            "batch 12 closed with 10 records, 9123 bytes: count",
            "id 00000000-0000-4000-8000-000000000001, in 1.50 s, at 007",
            "shardId-000000000003 / 49590338271490256608559692538361571095921575989136588898",
            "ünï 12é 3 é4",
            "99999999999999999999 1",
        ] {
            assert_eq!(joined(split(line)), line);
        }
        assert_eq!(joined(split("a \u{1} 2")), "a \u{fffd} 2");
    }

    #[test]
    fn lines_that_differ_in_numbers_share_a_pattern() {
        let mut patterns = Patterns::default();
        assert_eq!(patterns.take("batch 1 sent, try 1"), (0, vec![1, 1]));
        assert_eq!(patterns.take("batch 27 sent, try 3"), (0, vec![27, 3]));
        assert_eq!(patterns.take("batch 27 failed"), (1, vec![27]));
        assert_eq!(patterns.into_all().len(), 2);
    }
}
