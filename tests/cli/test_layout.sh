# SPDX-License-Identifier: Apache-2.0
# Directories that pico-train did not write, and the names of other models in them.
. "$PA_ROOT/tests/cli/check.sh"
data=$PA_ROOT/tests/data/namings
steps='1, 20'
expected=$data/expected.txt

study() { # LAYOUT_LINE: a configuration on stdout
    echo "$1"
    echo 'metrics:'
    for metric in norm per; do
        cat <<END
  - metric_name: $metric
    data_split: val
    components:
      - {component_name: ov_circuit, data_type: weights}
      - {component_name: attention_head, data_type: weights, circuit: qk}
      - {component_name: feed_forward, data_type: weights}
END
    done
    cat <<END
  - metric_name: composition
    data_split: val
    components:
      - {component_name: induction_head, data_type: weights, layers: [1]}
steps: [$steps]
END
}

# compare MODEL: every expected value is in results.csv, within 1e-6 of it.
compare() {
    awk -F, -v model="$1" '
        NR == FNR { if ($1 == model) { want[$2 "," $3 "," $4] = $5; n++ } next }
        FNR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
        {
            id = $column["step"] "," $column["metric"] "," $column["key"]
            if (id in want) {
                found++
                difference = $column["value"] - want[id]
                if (difference * difference > 1e-12 * want[id] * want[id]) print id, $column["value"], want[id]
            }
        }
        END { if (n == 0 || found != n) print found + 0, "of", n, "found" }' "$expected" "$2" >wrong
    [ ! -s wrong ] || fail "$1: $(head -5 wrong)"
}

for case in 'llama checkpoint-{step}/model.safetensors' 'gpt_neox step{step}' 'gpt2 {step}/model.safetensors'; do
    model=${case%% *}
    layout=${case#* }
    study "analysis_name: $model" >"$model.yaml"
    pico analyze --config_path "$model.yaml" --run_path "$data/$model" --layout "$layout" --output_dir option --quiet
    expect_status 0; expect_no_err
    compare "$model" "option/$model/results.csv"
    study "layout: '$layout'" >"$model.yaml"
    pico analyze --config_path "$model.yaml" --run_path "$data/$model" --output_dir key --quiet
    expect_status 0; expect_no_err
    cmp "option/$model/results.csv" "key/$model/results.csv" || fail "$model: option and key differ"
    pico inspect "$data/$model" --layout "$layout"; expect_status 0
    expect_out_matches "^run $model: 2 layers, d_model 8, 4 heads, [24] key/value heads\$"
    expect_out_matches '^[0-9]+ tensors in 2 steps'
    expect_out "names are those of $model;"
done

# The documentation's maps, as maps of one's own: the same values. Heads of GPT-2 by hand.
own() { sed -n "/^naming: # $1\$/,/^\`\`\`/p" "$PA_ROOT/docs/namings.md" | sed '$d'; }
cp -r "$data/gpt2" headless && rm headless/config.json
for case in "llama $data/llama checkpoint-{step}/model.safetensors" "gpt_neox $data/gpt_neox step{step}" \
    "gpt2 headless {step}" "phi3 $data/phi3 {step}" "internlm2 $data/internlm2 {step}"; do
    model=${case%% *}
    place=${case#* }
    study "layout: '${place#* }'" >"own_$model.yaml"
    own "$model" >>"own_$model.yaml"
    [ "$model" != gpt2 ] || echo 'model: {attention_n_heads: 4}' >>"own_$model.yaml"
    pico analyze --config_path "own_$model.yaml" --run_path "${place%% *}" --output_dir own --quiet
    expect_status 0; expect_no_err
    compare "$model" "own/own_$model/results.csv"
done
cp -r "$data/internlm2" falcon && chmod -R u+w falcon # which has another name for how many keys and values there are
sed 's/num_key_value_heads/num_kv_heads/' "$data/internlm2/config.json" >falcon/config.json
rm -r own/own_internlm2
pico analyze --config_path own_internlm2.yaml --run_path falcon --output_dir own --quiet
expect_status 0; expect_no_err
compare internlm2 own/own_internlm2/results.csv
sed 's/c_attn/qkv/' own_gpt2.yaml >moved.yaml
pico analyze --config_path moved.yaml --run_path headless --output_dir own --quiet; expect_status 1
expect_err "naming 'own' looks for 'h.{layer}.attn.qkv.weight': headless/1/model.safetensors: layer 0 has no 'attention.v_proj'"
for name in llama '{x: y}'; do
    { study "layout: '{step}'"; echo "naming: $name"; } >wrong.yaml
    pico analyze --config_path wrong.yaml --run_path headless --output_dir own --quiet; expect_status 1; expect_no_out
    expect_err 'headless/1/model.safetensors: naming '
done
{ study "layout: '{step}'"; echo 'model: {n_heads: 4}'; } >wrong.yaml
pico analyze --config_path wrong.yaml --run_path headless --output_dir own --quiet; expect_status 1
expect_err "9: unknown key of 'model': 'n_heads'"; expect_one_error_line

pico inspect "$data/gpt2/20/model.safetensors"; expect_status 0; expect_out 'names are those of gpt2;'
pico inspect "$PA_ROOT/examples/data/pico-decoder-nano-1"; expect_status 0
grep -q 'names are' out && fail "pico-train's own names are taken for others"

# Positions that rope_window does not compute are refused, unless a base is given; the forms of transformers 4 and 5.
cat >rope.yaml <<END
layout: 'checkpoint-{step}'
model: {attention_n_heads: 2, attention_n_kv_heads: 1} # two pairs a head: with one the base would not matter
metrics:
  - metric_name: norm
    components: [{component_name: attention_head, data_type: weights, circuit: qk, rope_window: 4, rope_pairing: halves}]
steps: [1]
END
sed 's/rope_window: 4/&, rope_theta: 500/' rope.yaml >rope_given.yaml
cp -r "$data/llama" scaled && chmod -R u+w scaled
analyze_scaled() { # CONFIG KEY: with a key in the place of rope_theta, and the analysis
    sed "s/\"rope_theta\": 10000.0/$2/" "$data/llama/checkpoint-1/config.json" >scaled/checkpoint-1/config.json
    pico analyze --config_path "$1.yaml" --run_path scaled --output_dir rope --quiet
}
for key in '"rope_theta": 500.0, "rope_scaling": null' '"rope_theta": 500, "rope_scaling": {"rope_type": "default"}' \
    '"rope_parameters": {"rope_theta": 500.0, "rope_type": "default"}' '"rotary_emb_base": 500'; do
    analyze_scaled rope "$key"; expect_status 0; expect_no_err
    analyze_scaled rope_given "$key"; expect_status 0; expect_no_err
    sed 1d rope/rope/results.csv >computed; sed 1d rope/rope_given/results.csv >given
    [ -s computed ] || fail "no values with $key"
    cmp -s computed given || fail "$key: other values than with rope_theta: 500"
done
for share in '"rope_theta": 500, "partial_rotary_factor": 0.5' \
    '"rope_parameters": {"rope_theta": 500, "partial_rotary_factor": 0.5}' \
    '"rope_parameters": {"rope_theta": 500}, "partial_rotary_factor": 0.5'; do
    analyze_scaled rope "$share"; expect_status 0; expect_no_err
    sed 1d rope/rope/results.csv >computed
    cmp -s computed given && fail "$share: heads are turned whole"
    [ -e half ] || cp computed half
    cmp -s computed half || fail "$share: other values than in another form"
done
for key in '"rope_scaling": {"rope_type": "llama3", "factor": 8.0}' '"rope_scaling": {"type": "linear", "factor": 2.0}' \
    '"rope_parameters": {"rope_theta": 10000.0, "rope_type": "yarn"}' \
    '"rope_parameters": {"full_attention": {"rope_theta": 10000.0}, "sliding_attention": {"rope_theta": 500.0}}'; do
    analyze_scaled rope "$key"; expect_status 1; expect_one_error_line
    expect_err 'attention_head: the model scales its rotary positions'
    analyze_scaled rope_given "$key"; expect_status 0; expect_no_err
done

# The same models as transformers writes them, one layout a step; all steps have the same weights.
steps='1, 2, 3, 4, 5, 6'
expected=same.txt
for model in llama gpt_neox gpt2; do
    real=$PA_ROOT/tests/data/transformers
    for step in 1 2 3 4 5 6; do sed "s/^\([a-z0-9_]*\),1,/\1,$step,/" "$real/components.txt"; done >same.txt
    study "layout: 'checkpoint-{step}'" >"real_$model.yaml"
    pico analyze --config_path "real_$model.yaml" --run_path "$real/$model" --output_dir real --quiet
    expect_status 0; expect_no_err
    compare "$model" "real/real_$model/results.csv"
    pico inspect "$real/$model" --layout 'checkpoint-{step}'; expect_status 0
    expect_out_matches "^run $model: 2 layers, d_model 8, 4 heads, [24] key/value heads\$"
    expect_out_matches '^[0-9]+ tensors in 6 steps'
    expect_out "names are those of $model;"
done

# refused WHAT LAYOUT
refused() { pico inspect "$data/gpt2" --layout "$2"; expect_status 1; expect_no_out; expect_err "$1"; }
refused 'there is no {step} in it' 'model.safetensors'
refused 'more than one {step}' '{step}/{step}'
refused "without '..'" '../gpt2/{step}'
refused "without '..'" "$data/gpt2/{step}"
refused 'nothing in it matches the layout' 'step_{step}'
refused 'nothing in it matches the layout' '{step}/pytorch_model.bin'
refused 'no such directory' 'none/{step}'
cp -r "$data/gpt2" copy && cp -r copy/1 copy/01
pico inspect copy --layout '{step}'; expect_status 1; expect_err 'are both step 1'
printf 'layout: {step}/a\nmetrics: []\nsteps: [1]\n' >bad.yaml
pico analyze --config_path bad.yaml --run_path "$data/gpt2"; expect_status 1; expect_err 'bad.yaml:1'
printf 'layout: {step}\nmetrics: []\nsteps: [1]\n' >bad.yaml
pico analyze --config_path bad.yaml --run_path "$data/gpt2"; expect_status 1; expect_err 'bad.yaml:1:'
rm copy/config.json copy/01 -r
pico inspect copy --layout '{step}'; expect_status 0; expect_out '2 layers, d_model 0, 0 heads'
pico analyze --config_path gpt2.yaml --run_path copy --output_dir none; expect_status 1
expect_err '0 heads'

# Rows that a single process mixed up: told once, and only to those who read activations.
cp -r "$run" single && chmod -R u+w single
printf '  fabric:\n    num_devices: 1\n    num_nodes: 1\n' >>single/training_config.yaml # it ends with 'training'
pico analyze --config_path "$demo" --run_path single --output_dir single_out --quiet; expect_status 0
[ "$(grep -c 'single process' err)" -eq 1 ] || fail 'not warned of once'
{ cat "$demo"; echo 'unscramble: true'; } >unscramble.yaml
pico analyze --config_path unscramble.yaml --run_path single --output_dir single_out --quiet; expect_status 0
grep -q 'single process' err && fail 'warned of what is undone'
for kind in activations:0 weights:1 gradients:1; do
    grep "\"kind\": \"${kind%:*}\"" single_out/*/results.jsonl >of_kind && grep -q "\"unscrambled\": ${kind#*:}" of_kind &&
        fail "rows of ${kind%:*} do not tell whether they were unscrambled"
done
sed -i 's/num_nodes: 1/num_nodes: 2/' single/training_config.yaml
pico analyze --config_path unscramble.yaml --run_path single --output_dir single_out --quiet; expect_status 1; expect_no_out
expect_err 'single/training_config.yaml: unscramble: 2 processes wrote the run'
pico analyze --config_path "$demo" --run_path single --output_dir single_out --quiet; expect_status 0
grep -q 'single process' err && fail 'warned of several processes'
sed -i 's/num_nodes: 2/num_nodes: 1/' single/training_config.yaml
cat >weights.yaml <<END
metrics:
  - metric_name: norm
    components: [{component_name: simple, data_type: weights, layer_suffixes: swiglu.w_2}]
steps: [0]
END
pico analyze --config_path weights.yaml --run_path single --output_dir single_out --quiet; expect_status 0; expect_no_err
finish
