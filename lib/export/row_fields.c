/* SPDX-License-Identifier: Apache-2.0 */
#include "export/row_fields.h"

static pa_field text_field(const char *name, const char *text)
{
    return (pa_field){.name = name, .type = PA_FIELD_TEXT, .text = text != NULL ? text : ""};
}

static pa_field integer_field(const char *name, int64_t integer)
{
    return (pa_field){.name = name, .type = PA_FIELD_INTEGER, .integer = integer};
}

/* -1 stands for "none" in steps, layers, heads and ranks. */
static pa_field optional_field(const char *name, int64_t integer)
{
    return integer >= 0 ? integer_field(name, integer) : (pa_field){.name = name, .type = PA_FIELD_NONE};
}

static pa_field value_field(const pa_value *value)
{
    return (pa_field){
        .name = "value", .type = value->state == PA_STATE_OK ? PA_FIELD_NUMBER : PA_FIELD_NONE, .number = value->value};
}

int pa_row_fields(const pa_result_row *row, pa_field out[PA_ROW_FIELDS_MAX])
{
    const pa_value *value = &row->value;
    int n = 0;
    out[n++] = text_field("run", row->run);
    out[n++] = integer_field("step", row->step);
    out[n++] = text_field("split", row->split);
    out[n++] = text_field("metric", row->metric);
    out[n++] = text_field("options", row->options);
    out[n++] = optional_field("target_step", row->target_step);
    out[n++] = text_field("component", row->component);
    out[n++] = text_field("kind", pa_kind_name(row->kind));
    out[n++] = optional_field("layer", row->layer);
    out[n++] = optional_field("head", row->head);
    out[n++] = text_field("key", row->key);
    out[n++] = value_field(value);
    out[n++] = text_field("state", pa_state_name(value->state));
    out[n++] = text_field("note", value->note);
    out[n++] = integer_field("n", value->n);
    out[n++] = integer_field("p", value->p);
    out[n++] = optional_field("rank", value->rank);
    out[n++] = optional_field("rank_storage", value->rank_storage);
    out[n++] = integer_field("nonfinite", value->nonfinite);
    out[n++] = text_field("dtype", value->dtype != 0 ? pa_dtype_name(value->dtype) : "");
    out[n++] = text_field("definition", value->definition);
    out[n++] = text_field("estimator", value->estimator);
    out[n++] = text_field("compat", row->compat == PA_COMPAT_PICO ? "pico" : "literature");
    out[n++] = text_field("file", row->file);
    out[n++] = text_field("target_split", row->target_split);
    out[n++] = text_field("target_run", row->target_run);
    out[n++] = optional_field("target_layer", row->target_layer);
    out[n++] = integer_field("unscrambled", row->unscrambled);
    return n;
}
