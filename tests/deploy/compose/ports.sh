# Who listens: every container's sockets against the table in docs/security.md.

# "service port" of each line between the table's marks. Grafana does not run in the tests.
documented_ports() {
  sed -n '/^<!-- compose ports:/,/^<!-- end of compose ports/p' "$source_dir/docs/security.md" |
    sed -nE 's/^\| `([a-z0-9-]+)` \| ([0-9]+) \|.*/\1 \2/p' | grep -v '^grafana ' | sort
}

# The same of what runs. Docker's own resolver (127.0.0.11) is in every container.
listening_ports() {
  local id pid service
  for id in $(docker ps -q --filter "label=com.docker.compose.project=$project"); do
    service=$(docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}}' "$id")
    pid=$(docker inspect --format '{{.State.Pid}}' "$id")
    nsenter -t "$pid" -n ss -Hltun | awk '$5 !~ /^127\.0\.0\.11:/ {n = split($5, part, ":"); print part[n]}' |
      sed "s/^/$service /"
  done | sort -u
}

check_ports() {
  local difference
  difference=$(diff <(documented_ports) <(listening_ports)) ||
    fail "docs/security.md (<) and what listens (>) differ: $difference"
  listening_ports | wc -l
}
