# A sweep as a replicated job on both machines, with the results in one folder (here both see the same file system; on
# two real machines it is NFS's). Sourced by swarm_test.sh.
results=$nodes_root/results
mkdir -p -m 777 "$results"
cat >"$results/tiny.textproto" <<'SWEEP'
title: "Two machines, four trainings"
rows { label: "standing" experiment: "/usr/local/share/estuary/experiments/wheel_legged_stand_sac.textproto" }
columns { label: "SAC" settings {} }
seeds: [1, 2, 3, 4]
final_episodes: 1
settings {
  budget { environment_steps: 300 gradient_steps: 300 environment_steps_per_epoch: 100 gradient_steps_per_epoch: 100 }
  evaluation { episodes: 0 sim_episodes: 0 }
}
SWEEP
on manager service create --quiet --detach --no-resolve-image --name sweep --user=10001:10001 \
  --mode=replicated-job --replicas=2 --max-concurrent=2 --restart-condition=on-failure --restart-max-attempts=3 \
  --cap-drop=ALL --read-only --mount=type=tmpfs,destination=/tmp --mount="type=bind,source=$results,destination=/results" \
  --env='ESTUARY_PART={{if eq .Task.Slot .Node.ID}}0{{else}}{{.Task.Slot}}{{end}}/2' \
  "$ESTUARY_IMAGES/sweep:test" sweep /results/tiny.textproto --runs=/results --jobs=1 >/dev/null
parts_done() { (($(on manager service ps sweep --format '{{.CurrentState}}' | grep -c '^Complete') == 2)); }
wait_for 150 "both parts of the sweep" parts_done
[[ $(on manager service ps sweep --format '{{.Node}}' | sort -u | xargs) == "manager worker" ]] ||
  fail "the sweep ran on one machine only"
for seed in 1 2 3 4; do
  compgen -G "$results/tiny/*seed-$seed/final_policy.pb" >/dev/null ||
    fail "the sweep's seed $seed is not in $results: $(ls "$results"/tiny)"
done
[[ -s $results/tiny/report.html ]] || fail "nobody wrote the sweep's report: $(ls "$results"/tiny)"
on manager service rm sweep >/dev/null
