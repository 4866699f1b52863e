/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Expected values as tests/data/reference/reference.py writes them: one flat JSON object a file. */
#ifndef PA_TEST_REFERENCE_VALUES_H
#define PA_TEST_REFERENCE_VALUES_H
#include <stddef.h>
#include <stdint.h>

/** One number of a reference file. */
typedef struct reference_value {
    int64_t step;
    char file[96]; /**< Without ".json". */
    char key[96];  /**< E.g. "layers.0.ov_circuit.weights.heads.3". */
    double value;  /**< NaN for null. */
    int compared;  /**< How often a test has asked for it. */
} reference_value;

/** All numbers under a directory. */
typedef struct reference_values {
    reference_value *items;
    size_t count;
} reference_values;

/** Read all of `directory`/step_N/NAME.json; fails the test on any surprise. */
reference_values reference_values_load(const char *directory);

/** The value of a key, or NULL. */
reference_value *reference_values_find(reference_values *values, int64_t step, const char *file, const char *key);

void reference_values_free(reference_values *values);
#endif
