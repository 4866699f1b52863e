# SPDX-License-Identifier: Apache-2.0
# The example programs do what they say.
. "$PA_ROOT/tests/cli/check.sh"

command=two_matrices
"$PA_EXAMPLES/example_two_matrices" >out 2>err; status=$?
expect_status 0; expect_no_err
# from an independent evaluation of Kornblith et al. 2019, eq. 3, in double precision
expect_out 'cka = 0.943507 '

# The program may choose faster kernels of the BLAS than a library's host gets; a setting holds for both, and only the
# same kernels round alike.
OPENBLAS_CORETYPE=$("$PICOANALYZE" doctor | sed -n 's/^kernels *//p')
export OPENBLAS_CORETYPE

command=study
"$PA_EXAMPLES/example_study" "$demo" "$run" study >out 2>err; status=$?
expect_status 0
expect_out_matches '^50 cka_val layers\.3\.ov_circuit\.activations\.heads\.2 0\.[0-9]+$'
pico analyze --config_path "$demo" --run_path "$run" --output_dir program --quiet
diff -r study program/demo >diff.txt
grep -v 'results.jsonl' diff.txt | grep -q . && { cp diff.txt err; fail 'study and program differ'; }

"$PA_EXAMPLES/example_study" missing.yaml "$run" none >out 2>err; status=$?
expect_status 1; expect_err 'study: missing.yaml'
"$PA_EXAMPLES/example_study" >out 2>err; status=$?
expect_status 2; expect_err usage
finish
