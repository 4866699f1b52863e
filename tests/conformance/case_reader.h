/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Files of tests/data/reference/cases/: named matrices and what is expected of them, words and numbers with blanks
 * between. A malformed file ends the test. */
#ifndef CASE_READER_H
#define CASE_READER_H
#include <stdint.h>
#include <stdio.h>

#include <picoanalyze/picoanalyze.h>

enum { MAX_MATRICES = 600 };

typedef struct named_matrix {
    char name[64];
    pa_matrix *matrix;
} named_matrix;

typedef struct case_reader {
    FILE *file;
    const char *path;
    pa_context *ctx;
    named_matrix matrices[MAX_MATRICES];
    int n_matrices;
    int cases;
    int wrong;
} case_reader;

void case_die(const case_reader *r, const char *what);

/** So many numbers; yours: free(). */
double *case_numbers(case_reader *r, int64_t count);

/** A matrix that the file has defined; borrowed. */
const pa_matrix *case_find(const case_reader *r, const char *name);

/**
 * Read a whole file: comments and matrices here, whatever else begins with `word` by `other`, which counts `cases` and
 * `wrong` and returns 0 for a word that it does not know. Returns 0 when there were cases and all were right.
 */
int case_file(const char *path, int (*other)(case_reader *r, const char *word));
#endif
