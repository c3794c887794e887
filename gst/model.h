// Which model an element runs and where: the properties model, device and dtype.
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once
#include <memory>
#include <string>

#include "gst/settings.h"
#include "models/checkpoint.h"
#include "models/placement.h"

namespace vtok {

struct ModelSettings {
  std::string model = "tiny", device = "auto";
  DType dtype = DType::kAuto;

  static Choices types();
  template <class V>
  void each(V &&v) {
    v(model, "model", "A Hugging Face checkpoint folder, or tiny: the model that comes with gst-vtok");
    v(device, "device", "auto, cpu, cuda or cuda:N");
    v(dtype, "dtype", "Number type of weights and tokens; auto: what the device is good at", types());
  }
};

/// Opens and checks the folder. Throws ElementError: not_found() where there is none, else
/// settings_failure().
std::shared_ptr<const Checkpoint> open_model(const ModelSettings &settings);

}  // namespace vtok
