// Builds without CUDA: there is no such device.
#include "ops/backend.h"

namespace blip3o {

bool HasCuda() { return false; }

Result<std::shared_ptr<Device>> OpenCudaDevice(const CudaOptions&) {
  return Unsupported(
      "this library was built without CUDA: use one that was built with it (for Java the artifact "
      "dev.blip3o:blip3o-native with the classifier linux-x86_64-cuda)");
}

}  // namespace blip3o
