# shellcheck shell=bash
# Shared by the scripts beside it; sourced, never run. Says where the servers live and how a process is ended.

servers_src=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# Outside the clone, so that a second clone or a fresh checkout finds the servers again.
servers_home=${LAMBDA_ESM_SERVERS:-$HOME/.cache/lambda-esm/servers}

# An installed server's folder carries a hash of what it was installed from: another version never overwrites it.
hash_of() { cat "$@" | sha256sum | cut -c1-12; }
# shellcheck disable=SC2034 # read by the scripts that source this file
elasticmq_dir=$servers_home/elasticmq-$(hash_of "$servers_src/elasticmq.pom.xml")
# shellcheck disable=SC2034
dynamodb_dir=$servers_home/dynamodb-local-$(hash_of "$servers_src/dynamodb-local.pom.xml")
# shellcheck disable=SC2034
dynamodb_3_dir=$servers_home/dynamodb-local-3-$(hash_of "$servers_src/dynamodb-local-3.pom.xml")
# shellcheck disable=SC2034
kinesis_dir=$servers_home/kinesis-local-$(hash_of "$servers_src/kinesis-local/package-lock.json")
# shellcheck disable=SC2034
python_dir=$servers_home/python-$(hash_of "$servers_src/requirements.txt")
# shellcheck disable=SC2034
kafka_dir=$servers_home/kafka-$(hash_of "$servers_src/kafka.pom.xml" "$servers_src"/kafka/{certificates,*.java})
# shellcheck disable=SC2034
apicurio_dir=$servers_home/apicurio-$(hash_of "$servers_src/apicurio.pom.xml")
# shellcheck disable=SC2034
activemq_dir=$servers_home/activemq-$(hash_of "$servers_src/activemq.pom.xml" "$servers_src"/activemq/* "$servers_src/kafka/certificates")
# shellcheck disable=SC2034
rie_dir=$servers_home/lambda-rie-$(hash_of "$servers_src/lambda-rie.version")

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# Tells whether process $1 still runs and is the server named $2 (a process id may be in use again by another program).
is_running() {
  local command
  { command=$(tr '\0' ' ' <"/proc/$1/cmdline"); } 2>/dev/null || return 1
  [[ $command == *"$2"* ]]
}

# Each server that `start` starts, and what its command line has and no other program's would.
# shellcheck disable=SC2034
declare -A server_marks=([elasticmq]=elasticmq [dynamodb-local]=dynamodbv2.local [dynamodb-fast]=dynamodbv2.local
  [dynamodb-local-3]=dynamodb.services.local [kinesis-local]=kinesis-local [ministack]=ministack
  [kafka]=kafka [rabbitmq]=rabbitmq [apicurio]=apicurio [moto]=moto_server [activemq]=activemq)

# Prints the library that lets a program's time be another or run faster; fails if it is not installed.
faketime_library() {
  local library
  for library in /usr/lib{,64}/{,*/}faketime/libfaketimeMT.so.1; do
    [[ ! -e $library ]] || { echo "$library" && return; }
  done
  return 1
}

# Ends server $2 with process id $1: asks, waits up to ten seconds, then insists.
end_server() {
  is_running "$1" "$2" || return 0
  kill -TERM "$1" 2>/dev/null || return 0
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    is_running "$1" "$2" || return 0
    sleep 0.1
  done
  say "$2 (process $1) did not stop within 10 s when asked; killing it"
  kill -KILL "$1" 2>/dev/null || true
}

# Tells whether RabbitMQ is installed: as Debian does, whose command for everybody can only be run by root.
has_rabbitmq() { [[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]]; }

# Prints the path of Chromium; fails if there is none.
chromium_program() {
  command -v chromium || command -v chromium-browser || command -v google-chrome
}
