#!/bin/sh
# Runs the benchmark `filters` with a column for event-ruler. Needs java (17 or newer) and mvn.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
for tool in java mvn; do
    command -v "$tool" >/dev/null || { echo "skipped: no $tool" >&2; exit 0; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$here"
mvn -q -B -f pom.xml dependency:copy-dependencies -DoutputDirectory="$work/lib"
cargo bench -q -p lambda-esm-filter --bench filters -- --write="$work"
java -cp "$work/lib/*" Bench.java "$work" >"$work/ruler.tsv" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
cargo bench -q -p lambda-esm-filter --bench filters -- --ruler="$work/ruler.tsv"
