# SPDX-License-Identifier: Apache-2.0
# On a terminal: colours unless refused, a bar that is gone at the end, tables as wide as the terminal.
. "$PA_ROOT/tests/cli/check.sh"
escape=$(printf '\033')
terminal() {
    command="terminal: $*"
    "$PA_HELPERS/in_terminal" "$@" >out 2>err
    status=$?
}

TERM=xterm
export TERM
terminal "$PICOANALYZE" analyze --config_path "$demo" --run_path "$run" --output_dir results
expect_status 0
expect_out "$escape[1mstep 0$escape[0m"
expect_out "$escape[Kpicoanalyze: warning: " # the bar is taken away for it
expect_out "$escape[K[" # the bar
grep -q '] *[0-9]* %.*$' out || fail 'no bar'
sed 's/^steps:.*/steps: [0, 50]/' "$demo" >calm.yaml # no warning
terminal "$PICOANALYZE" analyze --config_path calm.yaml --run_path "$run" --output_dir results
expect_status 0
expect_out "$escape[K$escape[1mstep 0$escape[0m" # the bar is taken away for the table
tail -n 1 out | grep -q 'results in results/demo' || fail 'the closing line is not the last'

terminal /usr/bin/env NO_COLOR=1 "$PICOANALYZE" analyze --config_path "$demo" --run_path "$run" --output_dir results
expect_status 0
grep -qF "$escape[1m" out && fail 'colours in spite of NO_COLOR'
terminal /usr/bin/env TERM=dumb "$PICOANALYZE" inspect "$run"
expect_status 0
grep -qF "$escape[1m" out && fail 'colours on a dumb terminal'
[ "$(awk '{ if (length($0) > 102) n++ } END { print n + 0 }' out)" -eq 0 ] || fail 'wider than the terminal'
terminal "$PICOANALYZE" metrics
expect_status 0
finish
