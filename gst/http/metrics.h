// An element's stats in Prometheus' text form.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <gst/gst.h>

#include <string>

namespace vtok {

/// Every number in `stats`: "buffers-in" (uint64) as the counter vtok_buffers_in_total, other types as
/// gauges, "ttft-ms" as vtok_ttft_seconds; structures within by their own name first. `element` is the label
/// of each.
std::string prometheus_text(const GstStructure *stats, const std::string &element);
/// One metric: its type and one sample; `labels` is "" or as in `code="200"`.
std::string prometheus_line(const std::string &name, const char *type, const std::string &labels,
                            double value);
/// A text as a label's value: quoted, with its special characters escaped.
std::string prometheus_label(const std::string &text);

}  // namespace vtok
