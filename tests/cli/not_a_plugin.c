/* SPDX-License-Identifier: Apache-2.0 */
/* A shared object without pa_plugin_register(). */
int not_a_plugin(void);

int not_a_plugin(void)
{
    return 0;
}
