package dev.blip3o.server.openai;

import java.util.List;
import java.util.Optional;

/**
 * What a client wants to be edited.
 *
 * @param order everything but the pictures
 * @param images the files of the pictures, 1 to 16, not yet decoded
 * @param mask the file of the mask
 */
public record EditOrder(PictureOrder order, List<byte[]> images, Optional<byte[]> mask) {}
