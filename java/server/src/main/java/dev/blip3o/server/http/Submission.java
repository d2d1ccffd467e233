package dev.blip3o.server.http;

import dev.blip3o.PictureJob;
import dev.blip3o.server.openai.PictureOrder;
import dev.blip3o.server.openai.Usage;
import java.util.List;

/**
 * What was ordered, on its way in the model.
 *
 * @param jobs the pictures, in the order of their seeds
 */
record Submission(PictureOrder order, List<PictureJob> jobs, Usage usage) {}
