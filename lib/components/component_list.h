/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in components, one line each; lib/components/<name>.c defines pa_component_<name>. Included more than once. */
PA_COMPONENT(attention_head)
PA_COMPONENT(feed_forward)
PA_COMPONENT(group)
PA_COMPONENT(induction_head)
PA_COMPONENT(ov_circuit)
PA_COMPONENT(residual_delta)
PA_COMPONENT(simple)
