/* SPDX-License-Identifier: Apache-2.0 */
/* One line a format, in the order in which they are tried. Included twice: for the declarations and for the table. */
PA_FORMAT(npz)
PA_FORMAT(torch_zip)
PA_FORMAT(torch_legacy)
PA_FORMAT(torch_preview)
PA_FORMAT(torch_tar)
PA_FORMAT(safetensors)
PA_FORMAT(shards)
PA_FORMAT(npy)
