//! What somebody may have meant by a name that is unknown.

/// How many known names are listed if none is similar.
const LISTED: usize = 12;

/// Names the most similar known name, or else the known names.
pub(crate) fn known_names(name: &str, known: &[&str]) -> String {
    let near = known
        .iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min_by_key(|(distance, _)| *distance);
    if let Some((_, candidate)) = near {
        return format!("did you mean {candidate}?");
    }
    let listed = known.get(..LISTED).unwrap_or(known).join(", ");
    let more = if known.len() > LISTED { ", …" } else { "" };
    format!("known are {listed}{more}")
}

/// Counts the characters to insert, remove or replace, regardless of case and underscores.
fn distance(one: &str, other: &str) -> usize {
    let plain = |text: &str| -> Vec<char> {
        text.chars()
            .filter(|c| *c != '_')
            .flat_map(char::to_lowercase)
            .collect()
    };
    let (one, other) = (plain(one), plain(other));
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, left) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, right) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(left != right);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_similar_name_is_suggested_and_otherwise_all_are_listed() {
        let known = ["BatchSize", "Enabled"];
        assert_eq!(known_names("batch_size", &known), "did you mean BatchSize?");
        assert_eq!(known_names("Enable", &known), "did you mean Enabled?");
        assert_eq!(
            known_names("Colour", &known),
            "known are BatchSize, Enabled"
        );
    }
}
