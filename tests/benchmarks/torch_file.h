/* SPDX-License-Identifier: Apache-2.0 */
/** @file
 * @brief Writes a dictionary of float32 matrices as torch.save() of PyTorch 1.13 does, byte for byte. */
#ifndef TORCH_FILE_H
#define TORCH_FILE_H
#include <stdint.h>

enum { TORCH_FILE_MAX = 1024 }; /**< Tensors of one file. */

/** One entry of the dictionary. */
typedef struct torch_tensor {
    char name[96];
    int64_t rows, cols;
} torch_tensor;

/** Fills in the elements of tensor `index`, row after row. */
typedef void (*torch_fill)(void *user, int index, const torch_tensor *tensor, float *out);

/**
 * Write `path`. Without `fill` every record is a hole of the file, which reads as zeros and takes no space, and has
 * CRC 0, as with `compute_crc32=False` in PyTorch 2.6.
 *
 * Returns 0, or -1 with a message on stderr: an I/O error, more than TORCH_FILE_MAX tensors, or 4 GiB or more in all.
 */
int torch_file_write(const char *path, const torch_tensor *tensors, int count, torch_fill fill, void *user);
#endif
