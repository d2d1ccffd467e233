// One version of the language model: the checkpoint's, or one that took its place. A run keeps the version that was the
// current one when it began, so that no picture is of two.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "base/memory.h"
#include "base/status.h"
#include "base/tensor.h"
#include "engine/memory_account.h"
#include "model/language_model.h"
#include "weights/checkpoint.h"
#include "weights/language_weights.h"

namespace blip3o {

// Does not change once it is in use; freed with the last run that uses it.
class LanguageVersion {
 public:
  // The checkpoint's own, number 0. `checkpoint` must outlive it.
  explicit LanguageVersion(const Checkpoint& checkpoint)
      : number_(0), weights_(checkpoint.weights().language_model), model_(config(checkpoint), weights_) {}
  // Version `number`, which owns its weights. `checkpoint` must outlive it.
  LanguageVersion(const Checkpoint& checkpoint, int64_t number, OwnedLanguageWeights owned)
      : number_(number), owned_(std::move(owned)), weights_(owned_.weights), model_(config(checkpoint), weights_) {}
  LanguageVersion(const LanguageVersion&) = delete;
  LanguageVersion& operator=(const LanguageVersion&) = delete;

  // It is read where it is, on the host.
  void StayOnHost(Holding holding) { holding_ = std::move(holding); }
  // It is read on a device, which has brought its weights into `loaded` (Device::Load): the host keeps their addresses,
  // by which they are found there, and gives their memory back.
  void MoveToDevice(Buffer loaded, Holding holding) {
    holding_ = std::move(holding);
    loaded_ = std::move(loaded);
    LetGo(owned_.memory);
    LetGo(owned_.quantized);
  }

  int64_t number() const { return number_; }
  // Of memory beside the checkpoint's files, where it is read.
  int64_t size_bytes() const { return holding_.bytes(); }
  const LanguageModel& model() const { return model_; }
  const View& image_head() const { return weights_.image_head; }

 private:
  static const LanguageModelConfig& config(const Checkpoint& checkpoint) { return checkpoint.config().language_model; }

  const int64_t number_;
  OwnedLanguageWeights owned_;  // outlives what the device finds by its addresses
  Holding holding_;             // counts memory until it is back
  Buffer loaded_;
  const LanguageModelWeights& weights_;
  const LanguageModel model_;
};

}  // namespace blip3o
