/* SPDX-License-Identifier: Apache-2.0 */
/* What a server of the Hub answers, read from bytes: commits, steps, files, header lines, refusals, redirects. */
#include "base/alloc.h"
#include "hub/http.h"
#include "hub/repo.h"
#include "pa_test.h"

#define A40 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B40 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C40 "cccccccccccccccccccccccccccccccccccccccc"
#define D64 "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
#define TITLED(id, title) "{\"id\": \"" id "\", \"title\": \"" title "\"}"
#define PLAIN(path, oid) "{\"type\": \"file\", \"path\": \"" path "\", \"size\": 7, \"oid\": \"" oid "\"}"
#define LARGE(path, oid, sha256)                                                                                       \
    "{\"type\": \"file\", \"path\": \"" path "\", \"size\": 130, \"oid\": \"" oid "\", \"lfs\": {\"oid\": \"" sha256   \
    "\", \"size\": 9000000000}}"

/** @name Steps
 * @{ */

static const char newer[] = "[" TITLED(B40, "Saving Learning Dynamics Data (val) -- Step 0") ", " //
    TITLED(A40, "Saving HF Model -- Step 20") ", "                                                //
    TITLED(A40, "Saving Fabric Checkpoint -- Step 30") "]";
static const char older[] = "[" TITLED(C40, "re: Saving Learning Dynamics Data (val) -- Step 0 (again)") ", " //
    TITLED(A40, "Saving Learning Dynamics Data (train) -- Step 0") ", "                                       //
    TITLED(A40, "Saving HF Model -- Step x") ", "                                                             //
    TITLED(A40, "Saving HF Model -- Step 9223372036854775808") ", "                                           //
    TITLED(A40, "Saving HF Model -- Step 900000000000000000") "]";

static pa_status read_pages(const pa_allocator *mem, pa_hub_steps *steps, pa_error *err)
{
    *steps = (pa_hub_steps){.mem = mem};
    pa_status status = pa_hub_steps_read(steps, newer, (int64_t)strlen(newer), err);
    status = status != PA_OK ? status : pa_hub_steps_read(steps, older, (int64_t)strlen(older), err);
    return status != PA_OK ? status : pa_hub_steps_end(steps, err);
}

static void the_oldest_commit_of_a_step_counts(void **state)
{
    pa_hub_steps steps;
    pa_error err = {0};
    (void)state;
    assert_ok(read_pages(&pa_allocator_default, &steps, &err));
    assert_int_equal(steps.count, 3);
    assert_int_equal(steps.items[0].step, 0);
    assert_string_equal(steps.items[0].commits[PA_HUB_VAL], C40);
    assert_string_equal(steps.items[0].commits[PA_HUB_TRAIN], A40);
    assert_string_equal(steps.items[0].commits[PA_HUB_MODEL], "");
    assert_int_equal(steps.items[1].step, 20);
    assert_string_equal(steps.items[1].commits[PA_HUB_MODEL], A40);
    assert_int_equal(steps.items[2].step, 900000000000000000);
    pa_hub_steps_free(&steps);
}

static void lists_of_commits_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *text;
        const char *part;
    } cases[] = {{"", "JSON"},
                 {"{}", "array"},
                 {"[1]", "no id"},
                 {"[{\"id\": \"" A40 "\"}]", "no title"},
                 {"[" TITLED("A" A40, "t") "]", "no id"},
                 {"[" TITLED("../../x", "t") "]", "no id"},
                 {"[" TITLED(A40, "\\u0000") "]", "JSON"}};
    pa_error err;
    char commit[PA_COMMIT];
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pa_hub_steps steps = {.mem = &pa_allocator_default};
        assert_fails(pa_hub_steps_read(&steps, cases[i].text, (int64_t)strlen(cases[i].text), &err), PA_ERR_FORMAT,
                     cases[i].part);
        pa_hub_steps_free(&steps);
    }
    assert_fails(pa_hub_commit_read("{\"sha\": 1}", 10, commit, &err), PA_ERR_FORMAT, "no commit");
}

static void many_commits_of_many_steps_take_no_quadratic_time(void **state)
{
    enum { COUNT = 200000 };
    pa_error err = {0};
    pa_text text = {.mem = &pa_allocator_default};
    pa_hub_steps steps = {.mem = &pa_allocator_default};
    (void)state;
    for (int i = 0; i < COUNT; i++) { /* a permutation: 7919 has no factor of COUNT */
        const long long step = (long long)i * 7919 % COUNT;
        assert_ok(
            pa_text_printf(&text, &err, "%s" TITLED(A40, "Saving HF Model -- Step %lld"), i > 0 ? "," : "[", step));
    }
    assert_ok(pa_text_append(&text, "]", &err));
    assert_ok(pa_hub_steps_read(&steps, text.data, text.length, &err));
    assert_ok(pa_hub_steps_end(&steps, &err));
    assert_int_equal(steps.count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(steps.items[i].step, i);
    }
    pa_hub_steps_free(&steps);
    pa_text_free(&text);
}
/** @} */

/** @name Files
 * @{ */

static pa_hub_tree *new_tree(const pa_allocator *mem)
{
    pa_hub_tree *tree = pa_alloc(mem, 1, sizeof(*tree));
    if (tree != NULL) {
        tree->arena.mem = mem;
    }
    return tree;
}

static const char listed[] = "[{\"type\": \"directory\", \"path\": \"d\", \"oid\": \"" A40
                             "\", \"size\": 0}, " PLAIN("z \\\"q\\\" \\u00e9", A40) ", " LARGE("d/w.pt", B40, D64) "]";

static void check_files(const pa_hub_tree *tree)
{
    const pa_hub_file *plain = pa_hub_tree_find(tree, "z \"q\" \xc3\xa9");
    const pa_hub_file *large = pa_hub_tree_find(tree, "d/w.pt");
    assert_int_equal(tree->count, 2);
    assert_non_null(plain);
    assert_non_null(large);
    assert_string_equal(plain->etag, A40);
    assert_int_equal(plain->size, 7);
    assert_string_equal(large->etag, D64);
    assert_string_equal(large->oid, B40);
    assert_int_equal(large->size, 9000000000);
    assert_null(pa_hub_tree_find(tree, "d"));
}

static void files_are_found_and_kept(void **state)
{
    pa_error err = {0};
    pa_text text = {.mem = &pa_allocator_default};
    pa_hub_tree *tree = new_tree(&pa_allocator_default);
    pa_hub_tree *again = new_tree(&pa_allocator_default);
    (void)state;
    assert_ok(pa_hub_tree_read(tree, listed, (int64_t)strlen(listed), &err));
    assert_ok(pa_hub_tree_end(tree, &err));
    check_files(tree);
    assert_ok(pa_hub_tree_write(tree, &text, &err));
    assert_ok(pa_hub_tree_read_kept(again, text.data, text.length, &err));
    assert_ok(pa_hub_tree_end(again, &err));
    check_files(again);
    pa_hub_tree_destroy(tree);
    pa_hub_tree_destroy(again);
    pa_text_free(&text);
}

static pa_status read_all(pa_hub_tree *tree, const char *text, pa_error *err)
{
    const pa_status status = pa_hub_tree_read(tree, text, (int64_t)strlen(text), err);
    return status != PA_OK ? status : pa_hub_tree_end(tree, err);
}

static void lists_of_files_that_are_none_are_refused(void **state)
{
    static const struct {
        const char *text;
        pa_status status;
        const char *part;
    } cases[] = {
        {"{}", PA_ERR_FORMAT, "array"},
        {"[" PLAIN("../x", A40) "]", PA_ERR_FORMAT, "out of the repository"},
        {"[" PLAIN("a\\\\b", A40) "]", PA_ERR_FORMAT, "out of the repository"},
        {"[" PLAIN("a\\nb", A40) "]", PA_ERR_FORMAT, "out of the repository"},
        {"[" PLAIN("x", D64) "]", PA_ERR_FORMAT, "'x' has no digest"},
        {"[" LARGE("x", A40, A40) "]", PA_ERR_FORMAT, "'x' has no digest"},
        {"[{\"type\": \"file\", \"path\": \"x\", \"size\": -1, \"oid\": \"" A40 "\"}]", PA_ERR_LIMIT, "no size"},
        {"[{\"type\": \"file\", \"path\": \"x\", \"size\": 1.5, \"oid\": \"" A40 "\"}]", PA_ERR_LIMIT, "no size"},
        {"[" PLAIN("x", A40) ", " PLAIN("y", A40) ", " PLAIN("x", B40) "]", PA_ERR_FORMAT, "two files 'x'"}};
    pa_error err;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pa_hub_tree *tree = new_tree(&pa_allocator_default);
        assert_fails(read_all(tree, cases[i].text, &err), cases[i].status, cases[i].part);
        pa_hub_tree_destroy(tree);
    }
    static const char *const kept[][2] = {{"{\"format_version\": 2, \"files\": {}}", "unknown form"},
                                          {"{\"format_version\": 1}", "has none"},
                                          {"{\"format_version\": 1, \"files\": []}", "has none"}};
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        pa_hub_tree *tree = new_tree(&pa_allocator_default);
        assert_fails(pa_hub_tree_read_kept(tree, kept[i][0], (int64_t)strlen(kept[i][0]), &err), PA_ERR_FORMAT,
                     kept[i][1]);
        pa_hub_tree_destroy(tree);
    }
}
/** @} */

/** @name Header lines
 * @{ */

static pa_http_answer answer_of(const char *const *lines)
{
    pa_http_answer answer = {.range_start = -1, .retry_after = -1.0};
    for (; *lines != NULL; lines++) {
        pa_http_answer_read(&answer, *lines, strlen(*lines));
    }
    return answer;
}

static void header_lines_are_understood(void **state)
{
    static const char *const lines[] = {"HTTP/1.1 429 Too Many Requests\r\n",
                                        "link: <https://h/1>; rel=\"prev\", <https://h/2?a=1,2>; title=x; "
                                        "rel=\"next\", <https://h/3>; rel=\"last\"\r\n",
                                        "LOCATION:\t https://cdn/x \r\n",
                                        "Content-Range: bytes 1000-1999/2000\r\n",
                                        "RateLimit: \"api\";r=0;t=55\r\n",
                                        "X-Error-Code: GatedRepo\r\n",
                                        "X-Error-Message:  a b \r\n",
                                        "nothing\r\n",
                                        ":\r\n",
                                        "",
                                        NULL};
    (void)state;
    const pa_http_answer answer = answer_of(lines);
    assert_string_equal(answer.next, "https://h/2?a=1,2");
    assert_string_equal(answer.location, "https://cdn/x");
    assert_int_equal(answer.range_start, 1000);
    assert_close(answer.retry_after, 55.0, 0.0);
    assert_string_equal(answer.error_code, "GatedRepo");
    assert_string_equal(answer.error_message, "a b");
}

static void header_lines_that_are_wrong_say_nothing(void **state)
{
    static char long_one[PA_HTTP_URL + 100] = "Location: ";
    static const char *const lines[] = {"Link: <https://h/1>; rel=\"previous\", <https://h/2",
                                        "Link: rel=\"next\"",
                                        "Content-Range: bytes */2000",
                                        "RateLimit: \"api\";r=1;t=55",
                                        long_one,
                                        NULL};
    (void)state;
    memset(long_one + strlen(long_one), 'x', PA_HTTP_URL);
    const pa_http_answer answer = answer_of(lines);
    assert_string_equal(answer.next, "");
    assert_string_equal(answer.location, "");
    assert_int_equal(answer.range_start, -1);
    assert_close(answer.retry_after, -1.0, 0.0);
}

static void redirects_are_resolved_and_the_token_stays(void **state)
{
    static const struct {
        const char *location;
        const char *url; /* NULL: refused */
        int endpoint;
    } cases[] = {{"/a?b", "https://hub.example/a?b", 1},
                 {"d", "https://hub.example/x/d", 1},
                 {"https://HUB.example:443/a", "https://HUB.example:443/a", 1},
                 {"https://hub.example:444/a", "https://hub.example:444/a", 0},
                 {"https://hub.example@evil.example/", "https://hub.example@evil.example/", 0},
                 {"https://hub.example.evil.example/", "https://hub.example.evil.example/", 0},
                 {"//cdn.example/a", "https://cdn.example/a", 0},
                 {"http://hub.example/a", NULL, 0},
                 {"file:///etc/passwd", NULL, 0},
                 {"javascript:x", NULL, 0}};
    char endpoint[] = "https://hub.example";
    char url[PA_HTTP_URL];
    pa_error err = {0};
    pa_hub hub = {.endpoint = endpoint};
    (void)state;
    assert_ok(pa_curl_open(&hub.curl, &err));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const pa_status status = pa_http_resolve(&hub, "https://hub.example/x/y", cases[i].location, url, &err);
        assert_int_equal(status, cases[i].url != NULL ? PA_OK : PA_ERR_NETWORK);
        if (status == PA_OK) {
            assert_string_equal(url, cases[i].url);
            assert_int_equal(pa_http_is_endpoint(&hub, url), cases[i].endpoint);
        }
    }
    pa_curl_close(&hub.curl);
}
/** @} */

static pa_status under_pressure(const pa_allocator *mem, void *user)
{
    pa_hub_steps steps = {.mem = mem};
    pa_hub_tree *trees[2] = {new_tree(mem), new_tree(mem)};
    pa_text texts[2] = {{.mem = mem}, {.mem = mem}};
    pa_error err = {0};
    (void)user;
    pa_status s = trees[0] != NULL && trees[1] != NULL ? PA_OK : PA_ERR_NOMEM;
    s = s != PA_OK ? s : read_pages(mem, &steps, &err);
    s = s != PA_OK ? s : pa_hub_steps_write(&steps, &texts[0], &err);
    s = s != PA_OK ? s : pa_hub_tree_read(trees[0], listed, (int64_t)strlen(listed), &err);
    s = s != PA_OK ? s : pa_hub_tree_end(trees[0], &err);
    s = s != PA_OK ? s : pa_hub_tree_write(trees[0], &texts[1], &err);
    s = s != PA_OK ? s : pa_hub_tree_read_kept(trees[1], texts[1].data, texts[1].length, &err);
    s = s != PA_OK ? s : pa_hub_tree_end(trees[1], &err);
    for (int i = 0; i < 2; i++) {
        pa_hub_tree_destroy(trees[i]);
        pa_text_free(&texts[i]);
    }
    pa_hub_steps_free(&steps);
    return s;
}

static void memory_that_runs_out(void **state)
{
    (void)state;
    pa_test_oom_sweep(under_pressure, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_commit_of_a_step_counts),
        cmocka_unit_test(lists_of_commits_that_are_none_are_refused),
        cmocka_unit_test(many_commits_of_many_steps_take_no_quadratic_time),
        cmocka_unit_test(files_are_found_and_kept),
        cmocka_unit_test(lists_of_files_that_are_none_are_refused),
        cmocka_unit_test(header_lines_are_understood),
        cmocka_unit_test(header_lines_that_are_wrong_say_nothing),
        cmocka_unit_test(redirects_are_resolved_and_the_token_stays),
        cmocka_unit_test(memory_that_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
