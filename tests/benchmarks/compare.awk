# SPDX-License-Identifier: Apache-2.0
# compare.awk FLOOR_ANSWERS results.csv: do the floor program and the library give the same numbers?
# The keys and numbers of results.csv hold no commas and come before the quoted columns that do.
NR == FNR {
    floor[$1 " " $2] = $3
    expected++
    next
}
FNR == 1 {
    fields = split($0, header, ",")
    for (i = 1; i <= fields; i++) {
        column[header[i]] = i
    }
    next
}
{
    split($0, cell, ",")
    id = cell[column["metric"]] " " cell[column["key"]]
    value = cell[column["value"]]
    if (id in floor) {
        compared++
        error = value == "" ? 1e300 : (floor[id] - value) / (value == 0 ? 1 : value)
        error = error < 0 ? -error : error
        if (!(error <= 1e-6)) {
            wrong++
            printf "  WRONG: %s: the floor program has %s, the library %s\n", id, floor[id],
                value == "" ? "none" : value
        }
        worst = error > worst ? error : worst
    }
}
END {
    if (compared != expected || wrong) {
        printf "  *** THE FLOOR PROGRAM AND THE LIBRARY DISAGREE: "
        printf "%d of %d answers compared, %d differ by more than 1e-6 ***\n", compared, expected, wrong
    } else {
        printf "  the floor program and the library agree on %d answers to %.1e\n", compared, worst
    }
}
