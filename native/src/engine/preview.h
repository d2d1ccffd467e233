// What a picture will look like, cheaply: one pixel for each latent, by a linear map from latents to RGB.
//
// The map is fitted for the checkpoint's own decoder: random latents are decoded on a small grid, and a latent's
// pixels, averaged, are explained by its channels (least squares with a small ridge).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/arena.h"
#include "base/status.h"
#include "engine/events.h"
#include "model/autoencoder_decoder.h"
#include "model/progress.h"
#include "ops/ops.h"
#include "weights/config.h"

namespace blip3o {

// Safe for use by several threads at once.
class PreviewMap {
 public:
  // Both must outlive the map.
  PreviewMap(const ModelConfig& config, const AutoencoderDecoder& decoder) : config_(config), decoder_(decoder) {}

  // Fits the map, unless it is fitted. In a dry run: only takes the memory. `progress` may stop it; then it is fitted
  // another time.
  Status Fit(Ops& ops, Arena& arena, bool dry, Progress& progress);

  // The picture that latents [h·w, c] at `sigma` are on their way to: latents − sigma · velocity, through the map,
  // which is fitted. `side`: h = w.
  std::shared_ptr<const Preview> Show(Ops& ops, const Matrix& latents, const Matrix& velocity, float sigma,
                                      int64_t side) const;

 private:
  using Color = std::array<double, 3>;

  // Decodes `latents` [kGrid², c] and adds its inner cells to the equations.
  Status Observe(Ops& ops, Arena& arena, bool dry, uint64_t sample, Progress& progress);
  void AddEquation(const float* latent, const Color& color);
  void Solve();

  const ModelConfig& config_;
  const AutoencoderDecoder& decoder_;
  mutable std::mutex mutex_;  // guards what follows
  bool fitted_ = false;
  std::vector<double> normal_;       // [c + 1, c + 1]
  std::vector<Color> products_;      // [c + 1]
  std::vector<Color> coefficients_;  // [c + 1]: the last one is the constant
};

}  // namespace blip3o
