// What a picture will look like, cheaply: one pixel for each latent, by a linear map from latents to RGB.
//
// The map is fitted for the checkpoint's own decoder: a latent's pixels, averaged, are explained by its channels (least
// squares with a small ridge). The equations are of random latents, decoded on a small grid before the first preview,
// and, with more weight, of the first pictures that the model decodes, since such are what previews show.
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
  PreviewMap(const ModelConfig& config, const AutoencoderDecoder& decoder);

  // Fits the map, unless it is fitted. In a dry run: only takes the memory. `progress` may stop it; then it is fitted
  // another time.
  Status Fit(Ops& ops, Arena& arena, bool dry, Progress& progress);

  // A picture that was decoded: latents [h·w, c], image [height·width, 3]. Fits the map better, the first few times.
  void Learn(Ops& ops, const Matrix& latents, const Matrix& image);

  // The picture that latents [h·w, c] at `sigma` are on their way to: latents − sigma · velocity, through the map,
  // which is fitted. `side`: h = w.
  std::shared_ptr<const Preview> Show(Ops& ops, const Matrix& latents, const Matrix& velocity, float sigma,
                                      int64_t side) const;

 private:
  using Color = std::array<double, 3>;

  // Decodes random latents and adds their equations.
  Status Observe(Ops& ops, Arena& arena, bool dry, uint64_t sample, Progress& progress);
  // Adds the equations of the cells of a map of `side`² latents that are `border` or more from its edge.
  void AddEquations(const float* latents, const float* image, int64_t side, int64_t border, double weight);
  Color MeanOfCell(const float* image, int64_t side, int64_t y, int64_t x) const;
  void AddEquation(const float* latent, const Color& color, double weight);
  void Solve();

  const ModelConfig& config_;
  const AutoencoderDecoder& decoder_;
  const int64_t channels_;    // c
  const int64_t cell_;        // pixels a side that one latent becomes
  mutable std::mutex mutex_;  // guards what follows
  bool fitted_ = false;
  int pictures_ = 0;                 // learned from
  std::vector<double> normal_;       // [c + 1, c + 1]
  std::vector<Color> products_;      // [c + 1]
  std::vector<Color> coefficients_;  // [c + 1]: the last one is the constant
};

}  // namespace blip3o
