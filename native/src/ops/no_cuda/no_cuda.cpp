// Builds without CUDA: there is no such device.
#include "ops/backend.h"

namespace blip3o {

namespace {

Status NoCuda() {
  return Unsupported(
      "this library was built without CUDA: use one that was built with it (for Java the artifact "
      "dev.blip3o:blip3o-native with the classifier linux-x86_64-cuda)");
}

}  // namespace

bool HasCuda() { return false; }

Result<std::shared_ptr<Device>> OpenCudaDevice(const CudaOptions&) { return NoCuda(); }

Result<int64_t> CudaWeightBytes(const CudaOptions&, const std::function<void(Ops&)>&, const std::vector<View>&) {
  return NoCuda();
}

Result<int64_t> CudaScratchBytes(const CudaOptions&, const Capacity&) { return NoCuda(); }

}  // namespace blip3o
