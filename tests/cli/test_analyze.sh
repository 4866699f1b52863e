# SPDX-License-Identifier: Apache-2.0
# A whole analysis of the bundled run: files, tables, the closing line.
. "$PA_ROOT/tests/cli/check.sh"

pico analyze --config_path "$demo" --run_path "$run" --output_dir results
expect_status 0
dir=results/demo
for step in 0 50 100; do
    for name in cka_val pwcca_val condition_number_val gini_val norm_val norm_val.norm_type=nuclear; do
        expect_file "$dir/step_$step/$name.json"
    done
done
for step in 0 50; do
    expect_file "$dir/step_$step/per_train.json"
    expect_file "$dir/step_$step/hoyer_train.json"
done
expect_absent "$dir/step_100/per_train.json" # the run has no training split there
expect_err 'warning:'
expect_file "$dir/results.jsonl"
expect_file "$dir/results.csv"
expect_no_leftovers results
grep -q '"layers.3.ov_circuit.activations.heads.2": ' "$dir/step_50/cka_val.json" || fail 'no key of a head'
grep -q '"layers.0.swiglu.w_2.gradients": ' "$dir/step_0/per_train.json" || fail 'no key of a gradient'

# As many lines as values, and the closing line says how many.
values=$(sed -n 's/^\([0-9]*\) values .*/\1/p' out)
[ "$values" = "$(grep -c . "$dir/results.jsonl")" ] || fail "closing line says $values values"
[ "$values" = "$(($(grep -c . "$dir/results.csv") - 1))" ] || fail "csv does not have $values rows"
[ "$values" = "$(cat "$dir"/step_*/*.json | grep -c '": ')" ] || fail "json does not have $values values"
expect_out_matches "^$values values \\([0-9]+ undefined\\) in [0-9.]+ s, [0-9.]+ [KM]?i?B read; results in results/demo\$"

# Tables: a section a step, natural order of layers and heads.
[ "$(grep -c '^step ' out)" -eq 3 ] || fail 'not one section a step'
[ "$(grep -c '^ *[0-9][0-9]*  ' out)" -eq 56 ] || fail 'not a line a layer in 5, 5 and 4 grids'
value=$(sed -n 's/.*"layers.3.ov_circuit.activations.heads.2": \([0-9.]*\).*/\1/p' "$dir/step_50/cka_val.json")
shown=$(awk '/^step 50/ { s = 1 } s && /: cka/ { b = 1 } b && $1 == "3" { print $5; exit }' out)
[ "$shown" = "$(printf '%.4f' "$value")" ] || fail "the table shows $shown for $value"
expect_out_matches '^ov_circuit.activations, val: cka against step 100$'
expect_out_matches '^  layer +all +h0 +h1 +h2 +h3$'
expect_out_matches '^  layer +condition_number +gini +norm( frobenius)? +norm nuclear$'
grep -q "$(printf '\033')" out && fail 'colours without a terminal'
[ "$(awk '{ if (length($0) > 120) n++ } END { print n + 0 }' out)" -eq 0 ] || fail 'lines beyond column 120'

# Progress: plain lines, no bar.
[ "$(grep -c '^step [0-9]* done' err)" -ge 1 ] || fail 'no progress on stderr'
grep -q '\[' err && fail 'a bar without a terminal'

# Other spellings of the options, other numbers of threads: the same bits.
for threads in 1 2 8; do
    pico analyze --config-path="$demo" --run-path "$run" --output-dir "t$threads" --threads $threads --quiet
    expect_status 0
    [ "$(grep -c . out)" -eq 1 ] || fail '--quiet prints more than the closing line'
    grep -q '^step' err && fail '--quiet shows progress'
    diff -r results/demo "t$threads/demo" >diff.txt || fail "results differ with $threads threads: $(head -5 diff.txt)"
done

# Whose formulas: said in every row.
pico analyze --config_path "$demo" --run_path "$run" --output_dir pico --compat pico --quiet
expect_status 0
[ "$(grep -c '"compat": "pico"' pico/demo/results.jsonl)" -eq "$values" ] || fail 'rows do not say compat pico'
pico analyze --config_path "$demo" --run_path "$run" --output_dir lit --compat=literature --quiet
diff -r results/demo lit/demo >/dev/null || fail 'literature is not the default'

# Without --output_dir: where the configuration says.
pico analyze --config_path "$demo" --run_path "$run" --quiet
expect_status 0
expect_file analysis_results/demo/results.csv

# Again, over an earlier result.
pico analyze --config_path "$demo" --run_path "$run" --output_dir results --quiet
expect_status 0
expect_no_leftovers results
finish
