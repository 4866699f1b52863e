# SPDX-License-Identifier: Apache-2.0
# The configuration of everything uses every metric and component there is, and computes the same on any number of threads.
. "$PA_ROOT/tests/cli/check.sh"

pico metrics --markdown
sed -n 's/^## `\{0,1\}\([a-z][a-z0-9_]*\)`\{0,1\}$/\1/p' out >metrics
pico components --markdown
sed -n 's/^## `\{0,1\}\([a-z][a-z0-9_]*\)`\{0,1\}$/\1/p' out >components
[ "$(wc -l <metrics)" -ge 20 ] && [ "$(wc -l <components)" -ge 7 ] || fail 'the lists of names were not understood'

for threads in 1 8; do
    pico analyze --config_path "$PA_ROOT/examples/configs/everything.yaml" --run_path "$run" --output_dir "of_$threads" \
        --threads $threads --quiet
    expect_status 0
done
diff -r of_1 of_8 >out 2>&1 || fail 'other results on other numbers of threads'

results=of_1/everything/results.csv
for metric in $(cat metrics); do
    cut -d, -f4 $results | grep -qx "$metric" || fail "no value of metric $metric"
done
for component in $(cat components); do
    grep -qE ",$component,(weights|gradients|activations|attention)," $results || fail "no value of component $component"
done
grep -qiE ': -?(nan|inf)' of_1/everything/step_*/*.json && fail 'JSON with what is not JSON'

# What has no value there: changes of nothing at the first step, and steps before it.
grep -vE ',(ok|state),' $results | grep -vE 'the matrix is zero|there is no step before' >out
[ ! -s out ] || fail 'more is undefined than should be'
finish
