/* SPDX-License-Identifier: Apache-2.0 */
/* The tensors of one layer: told to the system before they are read, let go of after. */
#include "checkpoint/checkpoint_impl.h"
#include "matrix/leaf.h"

/* Visit the entries of a layer that have a matrix, with the lock held. */
static int64_t visit(const pa_checkpoint *checkpoint, int64_t layer, int64_t (*what)(pa_entry *entry))
{
    int64_t sum = 0;
    (void)pthread_mutex_lock(checkpoint->lock);
    for (int64_t group = 0; group < checkpoint->n_groups; group++) {
        int64_t place = pa_checkpoint_place(checkpoint, group, layer, "");
        for (; place < checkpoint->count; place++) {
            pa_entry *entry = &checkpoint->entries[checkpoint->order[place]];
            if (entry->group != group || entry->layer != layer) {
                break;
            }
            sum += entry->matrix != NULL && entry->tensor != NULL ? what(entry) : 0;
        }
    }
    (void)pthread_mutex_unlock(checkpoint->lock);
    return sum;
}

static int64_t announce(pa_entry *entry)
{
    pa_tensor_announce(entry->tensor);
    return pa_tensor_count(entry->tensor) * (int64_t)sizeof(double);
}

/* Nobody can take a reference meanwhile: whoever asks the checkpoint waits for its lock. */
static int64_t trim(pa_entry *entry)
{
    if (!pa_matrix_is_shared(entry->matrix)) {
        pa_matrix_destroy(entry->matrix);
        entry->matrix = NULL;
    }
    return 0;
}

/* The checkpoint's own, and those of its files that are open. */
static int64_t visit_all(const pa_checkpoint *checkpoint, int64_t layer, int64_t (*what)(pa_entry *entry))
{
    int64_t sum = visit(checkpoint, layer, what);
    for (const pa_step_file *file = checkpoint->files; file != NULL; file = file->next) {
        const pa_checkpoint *opened = pa_step_file_opened(checkpoint, file);
        sum += opened != NULL ? visit(opened, layer, what) : 0;
    }
    return sum;
}

int64_t pa_checkpoint_announce(const pa_checkpoint *checkpoint, int64_t layer)
{
    return visit_all(checkpoint, layer, announce);
}

void pa_checkpoint_trim(const pa_checkpoint *checkpoint, int64_t layer)
{
    (void)visit_all(checkpoint, layer, trim);
}
