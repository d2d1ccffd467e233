// A library of products that takes every product and computes nothing: for what is launched around it.
#pragma once

#include <memory>

#include "ops/cuda/product_library.h"

namespace blip3o::table {

std::shared_ptr<cuda::ProductLibrary> IdleLibrary();

}  // namespace blip3o::table
