/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * Groups of listed tensors; components without roles. */
#include "pa_component_test.h"

enum { N = 3, P = 2 };

static const double a_data[N * P] = {1, 2, 3, 4, 5, 6};
static const double b_data[N * P] = {7, 8, 9, 10, 11, 12};
static const double t_data[P * N] = {7, 9, 11, 8, 10, 12}; /* the transpose of b */

static pa_checkpoint *make(void)
{
    pa_checkpoint *c = component_checkpoint(N, 1, 1);
    for (pa_kind kind = PA_WEIGHTS; kind <= PA_ACTIVATIONS; kind++) {
        component_add(c, kind, "net.layers.0.attention.a.weight", a_data, N, P);
        component_add(c, kind, "net.layers.0.attention.b.weight", b_data, N, P);
        component_add(c, kind, "net.layers.0.t", t_data, P, N);
    }
    return c;
}

static void check_group(const char *options, pa_kind kind, const char *key, const double *expected, int64_t rows,
                        int64_t cols)
{
    pa_checkpoint *c = make();
    pa_parts *parts = component_build(c, "group", kind, options, 0);
    assert_int_equal(pa_parts_count(parts), 1);
    assert_string_equal(pa_parts_key(parts, 0), key);
    component_check(pa_parts_matrix(parts, 0), expected, rows, cols);
    pa_parts_destroy(parts);
    pa_checkpoint_destroy(c);
}

static void test_members_stand_side_by_side_or_are_stacked(void **state)
{
    (void)state;
    static const double side[] = {1, 2, 7, 8, 3, 4, 9, 10, 5, 6, 11, 12};
    static const double stacked[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    check_group("members: [attention.a, attention.b]", PA_WEIGHTS, "layers.0.group.attention.a+attention.b.weights",
                side, N, 2 * P);
    check_group("members: [attention.a, attention.b], combine: rows, name: both", PA_GRADIENTS,
                "layers.0.group.both.gradients", stacked, 2 * N, P);
    check_group("members: attention.a", PA_ACTIVATIONS, "layers.0.group.attention.a.activations", a_data, N, P);
}

static void test_members_may_be_turned_over(void **state)
{
    (void)state;
    static const double side[] = {1, 2, 7, 8, 3, 4, 9, 10, 5, 6, 11, 12};
    check_group("members: [attention.a, t], transpose: [t], name: g", PA_WEIGHTS, "layers.0.group.g.weights", side, N,
                2 * P);
    check_group("members: [t, t], transpose: t, combine: rows, name: g", PA_WEIGHTS, "layers.0.group.g.weights",
                (const double[]){7, 8, 9, 10, 11, 12, 7, 8, 9, 10, 11, 12}, 2 * N, P);
}

static void test_what_is_wrong_is_named(void **state)
{
    (void)state;
    pa_checkpoint *c = make();
    pa_component *component = NULL;
    assert_fails(pa_component_create(ctx, "group", PA_WEIGHTS, NULL, &component, &err), PA_ERR_CONFIG,
                 "option 'members' is required");
    assert_fails(pa_component_create(ctx, "group", PA_WEIGHTS, "members: [a], layer_suffixes: t", &component, &err),
                 PA_ERR_CONFIG, "component 'group' takes no layer_suffixes");
    component_refuse(c, "group", PA_WEIGHTS, "members: []", 0, PA_ERR_CONFIG, "'members' is an empty list");
    component_refuse(c, "group", PA_WEIGHTS, "members: [attention.a, x]", 0, PA_ERR_NOT_FOUND, "'x'");
    component_refuse(c, "group", PA_WEIGHTS, "members: [attention.a, t]", 0, PA_ERR_SHAPE,
                     "group: 't' is [2, 3], its first member [3, 2]: 'combine: columns' needs equally many rows");
    component_refuse(c, "group", PA_WEIGHTS, "members: [t, attention.a], combine: rows", 0, PA_ERR_SHAPE,
                     "'combine: rows' needs equally many columns");
    component_refuse(c, "group", PA_WEIGHTS, "members: [t], transpose: [attention.a]", 0, PA_ERR_CONFIG,
                     "'attention.a' in 'transpose' is none of the members");
    component_refuse(c, "group", PA_WEIGHTS, "members: [t], name: 'a b'", 0, PA_ERR_CONFIG, "not 'a b'");
    pa_checkpoint_destroy(c);
}

static pa_status emit_nothing(void *user, pa_site *site, pa_error *e)
{
    (void)user;
    assert_string_equal(pa_site_suffix(site, "any"), "");
    pa_matrix *m = NULL;
    assert_fails(pa_site_tensor(site, "any", PA_WEIGHTS, &m, e), PA_ERR_INVALID, "has no role 'any'");
    pa_error none = {0};
    *e = none;
    return PA_OK;
}

/* Roles are not needed; emitting nothing is an error for those that are not of pairs and have no reference. */
static void test_components_of_ones_own_may_have_no_role(void **state)
{
    (void)state;
    static const int32_t flags[] = {0, PA_COMPONENT_PAIRS, PA_COMPONENT_REFERENCE};
    static const char *const names[] = {"single", "paired", "referring"};
    pa_checkpoint *c = make();
    for (int i = 0; i < 3; i++) {
        const pa_component_ops ops = {
            .struct_size = sizeof(ops), .name = names[i], .build = emit_nothing, .flags = flags[i]};
        assert_ok(pa_component_register(ctx, &ops, NULL, &err));
        if (i == 0) {
            component_refuse(c, names[i], PA_WEIGHTS, NULL, 0, PA_ERR_CALLBACK, "'single' emitted nothing");
        } else {
            pa_parts *parts = component_build(c, names[i], PA_WEIGHTS, NULL, 0);
            assert_int_equal(pa_parts_count(parts), 0);
            assert_null(pa_parts_key(parts, 0));
            pa_parts_destroy(parts);
        }
    }
    const pa_component_ops bad = {.struct_size = sizeof(bad), .name = "bad", .build = emit_nothing, .n_roles = 2};
    assert_fails(pa_component_register(ctx, &bad, NULL, &err), PA_ERR_INVALID, "2 roles at a NULL pointer");
    pa_checkpoint_destroy(c);
}

static void test_every_allocation_may_fail(void **state)
{
    (void)state;
    component_case c = {"group", "members: [attention.q_proj, attention.k_proj], transpose: [attention.k_proj]",
                        PA_WEIGHTS, 0};
    pa_test_oom_sweep(component_under_pressure, &c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members_stand_side_by_side_or_are_stacked),
        cmocka_unit_test(test_members_may_be_turned_over),
        cmocka_unit_test(test_what_is_wrong_is_named),
        cmocka_unit_test(test_components_of_ones_own_may_have_no_role),
        cmocka_unit_test(test_every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, metric_setup, metric_teardown);
}
