// The library with the CUDA backend on a machine without a driver: it loads, says that there is none, and runs on the
// CPU where that was left to it.
//
// usage: loading_test LIBRARY CHECKPOINT. Exit code 77: this machine has a driver.
#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#include "blip3o/blip3o.h"

namespace {

int g_failures = 0;

void Expect(bool condition, const std::string& what) {
  if (condition) return;
  std::cerr << "loading_test: " << what << '\n';
  ++g_failures;
}

bool Contains(const char* text, const char* words) { return std::strstr(text, words) != nullptr; }

template <typename F>
F* Find(void* library, const char* name) {
  void* found = dlsym(library, name);
  if (found == nullptr) {
    std::cerr << "loading_test: the library has no " << name << '\n';
    std::exit(1);
  }
  return reinterpret_cast<F*>(found);
}

#define BLIP3O_FIND(library, name) Find<decltype(name)>(library, #name)

int Run(const char* path, const char* checkpoint) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    std::cerr << "loading_test: " << dlerror() << '\n';
    return 1;
  }
  auto* open = BLIP3O_FIND(library, blip3o_model_open);
  auto* close = BLIP3O_FIND(library, blip3o_model_close);
  auto* info_of = BLIP3O_FIND(library, blip3o_model_describe);
  auto* defaults = BLIP3O_FIND(library, blip3o_model_options_default);
  Expect(BLIP3O_FIND(library, blip3o_has_backend)(BLIP3O_DEVICE_CUDA) == 1, "it was built without CUDA");

  blip3o_model_options options;
  defaults(&options);
  options.threads = 1;
  options.device = BLIP3O_DEVICE_CUDA;
  blip3o_model* model = nullptr;
  blip3o_error error = {};
  Expect(open(checkpoint, &options, &model, &error) == BLIP3O_UNSUPPORTED, "CUDA without a driver was not refused");
  Expect(model == nullptr, "a refused model is not null");
  Expect(Contains(error.message, "this machine has no CUDA driver"), error.message);

  options.device = BLIP3O_DEVICE_AUTO;
  Expect(open(checkpoint, &options, &model, &error) == BLIP3O_OK, error.message);
  if (model == nullptr) return 1;
  blip3o_model_info info = {};
  info_of(model, &info);
  Expect(info.device == BLIP3O_DEVICE_CPU, "AUTO did not become the CPU");
  Expect(Contains(info.device_reason, "this machine has no CUDA driver"), info.device_reason);
  close(model);
  if (g_failures == 0) std::cout << "loads without a driver, and says: " << info.device_reason << '\n';
  return g_failures == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: loading_test LIBRARY CHECKPOINT\n";
    return 2;
  }
  if (dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL) != nullptr) {
    std::cout << "not run: this machine has a CUDA driver\n";
    return 77;
  }
  return Run(argv[1], argv[2]);
}
