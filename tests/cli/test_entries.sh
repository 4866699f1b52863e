# SPDX-License-Identifier: Apache-2.0
# Entries of a configuration that are out of the ordinary: nothing at a layer, heads alone, options at odds.
. "$PA_ROOT/tests/cli/check.sh"

# entry NAME TEXT: NAME.yaml with one entry of metrics
entry() { printf 'steps: [50, 100]\nmetrics:\n- {%s}\n' "$2" >"$1.yaml"; }
analyze() { pico analyze --config_path "$1.yaml" --run_path "${2:-$run}" --output_dir results --quiet; }
values() { cut -d, -f4,9,10,11,12,13 "$1"; }

# Pairs of heads begin at layer 1: nothing else in the configuration hides that layer 0 has none.
entry pairs 'metric_name: composition, components: [{component_name: induction_head, data_type: weights}]'
analyze pairs; expect_status 0
grep -q ',composition,.*,ok,' results/pairs/results.csv || fail 'no value of a pair'
grep -q ',induction_head,weights,0,' results/pairs/results.csv && fail 'a pair whose later head is in the first layer'
entry from_later 'metric_name: composition, components: [{component_name: induction_head, layers: [1, 3], from_layers: [2]}]'
analyze from_later; expect_status 0
entry no_pairs 'metric_name: composition, components: [{component_name: induction_head, layers: [0]}]'
analyze no_pairs
[ "$status" -ne 0 ] && { expect_one_error_line; grep -q 'out of memory' err && fail 'nothing is not too much'; }

# All together: of a component that gives heads alone, these.
entry heads 'metric_name: gradient_similarity, target_checkpoint: previous, components: [{component_name: attention_head,
  projection: o, data_type: gradients}]'
analyze heads; expect_status 0
awk -F'[":, ]+' '
    $2 == "all" { all = $3 }
    $2 ~ /heads\.[0-9]+\.inner$/ { inner += $3 }
    $2 ~ /heads\.[0-9]+\.norm$/ { a += $3 * $3; n++ }
    $2 ~ /heads\.[0-9]+\.target_norm$/ { b += $3 * $3 }
    END { expected = inner / sqrt(a * b); d = all - expected
          exit !(n == 16 && a > 0 && b > 0 && d < 1e-12 && d > -1e-12) }' results/heads/step_100/*.json ||
    fail 'all heads together are not the sum of their inner products'
entry layers 'metric_name: gradient_similarity, matrix: layers, components: [{component_name: simple, data_type: gradients,
  layer_suffixes: attention.o_proj}]'
analyze layers; expect_status 0
grep -q ',all,' results/layers/results.csv && fail 'all pairs of layers as one vector'

# A path is of comparisons with the step before.
for target in previous initial; do
    entry "from_$target" "metric_name: weight_movement, target_checkpoint: $target, components: [{component_name: simple,
  data_type: weights, layer_suffixes: attention.o_proj}]"
    analyze "from_$target"; expect_status 0
done
grep -q path_length results/from_previous/step_100/*.json || fail 'no path along the run'
grep -q path_length results/from_initial/step_100/*.json && fail 'a path of displacements'

# Rotary positions are those of the run, unless the configuration says otherwise.
rope='metric_name: effective_rank, components: [{component_name: attention_head, circuit: qk, rope_window: 64'
entry rope_default "$rope}]"
entry rope_500 "$rope, rope_theta: 500}]"
cp -R "$run" other; chmod -R u+w other
sed -i 's/position_emb_theta: .*/position_emb_theta: 500/' other/training_config.yaml
analyze rope_default; expect_status 0; values results/rope_default/results.csv >of_10000
analyze rope_500; expect_status 0; values results/rope_500/results.csv >of_500
analyze rope_default other; expect_status 0; values results/rope_default/results.csv >of_other
cmp -s of_500 of_other || fail 'position_emb_theta of the run is not used'
cmp -s of_10000 of_other && fail 'position_emb_theta changes nothing'
sed -i 's/position_emb_theta: .*/position_emb_theta: 0.5/' other/training_config.yaml
analyze rope_default other; expect_status 1; expect_one_error_line; expect_err 'training_config.yaml:'; expect_err position_emb_theta

# What only computing finds wrong with an option is told with its place, too.
refused() {
    entry odd "$1"
    analyze odd; expect_status 1; expect_no_out; expect_one_error_line; expect_err 'odd.yaml:3:'; expect_err "$2"
}
weights='component_name: simple, data_type: weights, layer_suffixes: attention.o_proj'
head='metric_name: norm, components: [{component_name: attention_head'
refused "$head, heads: [0, 99]}]" 99
refused "$head, projection: v, circuit: ov}]" projection
refused "$head, rope_window: 8}]" rope_window
refused "$head, circuit: qk, rope_theta: 500}]" rope_theta
refused 'metric_name: norm, components: [{component_name: ov_circuit, form: full, data_type: gradients}]' 'form: full'
refused "metric_name: svcca, target_checkpoint: previous, keep: 2, components: [{$weights}]" keep
refused "metric_name: weight_distribution, bins: 0, components: [{$weights}]" bins
refused "metric_name: activation_stats, tau: -1, components: [{$weights}]" tau
refused "metric_name: activation_stats, dead_below: -1, components: [{$weights}]" dead_below
refused 'metric_name: composition, components: [{component_name: induction_head, data_type: attention}]' attention
refused 'metric_name: attention_pattern, components: [{component_name: induction_head, data_type: weights}]' weights
finish
