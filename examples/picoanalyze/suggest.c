/* SPDX-License-Identifier: Apache-2.0 */
#include "suggest.h"

#include <string.h>

enum { LONGEST = 63 };

static int min3(int a, int b, int c)
{
    const int ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein distance of two words of at most LONGEST bytes. */
static int distance(const char *a, const char *b)
{
    int row[LONGEST + 1]; /* distances of a prefix of `a` to every prefix of `b` */
    const int n = (int)strlen(b);
    for (int j = 0; j <= n; j++) {
        row[j] = j;
    }
    for (int i = 0; a[i] != '\0'; i++) {
        int diagonal = row[0];
        row[0] = i + 1;
        for (int j = 0; j < n; j++) {
            const int above = row[j + 1];
            row[j + 1] = min3(diagonal + (a[i] != b[j]), above + 1, row[j] + 1);
            diagonal = above;
        }
    }
    return row[n];
}

const char *cli_nearest(const char *word, const char *const *candidates, int n_candidates)
{
    const char *best = NULL;
    if (strlen(word) > LONGEST) {
        return NULL;
    }
    int best_distance = (int)strlen(word) / 3 + 1;
    best_distance = best_distance < 3 ? 3 : best_distance;
    for (int i = 0; i < n_candidates; i++) {
        if (strlen(candidates[i]) <= LONGEST && distance(word, candidates[i]) < best_distance) {
            best = candidates[i];
            best_distance = distance(word, candidates[i]);
        }
    }
    return best;
}
