#!/usr/bin/env bash
# The containers, as somebody with the README would use them: the image is built and looked into, four nodes come up healthy, the
# demonstration runs on them and kills the leader's container, they stop in order and continue where they were. Everything made
# here has a name of its own and is removed at the end; a devnet that is up already is not touched.
#
#   test/end-to-end/docker.sh [a script that brings a Docker engine]
#
# The last line says how it went: `docker: passed: …`, `docker: failed: …` (exit code 1), or `docker: left out: …` without an engine.
set -uo pipefail
cd "$(dirname "$0")/../.."

has_engine() { docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; }
if ! has_engine && [ -x "${1:-}" ]; then "$1"; fi
has_engine || { echo "docker: left out: no Docker engine with Compose here"; exit 0; }

members=(guangzhou beijing wuhan hangzhou)
file=docker/compose.devnet.yaml
export COMPOSE_PROJECT_NAME=gongzheng-check-$$ GONGZHENG_IMAGE=gongzheng-check:$$
compose() { docker compose -f "$file" "$@"; }

clean() {
  compose down --volumes --remove-orphans --timeout 5 >/dev/null 2>&1
  docker image rm -f "$GONGZHENG_IMAGE" >/dev/null 2>&1
}
trap clean EXIT
failed() {
  compose ps --all 2>/dev/null
  compose logs --no-color --tail 30 2>/dev/null
  echo "docker: failed: $1"
  exit 1
}

# Free ones of this moment, held all at once so that they differ.
read -r -a ports < <(node -e '
  const servers = [1, 2, 3, 4].map(() => require("node:net").createServer().listen(0, "127.0.0.1"))
  setTimeout(() => {
    console.log(servers.map((server) => server.address().port).join(" "))
    for (const server of servers) server.close()
  }, 200)')
export GONGZHENG_PORT_GUANGZHOU=${ports[0]} GONGZHENG_PORT_BEIJING=${ports[1]}
export GONGZHENG_PORT_WUHAN=${ports[2]} GONGZHENG_PORT_HANGZHOU=${ports[3]}

echo "building the image"
compose build --quiet founding || failed "the image does not build"

# Nothing but the program: no tests, no development tools, no keys, nothing that its user could change.
inside() { docker run --rm --network none --entrypoint sh "$GONGZHENG_IMAGE" -c "$1"; }
inside '[ "$(id -u)" = 1000 ]' || failed "the image runs as root"
surplus=$(inside 'cd /opt/gongzheng && ls -d test docs .git .demo .devnet node_modules/vitest node_modules/typescript node_modules/@biomejs node_modules/node 2>/dev/null
  find . /var/lib/gongzheng /run/gongzheng ! -type l -writable ! -path /var/lib/gongzheng ! -path /run/gongzheng
  find . /var/lib/gongzheng -path ./node_modules -prune -o \( -name "*.pem" -o -name "*.env" -o -name key.json -o -name node.json -o -name centre.json -o -name "*.jsonl" \) -print')
[ -z "$surplus" ] || failed "in the image, and should not be: $surplus"

# Every member's attested size and root, one line each; they have to be the same.
sizes() {
  for port in "${ports[@]}"; do
    node -e 'fetch(process.argv[1]).then((answer) => answer.json()).then(({ attestedSize, attestedRoot }) => console.log(attestedSize, attestedRoot))' \
      "http://127.0.0.1:$port/v1/status"
  done | sort -u
}

echo "starting four nodes"
compose up --detach --wait --quiet-pull || failed "the four nodes did not become healthy"
[ "$(compose ps --format '{{.Health}}' "${members[@]}" | grep -c '^healthy$')" = 4 ] || failed "not all four are healthy"

demonstration=$(npm run -s demo -- --compose "$file" --json --minutes 0.5 | tail -n 1)
summary=$(node -e '
  const { ok, records, leaderGapMs, seconds } = JSON.parse(process.argv[1])
  if (!ok) process.exit(1)
  console.log(`${records} records in ${seconds} s, the leader killed and felt for ${leaderGapMs} ms`)' "$demonstration") ||
  failed "the demonstration did not hold: $demonstration"

echo "stopping, and starting again"
before=$(sizes)
compose stop >/dev/null 2>&1 || failed "stop"
codes=$(compose ps --all --format '{{.ExitCode}}' "${members[@]}" | sort -u)
[ "$codes" = 0 ] || failed "exit codes after stop: $codes"
compose up --detach --wait || failed "the four nodes did not become healthy again"
after=$(sizes)
[ "$(wc -l <<<"$before")" = 1 ] && [ "$before" = "$after" ] || failed "before the stop: $before; afterwards: $after"

echo "docker: passed: $summary; stopped with 0 and continued at $after"
