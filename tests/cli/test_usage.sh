# SPDX-License-Identifier: Apache-2.0
# Help, version, wrong usage: texts and exit codes.
. "$PA_ROOT/tests/cli/check.sh"

pico --help; expect_status 0; expect_no_err
for name in analyze inspect convert metrics components doctor; do
    expect_out "$name"
done
pico --version; expect_status 0; expect_out_matches '^picoanalyze [0-9]+\.[0-9]+\.[0-9]+$'
for name in analyze inspect convert metrics components doctor; do
    pico $name --help; expect_status 0; expect_no_err; expect_out "usage: picoanalyze $name"
    pico $name -h; expect_status 0; expect_out '--version'
    pico $name --version; expect_status 0; expect_out_matches '^picoanalyze [0-9]'
done
pico analyze --help
for option in config_path run_path output_dir compat threads plugin quiet; do
    expect_out "--$option"
done
pico analyze --config_path nowhere.yaml --help; expect_status 0

pico; expect_status 2; expect_no_out; expect_err 'a command is needed'
pico analyse; expect_status 2; expect_err "did you mean 'analyze'?"
pico --verison; expect_status 2; expect_err "unknown option '--verison'"
pico analyze; expect_status 2; expect_no_out; expect_err "'analyze' needs --config_path FILE"
pico analyze --config_path a.yaml; expect_status 2; expect_err 'needs --run_path DIR'
pico analyze --config-path a.yaml; expect_status 2; expect_err 'needs --run_path DIR'
pico analyze --config-path=a.yaml; expect_status 2; expect_err 'needs --run_path DIR'
pico analyze --confg_path=a.yaml; expect_status 2; expect_err "unknown option '--confg_path'; did you mean '--config_path'?"
pico analyze --confg-path a.yaml; expect_status 2; expect_err "did you mean '--config_path'?"
pico analyze --zzzzzzzz; expect_status 2; expect_err "unknown option '--zzzzzzzz'"
pico analyze -x; expect_status 2; expect_err "unknown option '-x'"
pico analyze --config_path; expect_status 2; expect_err "'--config_path' needs a value: FILE"
pico analyze --config_path=; expect_status 2; expect_err "needs a value"
pico analyze --config_path a --config-path b --run_path c; expect_status 2; expect_err "'--config_path' is given twice"
pico analyze --quiet=yes; expect_status 2; expect_err "'--quiet' takes no value"
pico analyze extra --config_path a --run_path b; expect_status 2; expect_err "unexpected argument 'extra'"
for n in 0 -1 x 1025 99999999999999999999 ''; do
    pico analyze --config_path a --run_path b "--threads=$n"; expect_status 2; expect_err "threads"
done
pico analyze --config_path a --run_path b --compat picco; expect_status 2; expect_err "neither 'literature' nor 'pico'"
pico inspect; expect_status 2; expect_err "needs FILE|MODEL|RUN"
pico inspect a b; expect_status 2; expect_err "got 'b' as well"
pico inspect a --step x; expect_status 2; expect_err "not a step number"
pico convert; expect_status 2; expect_err "'convert' needs IN"
pico convert a; expect_status 2; expect_err "'convert' needs OUT"
pico convert a b c; expect_status 2; expect_err "takes IN and OUT, got 'c' as well"
pico doctor now; expect_status 2; expect_err "unexpected argument 'now'"

pico metrics; expect_status 0; expect_no_err
for name in cka pwcca per condition_number norm gini hoyer; do
    expect_out_matches "^$name( |\$)"
done
for text in 'norm_type: frobenius, nuclear, spectral, inf, l1' 'default frobenius' 'debiased' 'paper'; do
    expect_out "$text"
done
pico components; expect_status 0; expect_no_err
for text in simple ov_circuit layer_suffixes.value_layer 'heads: list (default all)' residual_delta; do
    expect_out "$text"
done
pico doctor; expect_status 0; expect_out BLAS; expect_out kernels; expect_out processors
finish
