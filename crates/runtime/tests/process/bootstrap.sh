# A custom runtime as the Lambda developer guide has it ("Building a custom runtime"): a curl for every call. The one
# that posts runs under a time limit of its own, and so in a process group of its own.
set -euo pipefail
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
headers=$(mktemp)
trap 'rm -f "$headers"' EXIT
while true; do
  event=$(curl -sS -LD "$headers" "$api/invocation/next")
  request=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$headers" | tr -d '[:space:]' | cut -d: -f2)
  timeout 60 curl -sS "$api/invocation/$request/response" -d "{\"event\": $event}" >&2
done
