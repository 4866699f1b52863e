/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file picoanalyze/picoanalyze.h
 * @brief All of libpicoanalyze.
 */
#ifndef PICOANALYZE_PICOANALYZE_H
#define PICOANALYZE_PICOANALYZE_H
#include <picoanalyze/analysis.h>
#include <picoanalyze/checkpoint.h>
#include <picoanalyze/component.h>
#include <picoanalyze/context.h>
#include <picoanalyze/convert.h>
#include <picoanalyze/hub.h>
#include <picoanalyze/matrix.h>
#include <picoanalyze/metric.h>
#include <picoanalyze/options.h>
#include <picoanalyze/team.h>
#include <picoanalyze/types.h>
#include <picoanalyze/value.h>
#endif
